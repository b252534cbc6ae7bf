"""A real Llama forward pass on every device: prefill, decode, sampling.

Why: a small Llama (RMSNorm, rotary embeddings, grouped-query attention, SwiGLU, KV cache) is compared with a float64 model of the same weights
on the CPU. Decode with the cache must give what the full forward gives, a padded batch what each prompt alone gives; greedy tokens must
be the reference's, top-p must stay in its nucleus, probabilities sum to one, and generation must end at the end-of-text token.
Seen as: generated text that is nonsense on one machine only, "probability tensor contains either inf, nan or element < 0".
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Status, check, ok
from torchdoctor.facts import LlamaRun
from torchdoctor.work.verdicts import llama_problems


@check("TD603", group="work", crash=Status.FAIL)
def llama_forward(runs: Each[LlamaRun]) -> Findings:
    for device, run in runs.items():
        yield from llama_problems(device, run)
    yield ok(", ".join(f"{device}: off by {run.forward.largest:.1e} from float64" for device, run in runs.items() if run.forward))
