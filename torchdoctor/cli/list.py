"""``torchdoctor list``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torchdoctor.declare import Check


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
    """The checks by group: our own, and those of other distributions."""
    from torchdoctor.engine.describe import descriptions
    from torchdoctor.report.check_pages import list_checks
    from torchdoctor.report.layout import terminal_of

    others, broken = other_checks()
    for line in broken:
        click.echo(f"torchdoctor: {line}", err=True)
    return list_checks([*descriptions(), *others], terminal_of())


def other_checks() -> tuple[list[Check], list[str]]:
    """The checks that other distributions add, and what could not be loaded."""
    from importlib.metadata import entry_points

    from torchdoctor.engine.names import ENTRY_POINTS

    if not entry_points(group=ENTRY_POINTS):
        return [], []
    from torchdoctor.engine.discover import discover, forbid_torch

    forbid_torch()
    found = discover()
    ours = "torchdoctor.checks."
    return [c for c in found.checks if not c.module.startswith(ours)], [f"{b.name} could not be loaded: {b.error}" for b in found.broken]
