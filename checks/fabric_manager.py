"""Machines with NVSwitch have a fabric manager that has set up all GPUs.

Why: on HGX and DGX boards the GPUs reach each other through switches that a service configures; until then CUDA refuses to start with error 802. The service must
have exactly the driver's version.
Seen as: "CUDA initialization: Unexpected error from cudaGetDeviceCount() ... Error 802: system not yet initialized".
Source: gpud, DCGM and sichek judge the fabric state of NVML; imbue-ai/cluster-health the service.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok, skip, warn
from torchdoctor.facts import GpuState, NvidiaDriver, NvidiaFiles
from torchdoctor.gpus import answering
from torchdoctor.remedy import Rung


@check("TD708", group="driver", crash=Status.SKIP)
def fabric_manager(gpus: Each[GpuState], files: NvidiaFiles, driver: NvidiaDriver) -> Findings:
    switched = [gpu for gpu in answering(gpus) if gpu.fabric_state not in (None, "not-supported")]
    if not switched and not files.switches:
        yield skip("no NVSwitch here")
        return
    start = Fix(
        f"Install the fabric manager of exactly driver {driver.version} and start it.",
        ("sudo systemctl enable --now nvidia-fabricmanager",),
        who="admin",
    )
    for gpu in switched:
        seen = [("nvml", f"fabric state {gpu.fabric_state}, status {gpu.fabric_status}")]
        if gpu.fabric_state in ("not-started", "in-progress"):
            yield fail(
                f"the fabric is not set up ({gpu.fabric_state}): CUDA will not start",
                seen,
                [start],
                "fabric-manager-not-running",
                gpu.subject,
            )
        elif gpu.fabric_status:
            yield fail(
                f"setting up the fabric failed (status {gpu.fabric_status})",
                seen,
                [remedy.fix(Rung.RESET_GPU, gpu=gpu.index), start],
                "fabric-manager-not-running",
                gpu.subject,
            )
        elif gpu.fabric_degraded:
            seen.append(("nvml", "fabric health: " + ", ".join(gpu.fabric_degraded)))
            yield warn(
                f"the fabric reports {', '.join(gpu.fabric_degraded)}",
                seen,
                [remedy.fix(Rung.INSPECT, " where it stays so after a reset of the GPUs.")],
                "nvlink-error",
                gpu.subject,
            )
    if files.switches and files.fabric_manager is False and not any(gpu.fabric_state == "completed" for gpu in switched):
        yield fail(
            f"{files.switches} NVSwitches, but no fabric manager runs",
            [("/proc", "no process nv-fabricmanager")],
            [start],
            "fabric-manager-not-running",
        )
    elif switched:
        yield ok(f"the fabric of {len(switched)} GPUs is set up")
    else:
        yield skip("the state of the fabric cannot be seen from here")
