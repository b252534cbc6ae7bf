"""AMD GPUs: their driver runs and this user may use them.

Why: ROCm opens /dev/kfd and one file in /dev/dri a GPU. They belong to the groups render and video, and a container gets them only when it is told to. Without ROCm none of this
matters, so this check only says what is there; a ROCm build that finds no GPU is judged by cuda-available.
Seen as: torch.cuda.is_available() False with a ROCm build, "Unable to open /dev/kfd read-write: Permission denied".
Source: ROCm installation guide, user groups and containers.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, info, ok, skip
from torchdoctor.facts import Host, SysfsGpus
from torchdoctor.gpus import GIB

GROUP = Fix("Add the user to the groups render and video, then log in again.", ("sudo usermod -aG render,video $USER",), who="admin")
CONTAINER = Fix(
    "Start the container with the GPUs' device files.",
    ("docker run --device /dev/kfd --device /dev/dri --group-add video --group-add render IMAGE",),
    risk="restart",
)


@check("TD721", group="driver")
def amd_gpu(sysfs: SysfsGpus, host: Host) -> Findings:
    cards = sysfs.of("amd")
    if not cards:
        yield skip("no AMD GPU here" if sysfs.known else f"AMD GPUs are read from /sys, which {host.system} does not have")
        return
    access = CONTAINER if host.container else GROUP
    for gpu in cards:
        subject = f"pci:{gpu.slot}"
        memory = f", {gpu.memory_total / GIB:.0f} GiB" if gpu.memory_total else ""
        seen = [("/sys/class/drm", f"{gpu.architecture or 'architecture not told'}{memory}, driver {gpu.driver}")]
        if sysfs.kfd is False:
            yield info("an AMD GPU without /dev/kfd: ROCm cannot use it here", seen, [access] if host.container else [], subject=subject)
        elif sysfs.kfd_usable is False:
            yield info(
                "/dev/kfd may not be used by this user: ROCm cannot start",
                [*seen, ("/dev/kfd", "no access")],
                [access],
                "rocm-no-gpu-access",
                subject,
            )
        elif gpu.render_usable is False:
            yield info(
                f"{gpu.render_node} may not be used by this user",
                [*seen, (gpu.render_node or "", "no access")],
                [access],
                "rocm-no-gpu-access",
                subject,
            )
    yield ok(", ".join(gpu.architecture or gpu.slot for gpu in cards))
