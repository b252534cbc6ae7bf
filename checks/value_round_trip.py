"""Values come back from the device as they went.

Why: a transfer that changes a value, or a dtype that is silently stored as another, spoils training without an error. Every common dtype is sent
there and back with its special values: zeros of both signs, infinities, NaN and the extremes.
Seen as: a loss that differs between machines, float64 results with float32 digits.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, check, fail, ok
from torchdoctor.facts import PlacementRun

TAKE_OUT = Fix("Do not train on this device; run the vendor's memory and transfer diagnostics.", who="admin", risk="disruptive")


@check("TD402", group="placement")
def value_round_trip(runs: Each[PlacementRun]) -> Findings:
    words = []
    for device, run in runs.items():
        for trip in run.round_trips:
            if trip.outcome == "differs":
                yield fail(
                    f"{device} changes {trip.dtype} values: {trip.detail}",
                    [("torch", trip.detail)],
                    [TAKE_OUT],
                    "gpu-hardware-suspect",
                    device,
                )
        same = [t.dtype for t in run.round_trips if t.outcome == "same" and t.dtype != "block"]
        lacking = [t.dtype for t in run.round_trips if t.outcome == "unsupported"]
        words.append(f"{device}: {len(same)} dtypes" + (f", no {', '.join(lacking)}" if lacking else ""))
    yield ok("; ".join(words))
