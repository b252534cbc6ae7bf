"""The same computation gives the same bits again.

Why: on one device, with the same inputs and kernels, PyTorch's forward passes and this small training are deterministic. Bits that change from run to
run are a sign of a faulty device, or of a library that adds in any order.
Seen as: a run that cannot be reproduced although every seed is set.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, check, ok, warn
from torchdoctor.facts import LlamaRun, TrainingRun

WATCH = Fix("Run it again a few times; if one device stands out, have it tested.", ("torchdoctor run --full work",))


@check("TD604", group="work")
def repeatable(training: Each[TrainingRun], llama: Each[LlamaRun]) -> Findings:
    for what, runs in (("the training step", training), ("the Llama forward pass", llama)):
        for device, run in runs.items():
            if run.differing_bits:
                title = f"{device}: {what} gave other bits when repeated ({run.differing_bits} values)"
                yield warn(
                    title,
                    [("torch", f"{run.differing_bits} values differ between two equal runs")],
                    [WATCH],
                    "gpu-hardware-suspect",
                    device,
                )
    yield ok(", ".join(training))
