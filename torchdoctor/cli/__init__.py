"""The command line. Each command lives in a module of its own, imported only when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, NoReturn

import click

from torchdoctor import __version__

COULD_NOT_TELL = 3
"""Exit code where torchdoctor itself failed: neither a verdict nor wrong usage."""

COMMANDS = {
    "run": ("torchdoctor.cli.run", "Examine this machine and do real work on it."),
    "diagnose": ("torchdoctor.cli.diagnose", "Say what a pasted failure or a log means, and what to change."),
    "install-command": ("torchdoctor.cli.install_command", "Print the command that installs a torch which works here."),
    "explain": ("torchdoctor.cli.explain", "Explain a cause or a check."),
    "list": ("torchdoctor.cli.list", "List the checks or the causes."),
}
"""Name of each command, the module that holds it as ``command``, and its line in the help."""


class _Commands(click.Group):
    """A group that knows the names and the short helps without importing the commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that goes away (``| head``) is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _leave_pipe()

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; an error of torchdoctor itself is told in one plain line."""
        try:
            return super().main(*args, **kwargs)
        except (SystemExit, click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as error:
            if not kwargs.get("standalone_mode", True) or os.environ.get("TORCHDOCTOR_TRACEBACK"):
                raise
            words = " ".join(str(error).split())[:300]
            click.echo(f"torchdoctor: failed itself, this says nothing about your machine: {type(error).__name__}: {words}", err=True)
            click.echo("Set TORCHDOCTOR_TRACEBACK=1 to see where, and report it with the input.", err=True)
            sys.exit(COULD_NOT_TELL)


def _leave_pipe() -> NoReturn:
    """End without a second error when Python flushes a stdout that nobody reads (``torchdoctor ... | head``)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(0)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="torchdoctor")
def main() -> None:
    """A doctor for PyTorch machines: will training work here, and what does a failure mean."""
