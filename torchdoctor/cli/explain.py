"""``torchdoctor explain``."""

from __future__ import annotations

import difflib
import sys

import click


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
    from torchdoctor.causes import catalogue
    from torchdoctor.report.explanation import explain_cause
    from torchdoctor.report.layout import terminal_of

    known = catalogue()
    cause = known.causes.get(name.strip().lower())
    return explain_cause(cause, known.families[cause.slug], terminal_of()) if cause else None


def _check_text(name: str) -> str | None:
    """The page of a check, or None where there is no such check."""
    return None


def _nearest(name: str) -> str:
    from torchdoctor.causes import catalogue

    near = difflib.get_close_matches(name.lower(), catalogue().causes, n=3)
    return f" Did you mean {', '.join(near)}?" if near else " `torchdoctor list causes` shows all."
