"""How far a right result may be from its float64 reference, by the name of the dtype. Standard library only.

The unit is ``Deviation.largest``: the largest difference over the largest value of the reference.

- Half precisions are summed in float32 inside and rounded once for each operator: one rounding errs by half an
  epsilon at most, and a chain of n operators by about sqrt(n) of that, since rounding errors have random signs.
- float32 and float64 are summed in their own precision: a sum errs by about eps * sqrt(terms), relative to a
  largest value that grows alike, and the largest of some thousand elements lies about four times above the
  usual error (``PEAK``).

``SAFETY`` is on top, because libraries sum in other orders, and because a healthy machine must never be called
sick. A wrong product, a lost tile or a narrower dtype is orders of magnitude above: float32 that is computed as
bfloat16 by a factor of ten thousand.
"""

from __future__ import annotations

import math
from typing import Optional

from torchdoctor.facts.base import Failure
from torchdoctor.facts.work import Deviation

EPSILON = {
    "float64": 2.0**-52,
    "float32": 2.0**-23,
    "tf32": 2.0**-10,
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "complex64": 2.0**-23,
}
PEAK = 4.0  # the largest of some thousand normal errors, in standard deviations
SAFETY = 4.0
NARROW = frozenset({"tf32", "float16", "bfloat16"})
MODE_DTYPE = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def effective_dtype(dtype: str, precision: Optional[str], device: str) -> str:
    """The dtype that products really have: float32 products may be TF32 on a CUDA device, or bfloat16 on the CPU.

    ``precision`` is what ``torch.get_float32_matmul_precision`` said.
    """
    if dtype != "float32" or precision in (None, "highest"):
        return dtype
    if device.startswith("cuda"):
        return "tf32"
    return "bfloat16" if precision == "medium" else "tf32"


def _unit(dtype: str) -> float:
    """For one operator."""
    return SAFETY * EPSILON[dtype] * (1.0 if dtype in NARROW else PEAK)


def elementwise(dtype: str) -> float:
    """For an operator that rounds each element once or a few times (addition, softmax and its gradient)."""
    return _unit(dtype)


def matmul(dtype: str, terms: int) -> float:
    """For one matrix product whose elements are sums of so many terms."""
    return _unit(dtype) * (1.0 if dtype in NARROW else math.sqrt(max(1.0, terms / 64)))


def llama(dtype: str, layers: int) -> float:
    """For the logits of a Llama: each layer adds to the residual stream, and errs on its own."""
    return _unit(dtype) * math.sqrt(layers + 1.0)


def cached(dtype: str, layers: int) -> float:
    """For decode against full forward, or a batch against its rows: two results that both err like ``llama``."""
    return math.sqrt(2.0) * llama(dtype, layers)


def logprob_sum(elements: int = 64) -> float:
    """For the logarithm of summed probabilities, which are computed in float32 at least."""
    return _unit("float32") * math.sqrt(max(1.0, elements / 64))


def training(mode: str, dtype: Optional[str] = None) -> float:
    """For losses, gradients and summed updates of ``run_training``; ``dtype`` where products are narrower than the mode says."""
    return _unit(dtype or MODE_DTYPE[mode])


def optimizer(dtype: str = "float32") -> float:
    """For updates by AdamW or momentum, clipped or accumulated gradients: some ten roundings a step."""
    return _unit(dtype) * math.sqrt(10.0)


def greedy_decides(margin: Optional[float], dtype: str, layers: int) -> bool:
    """Whether the reference's lead is so clear that rounding cannot change a token: a difference of two logits errs by sqrt(2) of one."""
    return margin is not None and margin > math.sqrt(2.0) * llama(dtype, layers)


def beyond(deviation: Optional[Deviation], limit: float) -> bool:
    """Whether a deviation is a finding: larger than ``limit``, or not finite somewhere."""
    return deviation is not None and (deviation.non_finite > 0 or not deviation.largest <= limit)


_UNSUPPORTED = (
    "not implemented for",
    "not supported",
    "only support",
    "does not support",
    "doesn't support",
    "unsupported",
    "could not run 'aten::",
    "is not currently implemented",
    "not currently supported",
    "has no dtype",
)


def means_unsupported(failure: Failure) -> bool:
    """Whether an exception says that this torch or device does not offer something, rather than that it broke."""
    if failure.type.split(".")[-1] == "NotImplementedError":
        return True
    message = failure.message.lower()
    return any(words in message for words in _UNSUPPORTED)
