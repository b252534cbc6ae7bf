"""The limits that checks of GPU health judge by. A fact like any other, so that a recorded run carries the limits it was judged with."""

from __future__ import annotations

from torchdoctor.declare import probe
from torchdoctor.facts import Thresholds
from torchdoctor.gpu_tables import thresholds


@probe(lane="host", timeout=5)
def read_thresholds() -> Thresholds:
    """The table of thresholds."""
    return Thresholds(thresholds())
