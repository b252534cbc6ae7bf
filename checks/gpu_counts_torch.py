"""torch counts as many NVIDIA GPUs as the driver does.

Why: CUDA leaves out GPUs that it cannot start, and everything behind them may move up one index. Hidden GPUs (CUDA_VISIBLE_DEVICES) and GPUs in MIG mode are another matter.
Seen as: seven GPUs of eight, "invalid device ordinal", world sizes that do not fit.
Source: own: both counts are of this very machine.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, ok, skip, warn
from torchdoctor.facts import Devices, GpuState
from torchdoctor.gpus import plural


@check("TD715", group="driver", crash=Status.SKIP)
def gpu_counts_torch(gpus: Each[GpuState], devices: Devices) -> Findings:
    backend = devices.backend("cuda")
    if backend is None or not backend.available or backend.count is None:
        yield skip("torch uses no CUDA here")
    elif "CUDA_VISIBLE_DEVICES" in devices.visible or any(gpu.mig for gpu in gpus.values()):
        yield skip("some GPUs are hidden or divided on purpose")
    elif backend.count < len(gpus):
        seen = [("torch", f"torch.cuda.device_count() is {backend.count}"), ("nvml", plural(len(gpus), "GPU"))]
        fix = Fix("Look for what the missing GPU says of itself.", ("nvidia-smi -q",), who="admin")
        cause = "gpu-lost" if any(gpu.error for gpu in gpus.values()) else None
        yield warn(f"torch counts {plural(backend.count, 'GPU')}, the driver {len(gpus)}", seen, [fix], cause)
    else:
        yield ok(f"torch counts {plural(backend.count, 'GPU')}, as the driver does")
