"""How fast a device multiplies matrices, moves its own memory, talks with the host and with its neighbours.

The sizes grow until one call takes long enough to be timed, within the device's memory and the time budget.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Callable, Optional

import torch
from torch import Tensor

from torchdoctor.facts.performance import Peer, PeerRun, Rate, ThroughputRun
from torchdoctor.work import tolerance
from torchdoctor.work.measure import Record, dtype_of, failure_of
from torchdoctor.work.timing import Stopwatch, Timed, current, index_of, is_large, kind_of, memory_of, model_of, module_of, poisons, release

SMALLEST, LARGEST = 256, 8192  # side of the matrices
LONG_LARGE, LONG_SMALL = 0.05, 0.004  # seconds of one call from which on a matrix need not be larger
BUDGET_LARGE, BUDGET_SMALL = 0.4, 0.1  # seconds of each measurement
BUFFER_LARGE, BUFFER_SMALL = 2**30, 2**24  # bytes
HOST_BUFFER = 2**28
DTYPES = ("float32", "tf32", "bfloat16", "float16", "float64")

Work = Callable[[], Any]


def budget_of(device: str) -> float:
    """Seconds of one measurement."""
    return BUDGET_LARGE if is_large(device) else BUDGET_SMALL


def run_throughput(device: str) -> ThroughputRun:
    """All speeds of one device. Raises nothing: each part has its own failure."""
    record = Record(ThroughputRun, threads=None, device=device, model=model_of(device))
    with record, current(device), torch.no_grad():
        record.begin("device")
        watch = Stopwatch(device)
        record.set(timer=watch.timer)
        rates: list[Rate] = []
        for dtype in DTYPES:
            record.begin(f"products in {dtype}")
            rates.append(product_rate(watch, dtype))
            record.set(rates=tuple(rates))
        for name, variant, measure in (
            ("copy", "", _memory_rate),
            ("triad", "", _memory_rate),
            ("host-to-device", "pinned", _host_rate),
            ("host-to-device", "pageable", _host_rate),
            ("device-to-host", "pinned", _host_rate),
            ("device-to-host", "pageable", _host_rate),
        ):
            record.begin(name)
            rates.append(measure(watch, name, variant))
            record.set(rates=tuple(rates))
        release(device)
    return record.result()


# ------------------------------------------------------------------------------------------- products


def product_rate(watch: Stopwatch, dtype: str) -> Rate:
    """TFLOP/s of square products; ``tf32`` are products of float32 that may be rounded inside."""
    empty = Rate("matmul", dtype, "TFLOP/s")
    if dtype == "tf32" and (kind_of(watch.device) != "cuda" or not _has_tf32()):
        return _without(empty, "this device has no TF32")
    try:
        with _tf32(dtype == "tf32"):
            wanted = dtype_of("float32" if dtype == "tf32" else dtype)
            side, work = largest_product(watch, wanted)
            timed = watch.measure(work, budget_of(watch.device))
    except Exception as error:
        return _failed(empty, error)
    finally:
        release(watch.device)
    return _rate(empty, timed, 2 * side**3 / 1e12, side)


def largest_product(watch: Stopwatch, dtype: torch.dtype) -> tuple[int, Work]:
    """The side and the work of the smallest product that takes long enough, or of the largest that fits."""
    large = is_large(watch.device)
    side, long_enough = (4 * SMALLEST, LONG_LARGE) if large else (SMALLEST, LONG_SMALL)
    while True:
        a, b, out = (torch.full((side, side), 0.01 * (n + 1), device=watch.device, dtype=dtype) for n in range(3))
        work = _into(a, b, out)
        work()
        _, free_enough = _fits(watch.device, 3 * (2 * side) ** 2 * a.element_size())
        before = watch.clock()
        watch.seconds(work, 1)
        if side >= LARGEST or not free_enough or watch.clock() - before >= long_enough:
            return side, work
        side *= 2


def _into(a: Tensor, b: Tensor, out: Tensor) -> Work:
    return lambda: torch.mm(a, b, out=out)


def _fits(device: str, bytes_: int) -> tuple[Optional[int], bool]:
    free, _ = memory_of(device)
    return free, free is None or bytes_ < free // 4


def _has_tf32() -> bool:
    return not getattr(torch.version, "hip", None) and torch.cuda.get_device_capability()[0] >= 8


@contextlib.contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    """Products of float32 with TF32 inside or without, and the patient's own setting afterwards."""
    getter = getattr(torch, "get_float32_matmul_precision", None)
    if getter is None:
        yield
        return
    before = getter()
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


# ------------------------------------------------------------------------------------------- memory


def _memory_rate(watch: Stopwatch, name: str, variant: str) -> Rate:
    """GB/s, read and written bytes together: two passes over a buffer for a copy, three for a = b + s c."""
    empty = Rate(name, variant, "GB/s")
    try:
        size = _buffer(watch.device, BUFFER_LARGE if is_large(watch.device) else BUFFER_SMALL)
        a, b, c = (torch.full((size // 4,), float(n), device=watch.device, dtype=torch.float32) for n in range(3))
        if name == "copy":
            timed, passes = watch.measure(lambda: a.copy_(b), budget_of(watch.device)), 2
        else:
            timed, passes = watch.measure(lambda: torch.add(b, c, alpha=0.5, out=a), budget_of(watch.device)), 3
    except Exception as error:
        return _failed(empty, error)
    finally:
        release(watch.device)
    return _rate(empty, timed, passes * size / 1e9, size)


def _host_rate(watch: Stopwatch, name: str, variant: str) -> Rate:
    """GB/s between the host's memory and the device's. Pinned memory is what the device can reach by itself."""
    empty = Rate(name, variant, "GB/s")
    if kind_of(watch.device) == "cpu":
        return _without(empty, "the CPU is the host")
    pinned = variant == "pinned"
    try:
        size = _buffer(watch.device, HOST_BUFFER if is_large(watch.device) else BUFFER_SMALL)
        host = torch.zeros(size // 4, dtype=torch.float32)
        if pinned:
            try:
                host = host.pin_memory()
            except Exception as error:  # no pinned memory here
                return _without(empty, f"no pinned memory: {str(error).splitlines()[0] if str(error) else type(error).__name__}"[:200])
            if not host.is_pinned():
                return _without(empty, "no pinned memory on this kind of device")
        there = torch.zeros(size // 4, dtype=torch.float32, device=watch.device)
        target, source = (there, host) if name == "host-to-device" else (host, there)
        timed = watch.measure(lambda: target.copy_(source, non_blocking=pinned), budget_of(watch.device))
    except Exception as error:
        return _failed(empty, error)
    finally:
        release(watch.device)
    return _rate(empty, timed, size / 1e9, size)


def _buffer(device: str, wanted: int) -> int:
    """Bytes of one buffer: as wanted, or an eighth of the free memory."""
    free, _ = memory_of(device)
    return wanted if free is None else max(2**20, min(wanted, free // 8 // 4096 * 4096))


# ------------------------------------------------------------------------------------------- neighbours


def run_peers(device: str) -> PeerRun:
    """Copies to each other device of the kind: GB/s, and whether what arrives is what was sent."""
    record = Record(PeerRun, threads=None, device=device, model=model_of(device))
    with record, current(device), torch.no_grad():
        record.begin("device")
        module = module_of(device)
        count = int(module.device_count()) if hasattr(module, "device_count") else 1
        if count < 2:
            record.set(not_run="the CPU has no peers" if kind_of(device) == "cpu" else "there is one device of this kind")
            return record.result()
        watch = Stopwatch(device)
        peers: list[Peer] = []
        for other in range(count):
            if other == index_of(device):
                continue
            target = f"{kind_of(device)}:{other}"
            record.begin(f"copy to {target}")
            peers.append(_peer(watch, target))
            record.set(peers=tuple(peers))
        release(device)
    return record.result()


def _peer(watch: Stopwatch, target: str) -> Peer:
    empty = Rate("device-to-device", target, "GB/s")
    try:
        size = min(_buffer(watch.device, HOST_BUFFER), _buffer(target, HOST_BUFFER)) if is_large(watch.device) else BUFFER_SMALL // 4
        sent = torch.arange(size // 4, dtype=torch.int32, device=watch.device)
        arrived = torch.zeros(size // 4, dtype=torch.int32, device=target)
        arrived.copy_(sent)
        differing = int((arrived != torch.arange(size // 4, dtype=torch.int32, device=target)).sum())
        timed = watch.measure(lambda: arrived.copy_(sent, non_blocking=True), budget_of(watch.device) / 2)
    except Exception as error:
        return Peer(target, _failed(empty, error))
    finally:
        release(target)
    return Peer(target, _rate(empty, timed, size / 1e9, size), differing)


# ------------------------------------------------------------------------------------------- results


def _rate(empty: Rate, timed: Timed, amount: float, size: int) -> Rate:
    return Rate(empty.name, empty.variant, empty.unit, amount / timed.best, amount / timed.typical, timed.rounds, size)


def _without(empty: Rate, why: str) -> Rate:
    return Rate(empty.name, empty.variant, empty.unit, unavailable=why)


def _failed(empty: Rate, error: Exception) -> Rate:
    """The exception as a result. Raises it again where it spoils all that would follow."""
    if poisons(error):
        raise error
    failure = failure_of(error)
    if tolerance.means_unsupported(failure) or isinstance(error, TypeError):  # MPS says by a TypeError that it has no float64
        first = failure.message.splitlines()[0] if failure.message else failure.type
        return _without(empty, first[:200])
    return Rate(empty.name, empty.variant, empty.unit, failure=failure)
