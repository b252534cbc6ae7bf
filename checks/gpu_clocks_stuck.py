"""A GPU that is at work runs at a working clock.

Why: after some faults a GPU stays at its idle clock although it is busy; everything works, ten times slower. A GPU that is idle now cannot be judged by this.
Seen as: one rank many times slower, SM clock of a few hundred MHz at 100 % utilization.
Thresholds: 800 MHz (sichek, SmClkStuckLow), on cards whose maximum is at least twice that.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, ok, skip, warn
from torchdoctor.facts import GpuState, Thresholds
from torchdoctor.gpus import answering
from torchdoctor.remedy import Rung


@check("TD809", group="health", crash=Status.SKIP)
def gpu_clocks_stuck(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.clock_sm is not None and gpu.clock_sm_max and gpu.busy]
    if not judged:
        yield skip("no GPU is at work now: clocks can be judged only under load (--full)")
        return
    low = thresholds.general("clock-stuck")
    for gpu in judged:
        now, top = gpu.clock_sm or 0, gpu.clock_sm_max or 0
        if now < low and top >= 2 * low:
            seen = [("nvml", f"SM clock {now} of {top} MHz at {gpu.utilization} % utilization")]
            reset = remedy.fix(Rung.RESET_GPU, ", or reboot: if a second look shows the same.", gpu=gpu.index)
            yield warn(f"busy at {now} of {top} MHz: the clock is stuck low", seen, [reset], "gpu-throttled-power", gpu.subject)
    yield ok("busy GPUs run at working clocks")
