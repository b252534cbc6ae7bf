"""Whether a device computes right: against float64 on the CPU, against itself bit for bit, and by a hash against other devices.

Large products are compared with the reference in some rows only, as float64 on the CPU is slow; their repetitions are compared whole,
on the device, so that an error anywhere shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable, Optional

import torch
from torch import Tensor

from torchdoctor.facts.performance import CorrectnessRun, NumericCase
from torchdoctor.facts.work import Deviation
from torchdoctor.work import tolerance
from torchdoctor.work.measure import Record, bit_pattern, deviation, dtype_of, failure_of, noise, precision
from torchdoctor.work.timing import current, is_large, model_of, poisons, release

DTYPES = ("float32", "float16", "bfloat16", "float64")
REPEATS_LARGE, REPEATS_SMALL = 20, 4
ROWS = 32  # of a large product that are compared with float64
# rows, terms, columns: tiles that fit, none that do, a long sum, and one that fills a large device
SHAPES_SMALL = ((64, 64, 64), (33, 257, 65), (16, 2048, 24))
SHAPES_LARGE = ((1024, 1024, 1024), (4096, 4096, 4096))

Operation = Callable[[tuple[Tensor, ...]], Tensor]


@dataclass(frozen=True)
class _Plan:
    """One case before it is run. ``rows``: how many rows of the result are compared with the reference."""

    name: str
    shape: str
    terms: int
    inputs: tuple[tuple[int, ...], ...]  # their shapes
    operation: Operation
    rows: Optional[int] = None


def run_correctness(device: str) -> CorrectnessRun:
    """All cases in all dtypes on one device. Raises nothing: each case has its own failure."""
    record = Record(CorrectnessRun, threads=None, device=device, model=model_of(device), precision=precision())
    with record, current(device), torch.no_grad():
        record.begin("device")
        torch.zeros(1).to(device)
        cases: list[NumericCase] = []
        for plan in _plans(is_large(device)):
            inputs = tuple(_digits(shape, 300 + number) for number, shape in enumerate(plan.inputs))
            for dtype in DTYPES:
                record.begin(f"{plan.name} {plan.shape} in {dtype}")
                cases.append(run_case(plan, inputs, device, dtype))
                record.set(cases=tuple(cases))
        release(device)
    return record.result()


def _plans(large: bool) -> Iterator[_Plan]:
    for rows, terms, columns in (*SHAPES_SMALL, *(SHAPES_LARGE if large else ())):
        limited = ROWS if rows >= 1024 else None
        yield _Plan("matmul", f"{rows}x{terms}x{columns}", terms, ((rows, terms), (terms, columns)), lambda x: x[0] @ x[1], limited)
    yield _Plan("bmm", "6x40x96x24", 96, ((6, 40, 96), (6, 96, 24)), lambda x: torch.bmm(x[0], x[1]))
    yield _Plan("sum", "96x512", 512, ((96, 512),), lambda x: x[0].sum(-1))
    yield _Plan("softmax", "96x512", 0, ((96, 512),), lambda x: x[0].softmax(-1))
    yield _Plan("multiply-add", "256x256", 0, ((256, 256), (256, 256), (256, 256)), lambda x: x[0] * x[1] + x[2])


def _digits(shape: tuple[int, ...], seed: int) -> Tensor:
    """Noise of 24 bits, so that every digit of float32 counts: one that is silently narrower shows."""
    return noise(shape, seed) + noise(shape, seed + 50, 2.0**-8) + noise(shape, seed + 100, 2.0**-16)


def run_case(plan: _Plan, inputs: tuple[Tensor, ...], device: str, dtype: str) -> NumericCase:
    """One computation, repeated."""
    repeats = REPEATS_LARGE if is_large(device) else REPEATS_SMALL
    values: dict[str, Any] = {"name": plan.name, "dtype": dtype, "shape": plan.shape, "terms": plan.terms}
    try:
        rounded = tuple(value.to(dtype_of(dtype)) for value in inputs)
        exact = tuple(value.to(torch.float64) for value in rounded)
        placed = tuple(value.to(device) for value in rounded)
        first = plan.operation(placed)
        worst, differing, spoilt = _repeat(plan.operation, placed, first, repeats)
        values.update(repeat=worst, differing=differing, non_finite=spoilt, repeats=repeats)
        values.update(deviation=_from_reference(plan, exact, first), fingerprint=fingerprint(first))
    except Exception as error:
        if poisons(error):
            raise
        failure = failure_of(error)
        if tolerance.means_unsupported(failure) or isinstance(error, TypeError):
            values["unavailable"] = (failure.message.splitlines() or [failure.type])[0][:200]
        else:
            values["failure"] = failure
    return NumericCase(**values)


def _repeat(operation: Operation, placed: tuple[Tensor, ...], first: Tensor, repeats: int) -> tuple[Deviation, int, int]:
    """The worst repetition, elements that differ in some repetition, and elements that are not finite in any."""
    odd: Optional[Tensor] = None  # the repetition that differs most
    differing, largest, spoilt = 0, -1, _not_finite(first)
    for _ in range(repeats):
        again = operation(placed)
        count = int((again != first).sum())
        differing += count
        spoilt += _not_finite(again)
        if count > largest:
            odd, largest = again, count
    return deviation(first if odd is None else odd, first), differing, spoilt


def _not_finite(value: Tensor) -> int:
    """Counted by what NaN and infinity are, so that it needs no operator that a small backend lacks."""
    return int(((value - value) != 0).sum())


def _from_reference(plan: _Plan, exact: tuple[Tensor, ...], first: Tensor) -> Deviation:
    if plan.rows is None:
        return deviation(first, plan.operation(exact))
    step = max(1, exact[0].shape[0] // plan.rows)
    return deviation(first[::step], plan.operation((exact[0][::step], *exact[1:])))


def fingerprint(value: Tensor) -> str:
    """A short hash of the bits."""
    raw = bit_pattern(value).contiguous()
    try:
        data = raw.numpy().tobytes()
    except RuntimeError:  # no numpy, or one of another time
        data = bytes(raw.flatten().view(torch.uint8).tolist())
    return hashlib.sha256(data).hexdigest()[:16]
