"""The machine has a GPU, but the installed torch cannot use any.

Why: a CPU-only wheel contains no GPU code at all; torch.cuda.is_available() stays False whatever the driver is.
Seen as: "Torch not compiled with CUDA enabled", a version that ends in +cpu, training that is a hundred times too slow.
Not this: a CUDA build that finds no GPU (cuda-available).
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Findings, Fix, check, fail, ok, skip, warn
from torchdoctor.facts import Bus, Host, NvidiaDriver, PythonEnv, TorchBuild
from torchdoctor.wheels import for_driver


@check("TD302", group="device")
def cpu_only_build(build: TorchBuild, bus: Bus, driver: NvidiaDriver, host: Host, python: Optional[PythonEnv]) -> Findings:
    if build.build != "cpu":
        yield skip(f"this is a {build.build} build")
        return
    seen = [("torch.__version__", build.version), ("torch.version.cuda", "None")]
    fix = for_driver(python.installer if python else "pip", driver.cuda)
    if driver.gpus:
        names = ", ".join(sorted({g.name for g in driver.gpus if g.name})) or "NVIDIA GPU"
        yield fail(
            f"torch is a CPU-only build, and this machine has {len(driver.gpus)} x {names}",
            [*seen, ("nvml", f"driver {driver.version}, CUDA {driver.cuda}: {len(driver.gpus)} GPUs")],
            [fix],
            cause="torch-cpu-only-build",
        )
    elif bus.of("nvidia") or (bus.dxg and driver.library):
        yield warn(
            "torch is a CPU-only build, and there is an NVIDIA GPU in this machine",
            [*seen, ("/sys/bus/pci/devices", ", ".join(d.slot for d in bus.of("nvidia")) or "WSL's /dev/dxg")],
            [Fix("Install the NVIDIA driver first, if nvidia-smi does not work.", ("nvidia-smi",), who="admin", risk="restart"), fix],
            cause="torch-cpu-only-build",
        )
    elif bus.kfd and bus.of("amd"):
        yield warn(
            "torch is a CPU-only build, and there is an AMD GPU with ROCm's kernel driver in this machine",
            [*seen, ("/dev/kfd", "exists")],
            [Fix("If the GPU is one that ROCm supports, install the ROCm build that pytorch.org offers for your version.")],
            cause="torch-cpu-only-build",
        )
    elif host.system == "macos" and host.arch == "arm64":
        yield warn(
            "this torch was built without MPS, the Mac's GPU",
            seen,
            [Fix("Install the wheel from PyPI.", ("pip install --force-reinstall torch",))],
        )
    else:
        yield ok("a CPU build, and no GPU was found that it would miss", seen)
