"""``torchdoctor diagnose``."""

from __future__ import annotations

import sys
from pathlib import Path

import click


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
    help="A report of `torchdoctor run --format json` from the failing machine.",
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

    for path in paths:
        if path != "-" and not Path(path).exists():
            raise click.BadParameter(f"{path!r} does not exist.", ctx, param_hint="FILE")
    if not paths and sys.stdin.isatty():
        click.echo("Paste the error, then press Ctrl-D (Ctrl-Z and Enter on Windows).", err=True)
    wanted = paths or ("-",)
    log = read(wanted, sys.stdin.buffer.read() if "-" in wanted else None)
    situation, notes = gather(log, facts, local=not no_local_facts)
    answer = diagnose(log, situation, notes)
    if format_ == "json":
        from torchdoctor.report.diagnosis_json import render as as_json

        click.echo(as_json(answer))
    elif format_ == "markdown":
        from torchdoctor.report.diagnosis_markdown import render as as_markdown

        click.echo(as_markdown(answer))
    else:
        from torchdoctor.report.diagnosis_text import render as as_text

        click.echo(as_text(answer))
    ctx.exit(answer.exit_code)
