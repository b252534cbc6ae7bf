"""The longer look at training (--full): optimizers, accumulation, checkpointing, clipping, torch.compile.

Why: AdamW and momentum are compared with formulas in float64, accumulated gradients with one large batch, checkpointed ones with plain ones, the compiled
network with the eager one.
Seen as: a loss curve that leaves the expected one after some hundred steps; errors of Triton or of the C++ compiler at the first step.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok, warn
from torchdoctor.facts import TrainingFullRun
from torchdoctor.work import tolerance
from torchdoctor.work.verdicts import SUSPECT, failed_work

EAGER = Fix("Until that works, train without torch.compile.", code="# model = torch.compile(model)")


@check("TD605", group="work", crash=Status.FAIL)
def training_full(runs: Each[TrainingFullRun]) -> Findings:
    words = []
    for device, run in runs.items():
        yield from failed_work(device, run.failure, run.failed_step)
        limit = tolerance.optimizer(tolerance.effective_dtype("float32", run.precision, device))
        for part in run.parts:
            if part.failure is not None:
                speak = warn if part.name == "compile" else fail
                title = (
                    f"{device}: {part.name} failed: {part.failure.message.splitlines()[0] if part.failure.message else part.failure.type}"
                )
                yield speak(title[:300], [("traceback", part.failure.traceback)], [EAGER] if part.name == "compile" else [], subject=device)
            elif tolerance.beyond(part.deviation, limit) and part.deviation is not None:
                off = f"off by {part.deviation.largest:.2g}, allowed is {limit:.2g}; {part.deviation.non_finite} values not finite"
                yield fail(f"{device}: {part.name} gives wrong results", [("against its reference", off)], [SUSPECT], subject=device)
        for name in run.misplaced:
            yield fail(f"{device}: optimizer state is elsewhere: {name}", [("torch", name)], [], "optimizer-state-on-cpu", device)
        lacking = [f"no {p.name} ({p.unavailable})" for p in run.parts if p.unavailable]
        words.append(f"{device}: {', '.join(p.name for p in run.parts if p.deviation)}" + "".join(f"; {text}" for text in lacking))
    yield ok("; ".join(words))
