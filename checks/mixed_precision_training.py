"""The training step works under autocast: bfloat16, and float16 with scaled losses.

Why: autocast chooses other kernels, and float16 needs the loss scaled, or small gradients become zero. A mode that the device does not offer is
a fact; one that gives wrong gradients is a failure.
Seen as: "ValueError: Attempting to unscale FP16 gradients", a loss of NaN under fp16 only.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Status, check, ok
from torchdoctor.facts import MixedTraining
from torchdoctor.work.tolerance import means_unsupported
from torchdoctor.work.verdicts import training_problems


@check("TD602", group="work", crash=Status.FAIL)
def mixed_precision_training(runs: Each[MixedTraining]) -> Findings:
    words = []
    for device, run in runs.items():
        worked = []
        for name, one in (("bf16", run.bf16), ("fp16", run.fp16)):
            if one.failure is not None and means_unsupported(one.failure):
                continue
            problems = list(training_problems(device, one))
            yield from problems
            worked += [] if problems else [name]
        words.append(f"{device}: {' and '.join(worked) or 'not offered'}")
    yield ok("; ".join(words))
