"""A device keeps its speed, its temperature and its results while it works for some seconds (--full).

Why: a GPU that is quick for a moment and then lowers its clocks, for heat or for power, is slow in training. The same product runs for ten seconds on a GPU; its
speed, and through NVML its clocks, temperature, power and link errors, are watched meanwhile. A power cap is the normal limit of a loaded GPU and is no finding; slowdowns for heat
or by the power supply are, where more than one sample shows them. Products that change while it warms up are a failure.
Seen as: one rank that becomes the slowest after some minutes; wrong numbers under load only.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Status, check, fail, ok
from torchdoctor.facts import SustainedRun
from torchdoctor.work.load_verdicts import heat, hotter_than_equals, link_errors, load_words, slowdown, speed_of
from torchdoctor.work.performance_verdicts import not_measured, slower_than_equals
from torchdoctor.work.verdicts import HARDWARE, SUSPECT, failed_work


@check("TD908", group="performance", crash=Status.FAIL)
def sustained_load(runs: Each[SustainedRun]) -> Findings:
    for device, run in runs.items():
        yield from failed_work(device, run.failure, run.failed_step)
        if run.wrong:
            seen = [("torch", f"{run.wrong} of {len(run.samples)} samples are not bit for bit the first product")]
            yield fail(f"{device} computes wrong results under load", seen, [SUSPECT], HARDWARE if device != "cpu" else None, device)
        yield from heat(device, run)
        yield from slowdown(device, run)
        yield from link_errors(device, run)
    yield from slower_than_equals({device: speed_of(run) for device, run in runs.items() if run.samples}, ("sustained",))
    yield from hotter_than_equals(runs)
    yield from not_measured(runs)
    if any(run.samples for run in runs.values()):
        yield ok("; ".join(load_words(runs)))
