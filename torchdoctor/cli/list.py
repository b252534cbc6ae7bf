"""``torchdoctor list``."""

from __future__ import annotations

import sys

import click


@click.command("list")
@click.argument("what", type=click.Choice(["checks", "causes"]), default="checks")
def command(what: str) -> None:
    """List the checks, or the causes by family."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    click.echo(_causes() if what == "causes" else _checks())


def _causes() -> str:
    from torchdoctor.causes import catalogue
    from torchdoctor.report.explanation import list_causes
    from torchdoctor.report.layout import terminal_of

    known = catalogue()
    return list_causes(known.causes, known.families, terminal_of())


def _checks() -> str:
    from torchdoctor.engine.discover import discover, forbid_torch
    from torchdoctor.report.check_pages import list_checks
    from torchdoctor.report.layout import terminal_of

    forbid_torch()
    found = discover()
    for broken in found.broken:
        click.echo(f"torchdoctor: {broken.name} could not be loaded: {broken.error}", err=True)
    return list_checks(found.checks, terminal_of())
