"""Data moves between the host and each device as fast as to its neighbours (--full).

Why: a link that trained to a lower generation or to fewer lanes halves every batch's way to the GPU, and nothing reports an error. The link is judged by what
it moves, because an idle one lowers its speed on purpose. Warnings: 25 % below the equal devices, as those of the other socket are
further away; for models that a cloud provider judges, its own limit.
Seen as: a GPU that waits for data although the loader is fast; slow checkpoints and offloading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torchdoctor.api import Each, Findings, check, skip
from torchdoctor.facts import ThroughputRun
from torchdoctor.work.performance_verdicts import host_below_known, not_measured, slower_than_equals, summary, troubled
from torchdoctor.work.spread import HOST

NAMES = ("host-to-device", "device-to-host")


@check("TD903", group="performance")
def host_transfers(runs: Each[ThroughputRun]) -> Findings:
    others = {device: run for device, run in runs.items() if device != "cpu"}
    if not others:
        yield skip("there is no device besides the CPU")
        return
    for device, run in others.items():
        yield from troubled(device, [rate for rate in run.rates if rate.name in NAMES])
    yield from slower_than_equals(_telling(others), NAMES, "pcie-link-degraded", HOST)
    for device, run in others.items():
        yield from host_below_known(device, run)
    yield from not_measured(others)
    yield from summary(others, NAMES)


def _telling(runs: Mapping[str, ThroughputRun]) -> dict[str, ThroughputRun]:
    """Only pinned memory, where there is any: what pageable memory gives depends on the host's load."""
    found = {}
    for device, run in runs.items():
        pinned = tuple(rate for rate in run.rates if rate.variant == "pinned" and rate.best)
        found[device] = replace(run, rates=pinned) if pinned else run
    return found
