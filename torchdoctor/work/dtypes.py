"""Whether a dtype works on a device: by using it."""

from __future__ import annotations

from typing import Callable, Union

import torch
from torch import Tensor

from torchdoctor.facts.work import DtypeRun, Part
from torchdoctor.work.measure import Record, deviation, dtype_name, dtype_of, failure_of, noise, precision

TERMS = 64


def probe_dtype(device: Union[str, torch.device], dtype: Union[str, torch.dtype]) -> DtypeRun:
    """Multiplies, adds and differentiates a softmax in ``dtype`` on ``device``, each against float64 on the CPU.

    The inputs use all digits of the dtype, so that one that is silently narrower shows. Raises nothing: a part
    that fails says how.
    """
    name = dtype if isinstance(dtype, str) else dtype_name(dtype)
    record = Record(DtypeRun, device=str(device), dtype=name, precision=precision(), terms=TERMS)
    with record, torch.no_grad():
        record.begin("inputs to the device")
        wanted = dtype_of(name)
        rounded = tuple(_digits(shape, seed).to(wanted) for seed, shape in enumerate(((48, TERMS), (TERMS, 32), (48, TERMS))))
        exact = tuple(value.to(torch.float64) for value in rounded)
        placed = tuple(value.to(torch.device(device)) for value in rounded)
        record.begin("matmul")
        product, first = _part("matmul", lambda a, b, c: a @ b, exact, placed)
        if product is not None:
            record.set(seen_dtype=dtype_name(product.dtype))
        rest = [
            _part("add", lambda a, b, c: a + c, exact, placed)[1],
            _part("softmax", lambda a, b, c: a.softmax(-1), exact, placed)[1],
            _softmax_backward(exact[0], exact[2], placed[0], placed[2]),
        ]
        record.set(parts=(first, *rest))
    return record.result()


def _digits(shape: tuple[int, ...], seed: int) -> Tensor:
    """Noise of 32 bits in float64: four times the eight of ``noise``, each below the last."""
    return torch.stack([noise(shape, 10 * seed + place, 256.0**-place) for place in range(4)]).sum(0)


Operation = Callable[[Tensor, Tensor, Tensor], Tensor]


def _part(name: str, operation: Operation, exact: tuple[Tensor, ...], placed: tuple[Tensor, ...]) -> tuple[Union[Tensor, None], Part]:
    reference = operation(*exact)  # the CPU's float64 is not on trial
    try:
        result = operation(*placed)
        return result, Part(name, deviation(result, reference))
    except Exception as error:
        return None, Part(name, failure=failure_of(error))


def _softmax_backward(x: Tensor, weight: Tensor, device_x: Tensor, device_weight: Tensor) -> Part:
    """The gradient of sum(softmax(x) * weight), against s * (w - sum(s * w)) written out in float64."""
    soft = x.softmax(-1)
    reference = soft * (weight - (soft * weight).sum(-1, keepdim=True))
    try:
        with torch.enable_grad():
            leaf = device_x.detach().clone().requires_grad_(True)
            (leaf.softmax(-1) * device_weight).sum().backward()  # type: ignore[no-untyped-call]
        if leaf.grad is None:
            raise RuntimeError("backward left no gradient")
        return Part("softmax-backward", deviation(leaf.grad, reference))
    except Exception as error:
        return Part("softmax-backward", failure=failure_of(error))
