"""What stands in the way of a build on a machine: its Python, its operating system, its driver, its GPUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from torchdoctor.wheels import table
from torchdoctor.wheels.gpus import runs_on, toolkit_knows
from torchdoctor.wheels.machine import Gpu, Machine, counted
from torchdoctor.wheels.table import Wheel, number

WEIGHTS = {"python": 1, "driver": 2, "system": 4, "gpu": 8}
"""How hard it is to remove an obstacle: another Python is easy, another GPU is not."""


@dataclass(frozen=True)
class Obstacle:
    """One thing that a build needs and the machine lacks: a full reason, the need in few words, and what to do."""

    kind: str
    reason: str
    needs: str
    do: str = ""

    @property
    def weight(self) -> int:
        """How hard it is to remove."""
        return WEIGHTS[self.kind]


def driver_needed(wheel: Wheel, machine: Machine) -> str:
    """The least NVIDIA driver for a CUDA build on the machine's system."""
    row = table.drivers()[wheel.toolkit]
    return row.windows if machine.system == "windows" or machine.wsl else row.linux


def ptx_compiles(wheel: Wheel, machine: Machine) -> bool:
    """Whether the machine's driver is known to compile PTX of the build's CUDA."""
    return machine.driver_cuda is not None and bool(wheel.toolkit) and number(machine.driver_cuda) >= number(wheel.toolkit)


def driver_obstacle(wheel: Wheel, machine: Machine) -> Optional[Obstacle]:
    """The driver, where it is known to be too old for the build's CUDA.

    Within a major version of CUDA any driver of that family runs every build (minor-version compatibility).
    """
    if wheel.backend != "cuda":
        return None
    row = table.drivers().get(wheel.toolkit)
    if row is None:
        return None
    needed = driver_needed(wheel, machine)
    old_cuda = machine.driver_cuda is not None and number(machine.driver_cuda) < number(row.cuda_min)
    old_driver = machine.driver is not None and not (machine.wsl and machine.driver_cuda) and number(machine.driver) < number(needed)
    if not old_cuda and not old_driver:
        return None
    have = f"driver {machine.driver}" if machine.driver else f"a driver for CUDA {machine.driver_cuda}"
    return Obstacle(
        "driver",
        f"{have} is too old for CUDA {wheel.toolkit}, which needs NVIDIA driver {needed} or newer",
        f"NVIDIA driver {needed} or newer (here: {machine.driver or 'CUDA ' + str(machine.driver_cuda)})",
        f"Update the NVIDIA driver to {needed} or newer (an administrator does it), then ask again.",
    )


def obstacles(wheel: Wheel, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Obstacle, ...]:
    """Everything known that keeps the build from working; empty where nothing is known to."""
    found = [_python(wheel, machine), _system(wheel, machine), driver_obstacle(wheel, machine), _gpus(wheel, machine, gpus)]
    return tuple(obstacle for obstacle in found if obstacle is not None)


def _python(wheel: Wheel, machine: Machine) -> Optional[Obstacle]:
    if machine.python_tag in wheel.pythons:
        return None
    normal = [name for name in wheel.pythons if not name.endswith("t")]
    spread = f"{normal[0]} to {normal[-1]}"
    return Obstacle(
        "python",
        f"{wheel.words} has wheels for Python {spread}, and this is Python {machine.python_tag}",
        f"Python {spread} (here: {machine.python_tag})",
        f"Make an environment with Python {_near(normal, machine.python_tag)} and install there.",
    )


def _near(pythons: list[str], here: str) -> str:
    """The supported Python that is nearest to this one."""
    return pythons[-1] if number(here) > number(pythons[-1]) or here.endswith("t") else pythons[0]


def _system(wheel: Wheel, machine: Machine) -> Optional[Obstacle]:
    name, _, least = wheel.os_min.partition(" ")
    have = machine.glibc if name == "glibc" else machine.os_version if name == "macos" else None
    if not have or number(have) >= number(least):
        return None
    words = {"glibc": "glibc", "macos": "macOS"}[name]
    return Obstacle(
        "system",
        f"{wheel.words} needs {words} {least} or newer, and this is {words} {have}",
        f"{words} {least} or newer (here: {have})",
        "Use a container image or a machine with a newer Linux." if name == "glibc" else f"Update to macOS {least} or newer.",
    )


def _gpus(wheel: Wheel, machine: Machine, gpus: tuple[Gpu, ...]) -> Optional[Obstacle]:
    if wheel.backend not in ("cuda", "rocm") or (wheel.backend == "rocm" and not wheel.gfx):
        return None
    vendor = "nvidia" if wheel.backend == "cuda" else "amd"
    known = tuple(gpu for gpu in gpus if gpu.vendor == vendor and (gpu.capability or gpu.gfx))
    if wheel.verified or wheel.backend == "rocm":
        missing = tuple(gpu for gpu in known if not runs_on(wheel, gpu, ptx_compiles(wheel, machine)))
    else:  # its list of architectures is not settled and decides nothing; its CUDA is
        missing = tuple(gpu for gpu in known if gpu.capability and not toolkit_knows(wheel, gpu.capability))
    if not missing:
        return None
    has = " ".join(wheel.gfx) if wheel.backend == "rocm" else " ".join(map(str, wheel.arch)) or f"what CUDA {wheel.toolkit} supports"
    return Obstacle(
        "gpu",
        f"{wheel.words} has no code for {counted(missing)} (it has {has})",
        f"a GPU of {has} (here: {counted(missing)})",
        "Use another GPU, or build torch from source for this one.",
    )
