"""Equal devices read and write their memory equally fast, and as fast as their model should (--full).

Why: most of inference, and every optimizer step, waits for memory and not for arithmetic. Devices are compared with each other first (a warning from 10 % on),
then with the data sheet, where it is known: a warning below 55 % of it, which is what NVIDIA's own diagnostics ask for.
Seen as: decoding that is slow on one GPU; a GPU with remapped rows or a lowered memory clock.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, check
from torchdoctor.facts import ThroughputRun
from torchdoctor.work.performance_verdicts import memory_below_sheet, not_measured, slower_than_equals, summary, troubled


@check("TD902", group="performance")
def memory_bandwidth(runs: Each[ThroughputRun]) -> Findings:
    for device, run in runs.items():
        yield from troubled(device, [rate for rate in run.rates if rate.name in ("copy", "triad")])
    yield from slower_than_equals(runs, ("copy", "triad"))
    for device, run in runs.items():
        yield from memory_below_sheet(device, run)
    yield from not_measured(runs)
    yield from summary(runs, ("copy", "triad"))
