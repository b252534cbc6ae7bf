"""The same product over and over: whether a device keeps its speed, its clocks and its results when it is warm."""

from __future__ import annotations

import time
from typing import Any, Callable, Optional

import torch
from torch import Tensor

from torchdoctor.facts.performance import LoadSample, SustainedRun
from torchdoctor.work.measure import Record, dtype_of, noise
from torchdoctor.work.nvml_watch import Watch
from torchdoctor.work.throughput import largest_product
from torchdoctor.work.timing import Stopwatch, current, is_large, model_of, release

SECONDS_LARGE, SECONDS_SMALL = 10.0, 1.5
WINDOW_LARGE, WINDOW_SMALL = 0.5, 0.1  # seconds between two samples
MOST_SAMPLES = 400


def run_sustained(
    device: str, watch: Optional[Watch] = None, seconds: Optional[float] = None, clock: Callable[[], float] = time.monotonic
) -> SustainedRun:
    """Works for ``seconds`` (default: 10 on a GPU, 1.5 elsewhere) and samples the device meanwhile. Raises nothing."""
    watch = watch or Watch.of(device)
    planned = seconds if seconds is not None else SECONDS_LARGE if is_large(device) else SECONDS_SMALL
    record = Record(SustainedRun, threads=None, device=device, model=model_of(device), planned=planned)
    with record, current(device), torch.no_grad():
        record.begin("device")
        dtype = _dtype(device)
        stopwatch = Stopwatch(device, clock)
        side, _ = largest_product(stopwatch, dtype_of(dtype))
        record.set(dtype=dtype, size=side, **watch.limits())
        record.begin("the sustained product")
        _keep_working(record, _Product(device, side, dtype_of(dtype)), watch, stopwatch, planned)
        release(device)
    return record.result()


def _dtype(device: str) -> str:
    """What heats a device most: its narrow products where it is a GPU, float32 elsewhere."""
    if not is_large(device):
        return "float32"
    try:
        torch.ones(16, 16, dtype=torch.bfloat16, device=device) @ torch.ones(16, 16, dtype=torch.bfloat16, device=device)
    except RuntimeError:
        return "float16"
    return "float16" if device.startswith("cuda") and torch.cuda.get_device_capability()[0] < 8 else "bfloat16"


class _Product:
    """One product of (side, side) matrices with its first result kept on the device."""

    def __init__(self, device: str, side: int, dtype: torch.dtype) -> None:
        self.side = side
        row = noise((64, side), 600)
        self.a = row.to(dtype).to(device).repeat(-(-side // 64), 1)[:side].contiguous()
        self.b = self.a.t().contiguous()
        self.first: Tensor = torch.mm(self.a, self.b)
        self.out = torch.empty_like(self.first)

    def __call__(self) -> Any:
        return torch.mm(self.a, self.b, out=self.out)

    def differs(self) -> bool:
        """Whether the last product is not bit for bit the first one."""
        return bool((self.out != self.first).any())


def _keep_working(record: Record[SustainedRun], product: _Product, watch: Watch, stopwatch: Stopwatch, planned: float) -> None:
    clock = stopwatch.clock
    replays = watch.replays()
    window = min(WINDOW_LARGE if is_large(stopwatch.device) else WINDOW_SMALL, max(planned / 8, 0.001))
    started = clock()
    once = max(clock_of(product, stopwatch), 1e-6)
    calls = max(1, int(window / once))
    samples: list[LoadSample] = []
    wrong = 0
    while len(samples) < MOST_SAMPLES and (not samples or clock() - started < planned):
        taken = max(stopwatch.seconds(product, calls), 1e-9)
        seen = watch.sample()  # while the device is still warm, before anything is compared
        wrong += product.differs()
        samples.append(LoadSample(clock() - started, 2 * product.side**3 * calls / taken / 1e12, **seen))
        record.set(samples=tuple(samples), products=len(samples) * calls, wrong=wrong)
    after = watch.replays()
    record.set(replays=None if replays is None or after is None else after - replays)


def clock_of(product: _Product, stopwatch: Stopwatch) -> float:
    """Seconds of one product by the host's clock, which the length of a run is counted in."""
    before = stopwatch.clock()
    stopwatch.seconds(product, 1)
    return stopwatch.clock() - before
