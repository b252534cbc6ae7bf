"""How far a right result may be from its float64 reference, by the name of the dtype. Standard library only.

The unit is ``Deviation.largest``: the largest difference over the largest value of the reference. A sum of n
rounded terms errs by about eps * sqrt(n) (rounding errors have random signs), each further operation adds its
own in quadrature, and the largest of some thousand elements lies about four times above the usual error.
``SAFETY`` is on top, because libraries choose other orders of summation, and because a healthy machine must
never be called sick: a wrong product, a lost tile or a narrower dtype is orders of magnitude above.
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


def matmul(dtype: str, terms: int) -> float:
    """For one matrix product with so many terms a sum, rounded once to ``dtype`` at the end.

    Half precisions are summed in float32 by all but some fast paths, which add in their own precision.
    """
    return PEAK * SAFETY * EPSILON[dtype] * math.sqrt(max(1, math.log2(max(2, terms))))


def elementwise(dtype: str) -> float:
    """For an operation that rounds each element once or a few times (addition, softmax)."""
    return PEAK * SAFETY * EPSILON[dtype]


def llama(dtype: str, layers: int) -> float:
    """For the logits of a Llama: each layer rounds about ten times on its way, and adds to the residual stream."""
    return SAFETY * EPSILON[dtype] * math.sqrt(10.0 * (layers + 1))


def cached(dtype: str, layers: int) -> float:
    """For decode against full forward, or a batch against its rows: two results that both err like ``llama``."""
    return math.sqrt(2.0) * llama(dtype, layers)


def logprob_sum(elements: int = 64) -> float:
    """For the logarithm of summed probabilities, which are computed in float32 at least."""
    return PEAK * SAFETY * EPSILON["float32"] * math.sqrt(elements)


def gradients(mode: str, dtype: Optional[str] = None) -> float:
    """For the gradients of one step of ``run_training``; ``dtype`` where products are narrower than the mode says."""
    return PEAK * SAFETY * EPSILON[dtype or MODE_DTYPE[mode]] * 2.0


def update(mode: str, steps: int, dtype: Optional[str] = None) -> float:
    """For the summed weight updates of so many steps: gradients err alike, and each step starts where the last erred."""
    return gradients(mode, dtype) * math.sqrt(max(1, steps))


def loss(mode: str, steps: int, dtype: Optional[str] = None) -> float:
    """For the relative difference of a loss: it errs like the logits, and follows the weights' error."""
    return update(mode, steps, dtype)


def optimizer(dtype: str = "float32") -> float:
    """For updates by AdamW or momentum from gradients given exactly: some ten roundings a step."""
    return PEAK * SAFETY * EPSILON[dtype] * math.sqrt(10.0)


def greedy_decides(margin: Optional[float], dtype: str, layers: int) -> bool:
    """Whether the reference's lead is so clear that rounding cannot change a token: twice the tolerance, as both may move."""
    return margin is not None and margin > 2.0 * llama(dtype, layers)


def beyond(deviation: Optional[Deviation], limit: float) -> bool:
    """Whether a deviation is a finding: larger than ``limit``, or not finite somewhere."""
    return deviation is not None and (deviation.non_finite > 0 or not deviation.largest <= limit)


_UNSUPPORTED = (
    "not implemented for",
    "not supported",
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
