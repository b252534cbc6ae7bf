"""Mend the person's own line of code where the traceback shows it."""

from __future__ import annotations

from typing import Optional

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.match import Candidate


REWRITINGS: tuple[str, ...] = (
    "move-input",
    "move-model",
    "add-cpu-numpy",
    "map-location",
    "backend-gloo",
    "main-guard",
    "device-available",
    "detach-numpy",
    "cast-float",
)


def rewrite(name: str, lead: Candidate, log: Log) -> Optional[str]:
    """The changed line or lines, or None where the line is not shown."""
    return None
