"""A container that should have GPUs was given them fully.

Why: the NVIDIA Container Toolkit decides from two variables what goes into a container. NVIDIA_VISIBLE_DEVICES=void or none gives nothing; without "compute" in
NVIDIA_DRIVER_CAPABILITIES there is an nvidia-smi but no libcuda.
Seen as: nvidia-smi works and torch.cuda.is_available() is False; "libcuda.so.1: cannot open shared object file".
Source: NVIDIA Container Toolkit, documentation of its environment variables.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, Status, check, fail, info, ok, skip
from torchdoctor.facts import Bus, Host, NvidiaDriver, NvidiaFiles


@check("TD706", group="driver", crash=Status.SKIP)
def gpu_container(host: Host, files: NvidiaFiles, driver: NvidiaDriver, bus: Bus) -> Findings:
    if not host.container:
        yield skip("not in a container")
        return
    given = (files.capabilities or "").lower()
    seen = [("env", f"NVIDIA_VISIBLE_DEVICES={files.visible}"), ("env", f"NVIDIA_DRIVER_CAPABILITIES={files.capabilities}")]
    hidden = files.visible is not None and files.visible.strip().lower() in ("void", "none", "")
    cuda = any(path.endswith("libcuda.so.1") for path in files.libraries)
    if hidden and (bus.of("nvidia") or driver.kernel_module) and not driver.gpus:
        fix = Fix("Start the container with GPUs.", ("docker run --gpus all IMAGE",), risk="restart")
        yield info(f"the container was started without GPUs (NVIDIA_VISIBLE_DEVICES={files.visible})", seen, [fix])
    elif driver.gpus and given and not any(word in given for word in ("all", "compute")):
        fix = Fix(
            "Start the container with the compute capability of the driver.",
            ("docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE",),
            risk="restart",
        )
        yield fail("the container got the driver without its CUDA part", seen, [fix], "libcuda-missing")
    elif driver.gpus and files.known and files.libraries and not cuda:
        fix = Fix(
            "Start the container with the NVIDIA runtime, which mounts libcuda.so.1.", ("docker run --gpus all IMAGE",), risk="restart"
        )
        yield fail("libnvidia-ml is in the container, libcuda.so.1 is not", [*seen, *files.libraries.items()], [fix], "libcuda-missing")
    elif driver.gpus:
        yield ok("the container has the driver's CUDA part", seen)
    else:
        yield skip("this container has no NVIDIA GPU")
