"""The driver asks for no recovery of a GPU.

Why: since driver 570 the driver itself says what a GPU needs before it takes new work. A GPU that answers all questions may still refuse every CUDA context.
Seen as: Xid 154 "GPU recovery action changed", "CUDA error: all CUDA-capable devices are busy or unavailable" after an error in another program.
Source: NVML field NVML_FI_DEV_GET_GPU_RECOVERY_ACTION; nvidia-resiliency-ext reads it before each start, sichek learnt it the hard way (its PR 121).
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, fail, ok, skip
from torchdoctor.facts import GpuState
from torchdoctor.gpus import answering
from torchdoctor.remedy import Rung

RUNGS = {
    "gpu-reset": Rung.RESET_GPU,
    "node-reboot": Rung.REBOOT,
    "drain-p2p": Rung.RESET_GPU,
    "drain-and-reset": Rung.RESET_GPU,
    "bus-reset": Rung.REBOOT,
    "system-reboot": Rung.REBOOT,
    "recover-imex-domain": Rung.REBOOT,
}


@check("TD714", group="driver", crash=Status.SKIP)
def gpu_recovery_action(gpus: Each[GpuState]) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.recovery_action]
    if not judged:
        yield skip("the driver does not tell (it does from version 570 on, for server GPUs)")
        return
    for gpu in judged:
        rung = RUNGS.get(gpu.recovery_action or "")
        if rung is not None:
            seen = [("nvml", f"recovery action: {gpu.recovery_action}")]
            yield fail(
                f"the driver asks for a recovery of this GPU: {gpu.recovery_action}",
                seen,
                [remedy.fix(rung, gpu=gpu.index)],
                "gpu-requires-reset",
                gpu.subject,
            )
    yield ok("the driver asks for no recovery")
