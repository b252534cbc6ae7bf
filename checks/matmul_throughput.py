"""Equal devices multiply matrices equally fast, and as fast as their model should (--full).

Why: one GPU that is 20 % slower slows all ranks of a job by 20 %: they wait for it in every collective. Devices are first compared with each other, where a
spread of 5 % is normal, and a warning begins at 10 %. Then with what the model reached elsewhere, where that is known: a warning below 75 % of it.
Seen as: one rank that is always the last; tokens per second below those of other nodes.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, check
from torchdoctor.facts import ThroughputRun
from torchdoctor.work.performance_verdicts import not_measured, slower_than_equals, slower_than_known, summary, troubled
from torchdoctor.work.verdicts import failed_work


@check("TD901", group="performance")
def matmul_throughput(runs: Each[ThroughputRun]) -> Findings:
    for device, run in runs.items():
        yield from failed_work(device, run.failure, run.failed_step)
        yield from troubled(device, [rate for rate in run.rates if rate.name == "matmul"])
    yield from slower_than_equals(runs, ("matmul",))
    for device, run in runs.items():
        yield from slower_than_known(device, run)
    yield from not_measured(runs)
    yield from summary(runs, ("matmul",))
