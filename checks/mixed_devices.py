"""An operator that gets tensors of two devices raises an error.

Why: computing with a tensor of another device reads memory that means nothing there. PyTorch promises an error; a backend that computes
instead returns garbage.
Seen as: wrong results without any error, on out-of-tree backends.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, check, ok, skip, warn
from torchdoctor.facts import PlacementRun

REPORT = Fix("Report it to whoever makes the backend.", who="vendor")


@check("TD403", group="placement")
def mixed_devices(runs: Each[PlacementRun]) -> Findings:
    tried = {device: run for device, run in runs.items() if run.mixed}
    if not tried:
        yield skip("one device only")
        return
    for device, run in tried.items():
        for mixed in run.mixed:
            if mixed.computed:
                title = f"{mixed.operator} of a {device} and a CPU tensor computed something instead of raising"
                yield warn(title, [("torch", mixed.message or "no error")], [REPORT], subject=device)
    yield ok(", ".join(tried))
