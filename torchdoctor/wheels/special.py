"""Machines that PyTorch's own wheels do not serve: musl, 32 bits, other systems, Jetson."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from torchdoctor.wheels import table
from torchdoctor.wheels.impossible import platform_words
from torchdoctor.wheels.machine import Machine
from torchdoctor.wheels.table import Index, number

JETSON_PAGE = "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/index.html"


@dataclass(frozen=True)
class Unusual:
    """An answer that needs no search: the reason, what to do, and for NVIDIA's own builds the index and packages."""

    reason: str
    do: tuple[str, ...]
    index: Optional[Index] = None
    packages: tuple[str, ...] = ()
    torch: str = ""


def unusual(machine: Machine, asked: bool = False) -> Optional[Unusual]:
    """The answer for a machine that needs another way than PyTorch's wheels, or None. ``asked``: for a certain version or build."""
    if machine.system == "linux" and machine.musl:
        return Unusual(
            "This Linux uses musl, and there are no torch wheels for musl: they need glibc.",
            ("Use a Linux or a container image with glibc, such as python:3.12-slim in place of python:3.12-alpine.",),
        )
    if machine.system == "macos" and machine.rosetta:
        return Unusual(
            "This is an x86_64 Python on a Mac with Apple silicon; torch for it ended with 2.2.2 and cannot use the GPU.",
            ("Install a native arm64 Python, create the environment again with it, and ask again there.",),
        )
    if not any(wheel.platform == machine.platform for wheel in table.wheels()):
        known = sorted({platform_words(wheel.platform) for wheel in table.wheels()})
        return Unusual(
            f"PyTorch publishes no wheels for {platform_words(machine.platform)}.",
            (f"There are wheels for {', '.join(known)}; elsewhere torch has to be built from source.",),
        )
    return _jetson(machine, asked)


def _jetson(machine: Machine, asked: bool) -> Optional[Unusual]:
    """NVIDIA's build for a Jetson; None where PyPI's wheels have code for it (Thor)."""
    capabilities = {gpu.capability for gpu in machine.of("nvidia") if gpu.capability}
    known = [table.capabilities()[name] for name in capabilities if name in table.capabilities()]
    if not machine.jetson and not any(row.jetson for row in known):
        return None
    own = {name for wheel in table.wheels() if wheel.platform == "linux_aarch64" and wheel.verified for name in map(str, wheel.arch)}
    if capabilities and all(name in own for name in capabilities):
        return None
    for row in table.jetsons():
        fits = (machine.l4t is None or number(machine.l4t)[:1] == number(row.l4t)) and (not capabilities or row.capability in capabilities)
        if fits and machine.python_tag == row.python and not asked and machine.platform == "linux_aarch64":
            where = Index("jetson", row.url, "cuda", row.cuda, False)
            vision = table.companion_of("torchvision", row.torch)
            packages = (f"torch=={row.torch}", *((f"torchvision=={vision.version}",) if vision else ()))
            return Unusual(
                f"PyPI's aarch64 wheels are for servers; a Jetson needs NVIDIA's build for its JetPack (JetPack {row.jetpack}, CUDA {row.cuda}).",
                (
                    "Those builds were made against NumPy 1: install numpy older than 2 beside them.",
                    f"NVIDIA's instructions: {JETSON_PAGE}",
                ),
                where,
                packages,
                row.torch,
            )
    return Unusual(
        "PyPI's aarch64 wheels are for servers and have no code for this Jetson; NVIDIA publishes builds for each JetPack.",
        (
            "Look up the JetPack version, and install the torch that NVIDIA publishes for it and for the Python that it brings: "
            "cat /etc/nv_tegra_release",
            f"NVIDIA's instructions: {JETSON_PAGE}",
        ),
    )
