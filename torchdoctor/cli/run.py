"""``torchdoctor run``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from torchdoctor.engine.launch import Pipes
    from torchdoctor.engine.patient import Chosen
    from torchdoctor.model import Report

FULL = "--full takes about two minutes a GPU and one on the CPU. GPUs that other processes use are left alone unless --busy-ok."
FORMATS = ("text", "json", "junit", "github", "markdown")


def _output(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        format_, equals, file = value.partition("=")
        if not equals or not file or format_ not in FORMATS:
            raise click.BadParameter(f"{value!r}: expected FORMAT=FILE with a format of {', '.join(FORMATS)}")
        pairs.append((format_, file))
    return tuple(pairs)


@click.command("run")
@click.argument("selectors", metavar="[SELECTOR]...", nargs=-1)
@click.option("--python", help="Interpreter or environment folder to examine; default: the active environment's.")
@click.option("--select", multiple=True, metavar="SELECTOR", help="Check name, code, code prefix or group. Repeatable.")
@click.option("--ignore", multiple=True, metavar="SELECTOR[@SUBJECT]", help="What to leave out. Repeatable.")
@click.option("--expect", multiple=True, metavar="KEY=VALUE", help="What should be here, such as gpus=8 or torch>=2.4. Repeatable.")
@click.option("--quick", "depth", flag_value="quick", help="Only what needs no real work.")
@click.option("--full", "depth", flag_value="full", help="Also what takes long: optimizers, torch.compile, transformers.")
@click.option("--busy-ok", is_flag=True, help="With --full: measure GPUs that other processes use, too.")
@click.option("--deadline", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="End the whole run after this time.")
@click.option(
    "--facts", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Judge the facts of an earlier JSON report instead."
)
@click.option(
    "--save-snapshot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Record all that was read, to judge it elsewhere.",
)
@click.option("--snapshot", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Judge such a record instead.")
@click.option(
    "--checks-dir", "checks_dirs", multiple=True, type=click.Path(path_type=Path), help="Folder with checks of your own. Repeatable."
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="What goes to standard output.")
@click.option("--output", multiple=True, metavar="FORMAT=FILE", callback=_output, help="Also write this format to a file. Repeatable.")
@click.option("--fail-on", type=click.Choice(["warn", "fail"]), help="From which status on the exit code is 1. Default: fail.")
@click.option("--redact", is_flag=True, help="Replace user, host, folders, addresses and tokens by aliases.")
@click.option("-v", "--verbose", is_flag=True, help="Show every check, its result and its time.")
@click.option("-q", "--quiet", is_flag=True, help="Show only problems.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Examine this machine, do real work on it, and say whether training will work here.

    Exit code: 0 nothing at or above --fail-on; 1 findings; 2 wrong usage or config; 3 a required check could not tell; 130 interrupted.
    """
    from torchdoctor.cli import ahead
    from torchdoctor.engine.patient import NoInterpreter

    _interrupt_on_terminate()
    recorded = [name for name in ("facts", "snapshot", "save_snapshot") if options[name]]
    if len(recorded) > 1:
        raise click.UsageError("--facts, --snapshot and --save-snapshot exclude each other", ctx)
    selected = (*options["selectors"], *options["select"])
    try:
        chosen = ahead.choose(options["python"])
    except NoInterpreter as error:
        raise click.UsageError(str(error), ctx) from None
    warm = None if selected or options["facts"] or options["snapshot"] else ahead.start(chosen)
    try:
        report = _examined(ctx, options, selected, chosen, warm)
    finally:
        ahead.stop(warm)
    _publish(report, options)
    ctx.exit(report.exit_code)


def _examined(ctx: click.Context, options: dict[str, Any], selected: tuple[str, ...], chosen: Chosen, warm: Pipes | None) -> Report:
    """The report; everything that showing it needs is loaded while torch is still importing. Raises click.UsageError."""
    from torchdoctor.cli.examine import Request, examine
    from torchdoctor.config import from_flags, load
    from torchdoctor.engine.plan import PlanError

    _preload(options["format_"])
    if options["depth"] == "full" and not (options["facts"] or options["snapshot"] or options["quiet"]):
        click.echo(FULL, err=True)
    progress = _Progress(options["format_"], options["quiet"])
    try:
        flags = from_flags(selected, options["ignore"], options["fail_on"], options["deadline"], options["expect"])
        request = Request(
            load(flags=flags),
            chosen,
            warm,
            options["depth"] or "default",
            options["facts"],
            options["checks_dirs"],
            progress.show,
            options["busy_ok"],
            options["snapshot"],
            options["save_snapshot"],
            options["redact"],
        )
        options["fail_on"] = request.config.fail_on
        return examine(request)
    except (PlanError, FileNotFoundError, ValueError) as error:
        raise click.UsageError(str(error), ctx) from None
    finally:
        progress.clear()


def _preload(format_: str) -> None:
    """Import the renderer now, while the worker is busy, and not when everything waits for it."""
    import importlib

    module = {"json": "json_report"}.get(format_, format_)
    importlib.import_module(f"torchdoctor.report.{module}")


def _interrupt_on_terminate() -> None:
    """SIGTERM ends a run as Ctrl-C does: what is known is still printed."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


class _Progress:
    """One line on standard error that names what is running; only on a terminal, and gone in the end."""

    def __init__(self, format_: str, quiet: bool) -> None:
        self.on = sys.stderr is not None and sys.stderr.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self.width = 0

    def show(self, probe: str, subject: str | None) -> None:
        """Name what begins."""
        if self.on:
            text = f"running {probe}" + (f" on {subject}" if subject else "") + " ..."
            sys.stderr.write("\r" + text.ljust(self.width))
            sys.stderr.flush()
            self.width = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self.on and self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()


def _publish(report: Report, options: dict[str, Any]) -> None:
    """Write the report to standard output and to the files asked for. Raises click.FileError for a file that cannot be written."""
    if options["redact"]:
        from torchdoctor.report.redact import Redactor, for_this_machine

        report = (Redactor() if options["facts"] or options["snapshot"] else for_this_machine()).report(report)
    for format_, file in options["output"]:
        try:
            Path(file).write_text(_rendered(report, format_, options) + "\n", encoding="utf-8")
        except OSError as error:
            raise click.FileError(file, error.strerror or str(error)) from None
    text = _rendered(report, options["format_"], options, stream=True)
    if sys.stdout is None:
        return
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
    sys.stdout.flush()
    if options["format_"] == "github" and os.environ.get("GITHUB_STEP_SUMMARY"):
        from torchdoctor.report import github

        with open(os.environ["GITHUB_STEP_SUMMARY"], "a", encoding="utf-8") as file:
            file.write(github.summary(report) + "\n")


def _rendered(report: Report, format_: str, options: dict[str, Any], stream: bool = False) -> str:
    if format_ == "text":
        import shutil

        from torchdoctor.report import terminal, text

        target = None
        if stream and sys.stdout is not None:
            columns = shutil.get_terminal_size((80, 24)).columns
            target = terminal.terminal_of(sys.stdout.isatty(), sys.stdout.encoding, os.environ, columns)
        return text.render(report, target, verbose=options["verbose"], quiet=options["quiet"])
    if format_ == "json":
        from torchdoctor.report import json_report

        return json_report.render(report)
    if format_ == "junit":
        from torchdoctor.report import junit

        return junit.render(report, fail_on=options["fail_on"])
    if format_ == "github":
        from torchdoctor.report import github

        return github.render(report)
    from torchdoctor.report import markdown

    return markdown.render(report)
