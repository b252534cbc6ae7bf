"""The device files /dev/nvidia* exist and this user may use them.

Why: CUDA opens /dev/nvidiactl, /dev/nvidia-uvm and one file a GPU. A container that was started without GPUs lacks them, a device control group can forbid
them although the mode allows it, and nvidia-uvm appears only once something has loaded its module.
Seen as: "Failed to initialize NVML: Unknown Error", "CUDA unknown error", is_available() False for one user only.
Source: NVIDIA/DCGM, permissions check. Fewer files than GPUs inside a container is what was asked for, not a fault (DCGM issue 90).
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, Status, check, fail, ok, skip
from torchdoctor.facts import Host, NvidiaDriver, NvidiaFiles

UVM = Fix("Load the module and create the file.", ("sudo nvidia-modprobe -u -c=0",), who="admin")
CONTAINER = Fix("Start the container again with the GPUs.", ("docker run --gpus all IMAGE",), risk="restart")


@check("TD704", group="driver", crash=Status.SKIP)
def nvidia_device_files(files: NvidiaFiles, driver: NvidiaDriver, host: Host) -> Findings:
    loaded = "nvidia" in files.modules or driver.kernel_module
    if not files.known or host.wsl or not (loaded or files.nodes):
        yield skip("no NVIDIA driver that would need device files")
        return
    names = {node.path.rpartition("/")[2] for node in files.nodes}
    fix = CONTAINER if host.container else UVM
    for node in files.nodes:
        if node.usable is False:
            seen = [(node.path, f"{node.error}; {node.mode or 'no mode'}, group {node.group}")]
            group = node.group if node.group not in (None, "root", "0") else None
            access = (
                Fix(f"Add the user to the group {group} and log in again.", (f"sudo usermod -aG {group} $USER",), who="admin")
                if group
                else Fix("Let everyone use it, as the driver's default is.", (f"sudo chmod 666 {node.path}",), who="admin")
            )
            cause = "container-gpu-lost-cgroup" if host.container else "cuda-unavailable-no-driver"
            yield fail(f"{node.path} may not be used by this process", seen, [CONTAINER if host.container else access], cause)
    if not any(name[6:].isdigit() for name in names):
        cause = "container-runtime-missing" if host.container else "cuda-no-device-error"
        yield fail(
            "the driver is loaded, but there is no /dev/nvidia0", [("/dev", " ".join(sorted(names)) or "no nvidia files")], [fix], cause
        )
    elif "nvidia-uvm" not in names and "nvidiactl" in names:
        yield fail("/dev/nvidia-uvm is missing: CUDA cannot start", [("/dev", " ".join(sorted(names)))], [fix], "cuda-unknown-error")
    else:
        yield ok(f"{' '.join(sorted(names))}")
