"""Measuring how long a device takes, on any kind of device: its own events where it has them, else the host's clock.

Runs only in the patient's process, which has imported torch before.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable, Optional

import torch

LARGE_KINDS = ("cuda", "xpu", "hpu", "npu", "mlu", "musa")
"""Kinds of devices with memory and speed of their own, for which large sizes make sense."""

ROUNDS = 5
MOST_CALLS = 200  # of one round
PATIENCE = 4.0  # times its budget that a measurement may take before it ends with the rounds it has

Work = Callable[[], Any]


def kind_of(device: str) -> str:
    """``cuda`` for ``cuda:0``."""
    return device.split(":")[0]


def index_of(device: str) -> int:
    """1 for ``cuda:1``, 0 where no index is written."""
    _, _, index = device.partition(":")
    return int(index) if index else 0


def module_of(device: str) -> Any:
    """``torch.cuda`` for ``cuda:0``; None for the CPU and for what torch has no module for."""
    kind = kind_of(device)
    return None if kind == "cpu" else getattr(torch, kind, None)


def is_large(device: str) -> bool:
    """Whether a device is a real accelerator with memory of its own."""
    return kind_of(device) in LARGE_KINDS


def model_of(device: str) -> Optional[str]:
    """What the device calls itself, or None."""
    with contextlib.suppress(Exception):  # out-of-tree backends need not describe their devices
        return str(module_of(device).get_device_name(index_of(device)))
    with contextlib.suppress(Exception):
        return str(module_of(device).get_device_properties(index_of(device)).name)
    return None


def memory_of(device: str) -> tuple[Optional[int], Optional[int]]:
    """Free and total bytes, or None where the device does not tell."""
    with contextlib.suppress(Exception):
        free, total = module_of(device).mem_get_info(index_of(device))
        return int(free), int(total)
    return None, None


def poisons(error: BaseException) -> bool:
    """Whether an exception leaves the process unable to use the device: then the work must end, so that nobody else is blamed."""
    text = str(error)
    return type(error).__name__ == "AcceleratorError" or (("CUDA error:" in text or "HIP error:" in text) and "out of memory" not in text)


def release(device: str) -> None:
    """Gives cached memory back, so that the next work finds it free."""
    with contextlib.suppress(Exception):
        module_of(device).empty_cache()


def synchronize(device: str) -> None:
    """Waits until the device has done all that it was given. Raises what the device raises."""
    module = module_of(device)
    if module is None or not hasattr(module, "synchronize"):
        return
    if kind_of(device) == "mps":
        module.synchronize()
    else:
        module.synchronize(index_of(device))


@contextlib.contextmanager
def current(device: str) -> Iterator[None]:
    """Makes the device the current one: its events and streams are those of the current device."""
    module = module_of(device)
    if module is None or not hasattr(module, "set_device") or not hasattr(module, "current_device"):
        yield
        return
    before = module.current_device()
    module.set_device(index_of(device))
    try:
        yield
    finally:
        module.set_device(before)


@dataclass(frozen=True)
class Timed:
    """Seconds of one call, in the fastest round and in the median one."""

    best: float
    typical: float
    rounds: int


class Stopwatch:
    """Times work on one device. ``timer`` says by what. ``clock`` is the host's, in seconds."""

    def __init__(self, device: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self.device = device
        self.clock = clock
        self._event = self._event_type()
        self.timer = "clock" if self._event is None else "events"

    def _event_type(self) -> Any:
        kind = getattr(module_of(self.device), "Event", None)
        if kind is None or kind_of(self.device) == "mps":  # its events time less than the command buffers take
            return None
        try:
            first, last = kind(enable_timing=True), kind(enable_timing=True)
            first.record()
            last.record()
            synchronize(self.device)
            float(first.elapsed_time(last))
        except Exception:  # a backend whose events cannot be timed
            return None
        return kind

    def seconds(self, work: Work, calls: int) -> float:
        """The seconds of so many calls, one after another."""
        synchronize(self.device)
        if self._event is None:
            started = self.clock()
            for _ in range(calls):
                work()
            synchronize(self.device)
            return self.clock() - started
        first, last = self._event(enable_timing=True), self._event(enable_timing=True)
        first.record()
        for _ in range(calls):
            work()
        last.record()
        synchronize(self.device)
        return float(first.elapsed_time(last)) / 1000

    def measure(self, work: Work, budget: float) -> Timed:
        """Some rounds of some calls that take about ``budget`` seconds, after two calls that do not count."""
        work()
        once = max(self.seconds(work, 1), 1e-9)
        calls = max(1, min(MOST_CALLS, int(budget / ROUNDS / once)))
        end = self.clock() + budget * PATIENCE
        found: list[float] = []
        while len(found) < ROUNDS and (not found or self.clock() < end):
            found.append(max(self.seconds(work, calls), 1e-9) / calls)
        return Timed(min(found), statistics.median(found), len(found))
