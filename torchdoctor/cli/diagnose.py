"""``torchdoctor diagnose``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from torchdoctor.diagnose.log import Log
    from torchdoctor.model import Answer


@click.command("diagnose")
@click.argument("paths", metavar="[FILE|DIR|-]...", nargs=-1)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to write the answer.",
)
@click.option(
    "--facts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `torchdoctor run --format json` wrote on the failing machine.",
)
@click.option("--no-local-facts", is_flag=True, help="Use nothing that is known of this machine.")
@click.option("--all", "show_all", is_flag=True, help="Show every candidate in full.")
@click.option("--redact", is_flag=True, help="Replace names, paths, addresses and tokens by aliases.")
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[str, ...], format_: str, facts: Path | None, no_local_facts: bool, show_all: bool, redact: bool
) -> None:
    """Say what a pasted failure or the logs of a job mean: the root cause, the line that shows it, and what to change.

    Reads files, folders of per-rank logs, or standard input until its end.

    Exit code: 0 a cause was found, or the text shows no failure; 1 a failure is there and its cause is not known; 2 wrong usage.
    """
    from torchdoctor.diagnose.answer import diagnose
    from torchdoctor.diagnose.facts import gather
    from torchdoctor.diagnose.read import read

    _check(ctx, paths)
    wanted = paths or ("-",)
    try:
        log = read(wanted, sys.stdin.buffer if "-" in wanted else None)
        situation, notes = gather(log, facts, local=not no_local_facts)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error), ctx) from None
    answer = diagnose(log, situation, notes)
    _write(_rendered(_redacted(answer, log) if redact else answer, format_, show_all))
    ctx.exit(answer.exit_code)


def _check(ctx: click.Context, paths: tuple[str, ...]) -> None:
    """Refuse what does not exist; say what is awaited where a person types nothing."""
    for path in paths:
        if path != "-" and not Path(path).exists():
            raise click.BadParameter(f"{path!r} does not exist.", ctx, param_hint="FILE")
    if (not paths or "-" in paths) and sys.stdin.isatty():
        click.echo("Paste the error, then press Ctrl-D on a line of its own (Windows: Ctrl-Z and Enter).", err=True)


def _redacted(answer: Answer, log: Log) -> Answer:
    """The answer with aliases for what is personal, the same alias everywhere: names are learned from all of the text first."""
    from torchdoctor.report.redact import for_this_machine

    redactor = for_this_machine()
    for stream in log.streams:
        redactor.text(stream.text)
    every_string(answer, redactor.text)
    redacted: Answer = every_string(answer, redactor.text)
    return redacted


def every_string(data: Any, change: Callable[[str], str]) -> Any:
    """A copy of the data with each text changed; names of causes and other words of the contract stay."""
    import dataclasses

    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        fixed = ("cause", "confidence", "who", "risk")
        values = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
        return dataclasses.replace(data, **{name: every_string(value, change) for name, value in values.items() if name not in fixed})
    if isinstance(data, tuple):
        return tuple(every_string(value, change) for value in data)
    return change(data) if isinstance(data, str) else data


def _rendered(answer: Answer, format_: str, show_all: bool) -> str:
    if format_ == "json":
        from torchdoctor.report import diagnosis_json

        return diagnosis_json.render(answer)
    if format_ == "markdown":
        from torchdoctor.report import diagnosis_markdown

        return diagnosis_markdown.render(answer)
    from torchdoctor.report import diagnosis_text, layout

    return diagnosis_text.render(answer, layout.terminal_of(), show_all)


def _write(text: str) -> None:
    """Write to standard output whatever its encoding."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()
