"""A real training step on every device gives what mathematics says.

Why: a small network is trained for a few steps of mini-batch SGD. The update is w <- w - (eta / m) * sum of the gradients, computed again by
formulas written out in float64 on the CPU, without torch's autograd; losses, gradients and weights must agree within rounding.
Seen as: a loss that does not fall, NaN from the first step, different results on one of several equal GPUs.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Status, check, ok
from torchdoctor.facts import TrainingRun
from torchdoctor.work.verdicts import training_problems


@check("TD601", group="work", crash=Status.FAIL)
def training_step(runs: Each[TrainingRun]) -> Findings:
    for device, run in runs.items():
        yield from training_problems(device, run)
    yield ok(
        ", ".join(
            f"{device}: loss {run.losses[0]:.3f} to {run.losses[-1]:.3f}"
            for device, run in runs.items()
            if run.losses and None not in run.losses
        )
    )
