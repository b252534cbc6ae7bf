"""What is known of the failing machine: of the text first, then of a report, then of this machine."""

from __future__ import annotations

from pathlib import Path

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.situation import Situation


def gather(log: Log, report: Path | None, local: bool) -> tuple[Situation, tuple[str, ...]]:
    """The situation, each field with its source, and notes about what could not be read."""
    try:
        from torchdoctor.diagnose.textfacts import facts_of
    except ImportError:
        return Situation(), ()
    return facts_of(log), ()
