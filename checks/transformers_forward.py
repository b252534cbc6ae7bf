"""The same Llama through the patient's own transformers (--full).

Why: transformers chooses its own attention and places models itself. The forward pass of LlamaForCausalLM, and with accelerate also that of a model loaded with
device_map="auto", must give the logits of the float64 reference.
Seen as: errors at import or in from_pretrained() that a plain PyTorch model does not have.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Status, check, fail, ok, skip
from torchdoctor.facts import TransformersRun
from torchdoctor.work import tolerance
from torchdoctor.work.verdicts import SUSPECT, failed_work


@check("TD607", group="work", crash=Status.FAIL)
def transformers_forward(runs: Each[TransformersRun]) -> Findings:
    tried = {device: run for device, run in runs.items() if not run.not_run}
    if not tried:
        yield skip(next(iter(runs.values())).not_run)
        return
    for device, run in tried.items():
        yield from failed_work(device, run.failure, run.failed_step)
        limit = tolerance.llama(tolerance.effective_dtype("float32", "high", device), run.layers)
        for words, deviation in (("the forward pass", run.forward), (f'device_map="auto" on {run.auto_device}', run.auto)):
            if tolerance.beyond(deviation, limit) and deviation is not None:
                off = f"off by {deviation.largest:.2g}, allowed is {limit:.2g}"
                yield fail(f"{device}: transformers' Llama is wrong in {words}", [("against float64", off)], [SUSPECT], subject=device)
    first = next(iter(tried.values()))
    yield ok(f"transformers {first.version} on {', '.join(tried)}" + (f", accelerate {first.accelerate}" if first.accelerate else ""))
