"""Measuring real work: deviations from a reference, captured failures, numbers that are the same everywhere.

Runs only in the patient's process, which has imported torch before.
"""

from __future__ import annotations

import gc
import math
import time
import warnings
from types import TracebackType
from typing import Any, Generic, Optional, TypeVar

import torch
from torch import Tensor

from torchdoctor.facts.base import failure_of as failure_of
from torchdoctor.facts.base import shorten
from torchdoctor.facts.work import Deviation

Run = TypeVar("Run")


class Record(Generic[Run]):
    """Fills one result while a work goes on: ``with record:`` around it, then ``record.result()``.

    An exception of the work ends it and becomes ``failure`` and ``failed_step``; what was measured before
    stays. Warnings are collected instead of printed.

    Small work (``threads`` 1) runs on one thread: its operators are too small to share, and on a busy machine
    a team of threads would wait for the one that is not scheduled. What was imported so far is taken out of
    the garbage collector's sight: looking through all of torch once takes as long as all the work.
    """

    def __init__(self, kind: type[Run], threads: Optional[int] = 1, **values: Any) -> None:
        self._kind = kind
        self._threads = threads
        self._threads_before = 0
        self._values: dict[str, Any] = values
        self._step = ""
        self._started = time.perf_counter()
        self._catch = warnings.catch_warnings(record=True)
        self._caught: list[warnings.WarningMessage] = []

    def begin(self, step: str) -> None:
        """Names what is done next."""
        self._step = step

    def set(self, **values: Any) -> None:
        """Sets fields of the result."""
        self._values.update(values)

    def get(self, name: str, default: Any = None) -> Any:
        """A field that was set before."""
        return self._values.get(name, default)

    def __enter__(self) -> Record[Run]:
        self._caught = self._catch.__enter__() or []
        warnings.simplefilter("always")
        gc.freeze()
        if self._threads is not None:
            self._threads_before = torch.get_num_threads()
            torch.set_num_threads(self._threads)
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> bool:
        self._catch.__exit__(kind, error, trace)
        if self._threads is not None:
            torch.set_num_threads(self._threads_before)
        texts = dict.fromkeys(shorten(str(item.message), 400) for item in self._caught)
        self.set(seconds=time.perf_counter() - self._started, warnings=tuple(texts)[:8])
        if isinstance(error, Exception):
            self.set(failure=failure_of(error), failed_step=self._step)
            return True
        return False

    def result(self) -> Run:
        """The filled dataclass."""
        return self._kind(**self._values)


def to_reference(value: Tensor) -> Tensor:
    """A copy in float64 on the CPU. The move comes first: not every device has float64."""
    return value.detach().to("cpu").to(torch.float64)


def deviation(actual: Tensor, reference: Tensor) -> Deviation:
    """How far ``actual`` (any device and dtype) is from ``reference`` (of the same shape).

    Raises ValueError where the shapes differ.
    """
    if actual.shape != reference.shape:
        raise ValueError(f"result has shape {tuple(actual.shape)}, its reference {tuple(reference.shape)}")
    got, want = to_reference(actual), to_reference(reference)
    usable = got.isfinite()
    spoilt = int((~usable & want.isfinite()).sum())
    if spoilt or not bool(usable.all()):
        usable &= want.isfinite()
        got, want = got[usable], want[usable]
    count = actual.numel()
    if got.numel() == 0:
        return Deviation(0.0, 0.0, spoilt, count)
    difference = got - want
    largest = _ratio(float(difference.abs().max()), float(want.abs().max()))
    rms = _ratio(float(difference.square().mean()) ** 0.5, float(want.square().mean()) ** 0.5)
    return Deviation(largest, rms, spoilt, count)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else part


def differing_bits(first: Tensor, second: Tensor) -> int:
    """Elements of two tensors of one dtype and shape that are not the same bit for bit (NaN equals itself)."""
    one, two = bit_pattern(first), bit_pattern(second)
    return int((one != two).reshape(first.numel(), -1).any(-1).sum())


_INTEGER_OF_SIZE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def bit_pattern(value: Tensor) -> Tensor:
    """The raw contents on the CPU as integers of the same size (complex: one more dimension of two parts)."""
    value = value.detach().to("cpu").contiguous()
    if value.is_complex():
        value = torch.view_as_real(value).contiguous()
    return value.view(_INTEGER_OF_SIZE[value.element_size()])


def finite_or_none(number: float) -> Optional[float]:
    """The number, or None for NaN and infinities, which JSON cannot hold."""
    return number if math.isfinite(number) else None


def noise(shape: tuple[int, ...], seed: int, scale: float = 1.0) -> Tensor:
    """Numbers that look random and are the same in every torch, on every machine: float64 on the CPU.

    They are multiples of ``scale``/128 in [-scale, scale): with a power of two as scale they are exact in
    bfloat16, float16 and wider, so a model in any dtype has the same weights as its reference. The integer
    hash stays below 2**63 and uses no generator of torch, whose streams may change.
    """
    count = math.prod(shape)
    bits = torch.arange(count, dtype=torch.int64) + (seed * 0x3C6EF35F & 0x3FFFFFFF)
    bits = ((bits ^ (bits >> 15)) * 0x2C1B3C6D) & 0x7FFFFFFF
    bits = ((bits ^ (bits >> 12)) * 0x297A2D39) & 0x7FFFFFFF
    bits = (bits ^ (bits >> 15)) & 0xFF
    return ((bits.to(torch.float64) - 128.0) * (scale / 128.0)).reshape(shape)


def weight_scale(inputs: int) -> float:
    """The power of two for ``noise`` that keeps a layer of so many inputs near unit variance."""
    return float(2.0 ** round(math.log2(math.sqrt(3.0 / inputs))))


def precision() -> Optional[str]:
    """What float32 matrix products may use inside: ``highest``, ``high`` or ``medium``; None where torch cannot tell."""
    getter = getattr(torch, "get_float32_matmul_precision", None)
    return str(getter()) if getter is not None else None


def dtype_of(name: str) -> torch.dtype:
    """``torch.bfloat16`` for ``bfloat16``. Raises ValueError for what is no dtype of this torch."""
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"torch {torch.__version__} has no dtype {name!r}")
    return dtype


def dtype_name(dtype: torch.dtype) -> str:
    """``bfloat16`` for ``torch.bfloat16``."""
    return str(dtype).split(".")[-1]
