"""The description of a machine that a torch is chosen for: this one, or one that somebody describes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

INSTALLERS = ("pip", "uv", "conda", "poetry", "system")
SYSTEMS = ("linux", "macos", "windows")


@dataclass(frozen=True)
class Gpu:
    """A GPU: ``capability`` ("8.0") for NVIDIA, ``gfx`` ("gfx942") for AMD; neither where it is not known which one it is."""

    name: str
    vendor: str = "nvidia"
    capability: Optional[str] = None
    gfx: Optional[str] = None

    def __str__(self) -> str:
        known = self.gfx or self.capability
        return f"{self.name} ({known})" if known and known != self.name else self.name


@dataclass(frozen=True)
class Machine:
    """What decides which build of torch works.

    system: linux, macos, windows. arch: as Python names it (x86_64, AMD64, aarch64, arm64). python: "3.12".
    driver: the NVIDIA driver's version, driver_cuda: the newest CUDA that it reports; None where not known.
    os_version: of macOS. libc: "glibc 2.31", "musl" or None. jetson: a Jetson device, l4t its Jetson Linux version.
    executable: the interpreter to install for, where it is on this machine. installed: the torch that it has.
    """

    system: str = "linux"
    arch: str = "x86_64"
    python: str = "3.12"
    free_threaded: bool = False
    driver: Optional[str] = None
    driver_cuda: Optional[str] = None
    gpus: tuple[Gpu, ...] = ()
    os_version: Optional[str] = None
    libc: Optional[str] = None
    wsl: bool = False
    jetson: bool = False
    l4t: Optional[str] = None
    rosetta: bool = False
    installer: str = "pip"
    executable: Optional[str] = None
    installed: Optional[str] = None

    @property
    def platform(self) -> str:
        """The platform as the table names it; one that the table does not have where nothing is published."""
        arch = {"amd64": "x86_64", "x64": "x86_64"}.get(self.arch.lower(), self.arch.lower())
        if self.system == "windows":
            return "windows_amd64" if arch == "x86_64" else f"windows_{arch}"
        if self.system == "macos":
            return f"macos_{'arm64' if arch == 'aarch64' else arch}"
        return f"linux_{'aarch64' if arch == 'arm64' else arch}"

    @property
    def python_tag(self) -> str:
        """The Python as the table names it: "3.12", "3.14t"."""
        minor = ".".join(self.python.split(".")[:2])
        return f"{minor}t" if self.free_threaded else minor

    @property
    def glibc(self) -> Optional[str]:
        """The version of glibc, or None where it is not known or not glibc."""
        name, _, version = (self.libc or "").partition(" ")
        return version if name == "glibc" and version else None

    @property
    def musl(self) -> bool:
        """Whether this Linux has musl in place of glibc (Alpine)."""
        return (self.libc or "").startswith("musl")

    def of(self, vendor: str) -> tuple[Gpu, ...]:
        """The GPUs of one vendor."""
        return tuple(gpu for gpu in self.gpus if gpu.vendor == vendor)

    @property
    def words(self) -> str:
        """The machine in one line."""
        system = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}.get(self.system, self.system)
        if self.system == "macos" and self.os_version:
            system += f" {self.os_version}"
        parts = [f"{system} {self.arch}" + (" (WSL)" if self.wsl else "") + (", Jetson" if self.jetson else "")]
        if self.libc:
            parts.append(self.libc)
        parts.append(f"Python {self.python}" + (" free-threaded" if self.free_threaded else ""))
        parts.append(self.installer)
        if self.driver or self.driver_cuda:
            reports = f" (CUDA {self.driver_cuda})" if self.driver_cuda else ""
            parts.append(f"NVIDIA driver {self.driver or 'of unknown version'}{reports}")
        parts.append(counted(self.gpus) or "no GPU")
        return ", ".join(parts)


def counted(gpus: tuple[Gpu, ...]) -> str:
    """The GPUs in words, equal ones once: "8 x A100 (8.0), T4 (7.5)"."""
    order: dict[str, int] = {}
    for gpu in gpus:
        order[str(gpu)] = order.get(str(gpu), 0) + 1
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in order.items())
