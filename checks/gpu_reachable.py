"""Each GPU answers the driver.

Why: a GPU that has fallen off the PCI bus, lost its firmware or waits for a reset still has its place in the driver's list, and says so when asked. The others go on working.
Seen as: "Unable to determine the device handle for GPU", "GPU is lost. Reboot the system to recover this GPU", Xid 79.
Source: NVML return codes 15 (lost) and 16 (reset required); gpud, DCGM and nvidia-resiliency-ext fail on them.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok, unknown
from torchdoctor.facts import GpuState
from torchdoctor.gpus import answering, models
from torchdoctor.remedy import Rung

LOST, RESET_REQUIRED, CORRUPTED_INFOROM, NO_PERMISSION, IRQ, POWER = 15, 16, 14, 4, 11, 8


@check("TD801", group="health", crash=Status.FAIL)
def gpu_reachable(gpus: Each[GpuState]) -> Findings:
    for gpu in sorted(gpus.values(), key=lambda gpu: gpu.index):
        if gpu.error_code is None and not gpu.error:
            continue
        seen = [("nvml", f"{gpu.error} (code {gpu.error_code})")]
        if gpu.error_code == LOST:
            fix = remedy.fix(
                Rung.REBOOT, "; where the GPU stays away, power the machine off and on, then have its seat, power and cooling inspected."
            )
            yield fail("the driver has lost this GPU", seen, [fix], "gpu-lost", gpu.subject)
        elif gpu.error_code == RESET_REQUIRED:
            yield fail(
                "this GPU must be reset before it works again",
                seen,
                [remedy.fix(Rung.RESET_GPU, gpu=gpu.index)],
                "gpu-requires-reset",
                gpu.subject,
            )
        elif gpu.error_code == CORRUPTED_INFOROM:
            yield fail(
                "this GPU does not start: its inforom is corrupt", seen, [remedy.fix(Rung.INSPECT)], "gpu-hardware-suspect", gpu.subject
            )
        elif gpu.error_code in (IRQ, POWER):
            fix = remedy.fix(Rung.INSPECT, ": power cables and the interrupt settings of the machine's firmware come first.", who="admin")
            yield fail("this GPU does not start: power or interrupts are missing", seen, [fix], "gpu-hardware-suspect", gpu.subject)
        elif gpu.error_code == NO_PERMISSION:
            fix = Fix("Give this user access to the GPU's device file.", (f"ls -l /dev/nvidia{gpu.index}",), who="admin")
            yield fail("this GPU may not be used by this user", seen, [fix], "devices-busy", gpu.subject)
        else:
            yield unknown(f"this GPU cannot be asked: {gpu.error}", seen, gpu.subject)
    yield ok(models(answering(gpus)) or "no GPU")
