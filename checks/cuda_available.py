"""A CUDA or ROCm build can use the GPU that is there.

Why: torch asks the driver once, and turns every problem into False and a warning: no driver, a driver too old, a half-upgraded
driver, a container without GPU access, hidden devices. This check says which of them it is.
Seen as: torch.cuda.is_available() is False; "Found no NVIDIA driver on your system"; "CUDA driver initialization failed".
A machine without any GPU is a fact, not a failure: expect one with --expect cuda=true.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, info, ok, skip
from torchdoctor.facts import Bus, Devices, Host, NvidiaDriver, TorchBuild

DRIVER_TOO_OLD = "driver on your system is too old"
BY_MESSAGE = (
    ("driver on your system is too old", "driver-too-old"),
    ("insufficient for CUDA runtime version", "driver-too-old"),
    ("system not yet initialized", "fabric-manager-not-running"),
    ("system has unsupported display driver / cuda driver combination", "cuda-init-error-803"),
    ("forward compatibility was attempted on non supported HW", "cuda-init-error-804"),
    ("unknown error", "cuda-unknown-error"),
    ("Found no NVIDIA driver", "cuda-unavailable-no-driver"),
    ("no CUDA-capable device is detected", "cuda-no-device-error"),
    ("libcuda.so", "libcuda-missing"),
)
ACTIONS = {
    "driver-too-old": Fix("Update the NVIDIA driver, or install a torch built for an older CUDA.", who="admin", risk="disruptive"),
    "fabric-manager-not-running": Fix(
        "Start the fabric manager, in exactly the driver's version.", ("sudo systemctl start nvidia-fabricmanager",), who="admin"
    ),
    "cuda-init-error-803": Fix(
        "Reboot, so that the kernel module and the libraries have one version; in a container, remove foreign libcuda files.",
        who="admin",
        risk="disruptive",
    ),
    "cuda-init-error-804": Fix("Remove the cuda-compat folder from LD_LIBRARY_PATH: this GPU does not support forward compatibility."),
    "cuda-unknown-error": Fix(
        "Load the nvidia_uvm module again, or reboot.",
        ("sudo rmmod nvidia_uvm", "sudo modprobe nvidia_uvm"),
        who="admin",
        risk="disruptive",
    ),
    "nvml-driver-library-mismatch": Fix(
        "Reboot: the driver was upgraded while the old kernel module is loaded.", who="admin", risk="disruptive"
    ),
}
NO_ACCESS = Fix(
    "Start the container with access to the GPUs (it needs the NVIDIA Container Toolkit).", ("docker run --gpus all IMAGE",), risk="restart"
)
NO_DRIVER = Fix(
    "Install the NVIDIA driver for this GPU and reboot; nvidia-smi must work first.", ("nvidia-smi",), who="admin", risk="disruptive"
)


@check("TD303", group="device")
def cuda_available(build: TorchBuild, devices: Devices, driver: NvidiaDriver, bus: Bus, host: Host) -> Findings:
    backend = devices.backend("cuda")
    if build.build not in ("cuda", "rocm") or backend is None:
        yield skip(f"this is a {build.build} build")
        return
    if backend.available and backend.count:
        yield ok(f"{backend.count} GPU{'s' if backend.count > 1 else ''} available")
        return
    said = backend.why_not or "torch.cuda.is_available() is False"
    seen = [("torch", said), ("nvml", driver.error or f"driver {driver.version}, {len(driver.gpus)} GPUs")]
    present = bool(driver.gpus or driver.kernel_module or bus.of("nvidia")) if build.build == "cuda" else bool(bus.kfd)
    hidden = next((f"{name}={value!r}" for name, value in devices.visible.items() if name != "NVIDIA_VISIBLE_DEVICES"), "")
    if not present:
        yield info(f"no GPU was found for this {build.build.upper()} build: training runs on the CPU", seen)
    elif hidden and driver.gpus:
        yield fail(f"{hidden} hides all {len(driver.gpus)} GPUs", [*seen, ("env", hidden)], [UNHIDE], cause="cuda-visible-devices-wrong")
    elif build.build == "rocm":
        yield from _rocm(seen, bus)
    elif driver.error_code == 18:
        cause = "nvml-driver-library-mismatch"
        yield fail("the NVIDIA driver was upgraded while the old one is loaded", seen, [ACTIONS[cause]], cause=cause)
    else:
        cause = next((c for text, c in BY_MESSAGE if text.lower() in said.lower()), "cuda-unavailable-no-driver")
        fix = ACTIONS.get(cause) or (NO_ACCESS if host.container else NO_DRIVER)
        yield fail("there is an NVIDIA GPU, but torch cannot use it: " + said.splitlines()[-1][:200], seen, [fix], cause=cause)


UNHIDE = Fix("Unset the variable, or list existing GPUs, before Python starts.", ("unset CUDA_VISIBLE_DEVICES",))


def _rocm(seen: list[tuple[str, str]], bus: Bus) -> Findings:
    fixes = [
        Fix("Give the user access to the GPU's device files, then log in again.", ("sudo usermod -aG render,video $USER",), who="admin"),
        Fix("In a container pass the device files on.", ("docker run --device=/dev/kfd --device=/dev/dri IMAGE",), risk="restart"),
    ]
    what = "may not be opened by this user" if bus.kfd_writable is False else "gives no usable GPU"
    yield fail(f"/dev/kfd {what}", [*seen, ("/dev/kfd", f"writable: {bus.kfd_writable}")], fixes, cause="rocm-no-gpu-access")
