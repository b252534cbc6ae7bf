"""``torchdoctor explain``."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchdoctor.report.check_pages import Described


@click.command("explain")
@click.argument("name", metavar="NAME|CODE")
@click.pass_context
def command(ctx: click.Context, name: str) -> None:
    """Explain a cause (its slug) or a check (its name or code): what it means, how it shows, what to change."""
    text = _check_text(name) or _cause_text(name)
    if text is None:
        raise click.UsageError(f"{name!r} is neither a check nor a cause.{_nearest(name)}", ctx)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    click.echo(text)


def _cause_text(name: str) -> str | None:
    """The page of a cause, or None where there is no such cause."""
    from torchdoctor.causes import find
    from torchdoctor.report.explanation import explain_cause
    from torchdoctor.report.layout import terminal_of

    found = find(name.strip().lower())
    return explain_cause(found[0], found[1], terminal_of()) if found else None


def _check_text(name: str) -> str | None:
    """The page of a check, or None where there is no such check."""
    from torchdoctor.report.check_pages import GATE, explain_check, explain_gate
    from torchdoctor.report.layout import terminal_of

    wanted = name.strip().lower()
    for code, (gate_name, _, _) in GATE.items():
        if wanted in (code.lower(), gate_name):
            return explain_gate(code, terminal_of())
    for check, file in _checks():
        if wanted in (check.code.lower(), check.name):
            return explain_check(check, file, terminal_of())
    return None


def _checks() -> list[tuple[Described, str]]:
    """Every check with the file it is in."""
    from torchdoctor.cli.list import other_checks
    from torchdoctor.engine.describe import descriptions

    others, _ = other_checks()
    ours = [(found, found.file) for found in descriptions()]
    return [*ours, *((check, str(getattr(sys.modules.get(check.module), "__file__", ""))) for check in others)]


def _nearest(name: str) -> str:
    from torchdoctor.causes import catalogue

    known = [*catalogue().causes, *(check.name for check, _ in _checks())]
    near = difflib.get_close_matches(name.lower(), known, n=3)
    return f" Did you mean {', '.join(near)}?" if near else " `torchdoctor list causes` and `torchdoctor list checks` show all."
