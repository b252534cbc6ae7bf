"""A larger Llama in float32, bfloat16 and float16 (--full).

Why: longer sums and half precisions reach kernels that the quick pass does not: fused attention, tensor cores, larger tiles.
Seen as: nonsense or NaN in generated text with one dtype only.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Status, check, ok
from torchdoctor.facts import LlamaLong
from torchdoctor.work.tolerance import means_unsupported
from torchdoctor.work.verdicts import llama_problems


@check("TD606", group="work", crash=Status.FAIL)
def llama_full(runs: Each[LlamaLong]) -> Findings:
    words = []
    for device, run in runs.items():
        worked = []
        for one in (run.float32, run.bfloat16, run.float16):
            if one.failure is not None and means_unsupported(one.failure):
                continue
            problems = list(llama_problems(device, one))
            yield from problems
            worked += [] if problems else [one.dtype]
        words.append(f"{device}: {', '.join(worked)}")
    yield ok("; ".join(words))
