"""The NVIDIA driver's library can be loaded and answers.

Why: every program that uses the GPU starts by asking the driver through its library. Where the library is missing, does not fit the loaded kernel
module, or may not open its device files, no CUDA program works, whatever torch is installed.
Seen as: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver", "Driver/library version mismatch", NVML return codes 4, 9, 12, 18.
A library that hangs or crashes while it starts is a failure too: the driver is stuck.
Source: NVML return codes; NVIDIA/DCGM, gpud and sichek fail on the same.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Findings, Fix, Status, check, fail, ok, skip
from torchdoctor.facts import Bus, Host, NvidiaDriver
from torchdoctor.remedy import Rung

NO_PERMISSION, NOT_LOADED, NO_LIBRARY, LOST, MISMATCH = 4, 9, 12, 15, 18
CONTAINER = Fix(
    "Start the container with the GPUs and the driver's libraries (it needs the NVIDIA Container Toolkit).",
    ("docker run --gpus all IMAGE",),
    risk="restart",
)
INSTALL = Fix(
    "Install the NVIDIA driver for this GPU, reboot, and see that nvidia-smi works.", ("nvidia-smi",), who="admin", risk="disruptive"
)
LOAD = Fix(
    "Load the kernel module; where that fails, build it for the running kernel (a kernel update leaves it behind) or sign it for Secure Boot.",
    ("sudo modprobe nvidia", "sudo dmesg | grep -i nvidia"),
    who="admin",
)


@check("TD701", group="driver", crash=Status.FAIL)
def nvidia_driver_loads(driver: NvidiaDriver, bus: Bus, host: Host) -> Findings:
    code = driver.error_code
    cards = bus.of("nvidia")
    if not driver.error:
        yield ok(f"driver {driver.version} answers" + (f", CUDA up to {driver.cuda}" if driver.cuda else ""))
        return
    if not cards and not driver.kernel_module and not driver.library:
        yield skip("no NVIDIA GPU and no NVIDIA driver here")
        return
    seen = [("nvml", f"{driver.error} (code {code})")]
    if driver.kernel_module:
        seen.append(("/proc/driver/nvidia/version", driver.kernel_module))
    if cards:
        seen.append(("/sys/bus/pci/devices", " ".join(f"{card.slot}={card.driver or 'no driver'}" for card in cards)))
    if code == MISMATCH:
        reboot = remedy.fix(Rung.REBOOT, ": the driver's files were updated while the old kernel module is still loaded.")
        yield fail("the driver's library does not fit the loaded kernel module", seen, [reboot], "nvml-driver-library-mismatch")
    elif code == NO_LIBRARY and host.container:
        yield fail("the container has no driver library, but the machine has an NVIDIA GPU", seen, [CONTAINER], "container-runtime-missing")
    elif code == NO_LIBRARY:
        yield fail("an NVIDIA GPU is there, but no driver is installed", seen, [INSTALL], "cuda-unavailable-no-driver")
    elif code == NOT_LOADED and host.container:
        yield fail(
            "the driver's library is in the container, but the kernel's driver does not answer",
            seen,
            [CONTAINER],
            "nvidia-smi-cannot-communicate",
        )
    elif code == NOT_LOADED and (cards or not bus.known):
        yield fail("the driver is installed, but its kernel module is not loaded", seen, [LOAD], "nvidia-smi-cannot-communicate")
    elif code == NOT_LOADED:
        yield skip("the driver is installed, but this machine has no NVIDIA GPU")
    elif code == NO_PERMISSION:
        group = Fix("Give this user access to /dev/nvidia*.", ("ls -l /dev/nvidia*",), who="admin")
        yield fail(
            "this user may not talk to the NVIDIA driver", seen, [CONTAINER if host.container else group], "nvidia-smi-cannot-communicate"
        )
    elif host.container:
        restart = Fix(
            "Restart the container: its access to the GPUs was taken away while it ran. To prevent that, let Docker use the cgroupfs driver or "
            "name the device files when starting it.",
            ("docker run --gpus all --device /dev/nvidia0 --device /dev/nvidiactl --device /dev/nvidia-uvm IMAGE",),
            risk="restart",
        )
        yield fail("the driver does not answer inside this container", seen, [restart], "container-gpu-lost-cgroup")
    else:
        cause = "gpu-lost" if code == LOST else "nvidia-smi-cannot-communicate"
        yield fail("the NVIDIA driver does not answer", seen, [remedy.fix(Rung.REBOOT)], cause)
