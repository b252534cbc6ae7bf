"""The implementations behind ``scaled_dot_product_attention``, one at a time, against float64 and against the plain one."""

from __future__ import annotations

import math
import warnings
from typing import Any, Optional

import torch
from torch import Tensor
from torch.nn import functional as F

from torchdoctor.facts.performance import AttentionBackend, AttentionRun
from torchdoctor.facts.work import Part
from torchdoctor.work import tolerance
from torchdoctor.work.measure import Record, deviation, dtype_of, failure_of, noise, precision
from torchdoctor.work.timing import current, model_of, poisons, release

DTYPES = ("float32", "float16", "bfloat16")
BACKENDS = ("MATH", "FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION")
# name, (batch, heads, length of the queries, length of the keys, width), causal
CASES = (("full", (2, 4, 128, 128, 64), False), ("causal", (2, 4, 128, 128, 64), True), ("uneven", (1, 3, 77, 131, 64), False))


def run_attention(device: str) -> AttentionRun:
    """Every backend that this torch has, in every dtype. Raises nothing: each part has its own failure."""
    record = Record(AttentionRun, threads=None, device=device, model=model_of(device), precision=precision())
    with record, current(device), torch.no_grad():
        record.begin("device")
        torch.zeros(1).to(device)
        found: list[AttentionBackend] = []
        for dtype in DTYPES:
            plain: Optional[Tensor] = None
            for name in BACKENDS:
                record.begin(f"{name} in {dtype}")
                backend, result = _backend(device, name, dtype, plain)
                plain = result if name == "MATH" else plain
                found.append(backend)
                record.set(backends=tuple(found))
        release(device)
    return record.result()


def _backend(device: str, name: str, dtype: str, plain: Optional[Tensor]) -> tuple[AttentionBackend, Optional[Tensor]]:
    """One backend in one dtype, and the result of its first case."""
    label = name.lower().replace("_", "-")
    context = _only(name)
    if isinstance(context, str):
        return AttentionBackend(label, dtype, unavailable=context), None
    parts: list[Part] = []
    first: Optional[Tensor] = None
    for case, shape, causal in CASES:
        q, k, v = _inputs(shape)
        try:
            on_q, on_k, on_v = (value.to(dtype_of(dtype)).to(device) for value in (q, k, v))
            with context(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # each backend that declines says why by a warning; the error is enough
                result = F.scaled_dot_product_attention(on_q, on_k, on_v, is_causal=causal)
            parts.append(Part(case, deviation(result, reference(q, k, v, causal))))
            first = result if first is None else first
        except Exception as error:
            if poisons(error):
                raise
            failure = failure_of(error)
            if _declined(failure.message) or tolerance.means_unsupported(failure):
                parts.append(Part(case, unavailable=(failure.message.splitlines() or [failure.type])[0][:200]))
            else:
                parts.append(Part(case, failure=failure))
    against = deviation(first, plain.detach().to("cpu").to(torch.float64)) if first is not None and plain is not None else None
    if all(part.unavailable for part in parts):
        return AttentionBackend(label, dtype, unavailable=parts[0].unavailable), None
    return AttentionBackend(label, dtype, tuple(parts), against), first


def _only(name: str) -> Any:
    """What makes a context that allows one backend only, or why there is none."""
    try:
        from torch.nn.attention import SDPBackend, sdpa_kernel
    except ImportError:
        return f"torch {torch.__version__} cannot choose the backend (2.3 and newer can)"
    backend = getattr(SDPBackend, name, None)
    if backend is None:
        return f"torch {torch.__version__} has no such backend"
    return lambda: sdpa_kernel(backend)


def _declined(message: str) -> bool:
    return "no available kernel" in message.lower() or "no viable backend" in message.lower()


def _inputs(shape: tuple[int, int, int, int, int]) -> tuple[Tensor, Tensor, Tensor]:
    batch, heads, queries, keys, width = shape
    return (
        noise((batch, heads, queries, width), 501, 2.0),
        noise((batch, heads, keys, width), 502, 2.0),
        noise((batch, heads, keys, width), 503),
    )


def reference(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    """softmax(q k^T / sqrt(width)) v, written out. Shapes (batch, heads, length, width), float64 on the CPU."""
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if causal:
        rows, columns = scores.shape[-2:]
        scores = scores.masked_fill(torch.arange(columns)[None, :] > torch.arange(rows)[:, None], -math.inf)
    return scores.softmax(-1) @ v
