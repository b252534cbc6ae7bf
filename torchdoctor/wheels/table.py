"""The tables of what is published, read once from ``torchdoctor/data``.

Every version, index and address that torchdoctor names stands in a row of these tables; none is put together from parts. The tables are
made by ``scripts/update_wheels.py``. A row whose ``verified`` is "no" is known from a single or doubtful source: it never decides anything
by itself, and is only named where somebody asks for just that build.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Optional

DATA = Path(__file__).resolve().parent.parent / "data"
PYPI = "pypi"


@cache
def number(version: str) -> tuple[int, ...]:
    """A dotted version as numbers, to compare: "12.10" is more than "12.9". Anything after the digits of a part is left out."""
    parts = []
    for part in version.split("."):
        digits = ""
        for character in part:
            if not character.isdigit():
                break
            digits += character
        if not digits:
            break
        parts.append(int(digits))
    return tuple(parts)


@dataclass(frozen=True)
class Index:
    """A place that wheels are installed from. ``url`` is empty for PyPI, ``toolkit`` the CUDA or ROCm version of its builds."""

    name: str
    url: str
    backend: str
    toolkit: str
    experimental: bool


@dataclass(frozen=True)
class Arch:
    """A GPU architecture that a build has machine code for; with ``ptx`` newer GPUs can have it compiled when it runs."""

    capability: tuple[int, ...]
    ptx: bool

    def __str__(self) -> str:
        return ".".join(map(str, self.capability)) + ("+PTX" if self.ptx else "")


@dataclass(frozen=True)
class Wheel:
    """One published build of torch for one platform.

    backend: cpu, cuda, rocm or mps. toolkit: the CUDA or ROCm version, empty otherwise. pythons: "3.12", "3.14t" for free-threaded.
    os_min: "glibc 2.28" or "macos 14.0", empty where it does not matter. arch: capabilities for CUDA. gfx: names for ROCm.
    """

    torch: str
    index: Index
    backend: str
    toolkit: str
    platform: str
    pythons: tuple[str, ...]
    os_min: str
    arch: tuple[Arch, ...]
    gfx: tuple[str, ...]
    verified: bool
    date: str
    source: str

    @property
    def words(self) -> str:
        """The build in words: "torch 2.14.1 for CUDA 12.6"."""
        kind = {"cuda": f"for CUDA {self.toolkit}", "rocm": f"for ROCm {self.toolkit}", "mps": "for macOS with MPS"}
        return f"torch {self.torch} {kind.get(self.backend, 'for the CPU')}"


@dataclass(frozen=True)
class Driver:
    """The least NVIDIA driver for a CUDA version; ``cuda_min`` is what such a driver reports, ``full_branch`` compiles its PTX."""

    cuda: str
    linux: str
    windows: str
    cuda_min: str
    full_branch: str


@dataclass(frozen=True)
class Capability:
    """What is known of a compute capability: the CUDA that first has libraries for it and the last one that still has."""

    capability: str
    architecture: str
    min_cuda: str
    last_cuda: str
    jetson: bool
    examples: str


@dataclass(frozen=True)
class Companion:
    """The release of a package that belongs to a torch. ``pinned``: its metadata ask for exactly this torch."""

    torch: str
    package: str
    version: str
    pinned: bool
    pythons: tuple[str, ...]


@dataclass(frozen=True)
class Jetson:
    """NVIDIA's own build for a Jetson: ``l4t`` is the major version of Jetson Linux."""

    jetpack: str
    l4t: str
    capability: str
    cuda: str
    python: str
    torch: str
    url: str


@dataclass(frozen=True)
class Mps:
    """Which macOS the Mac's GPU needs, for a range of torch feature releases."""

    first: str
    last: str
    macos: str
    verified: bool


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a data file, by column."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def indexes() -> dict[str, Index]:
    """All places to install from, by name."""
    return {
        row["index"]: Index(row["index"], row["url"], row["backend"], row["toolkit"], row["channel"] != "stable")
        for row in rows("wheel_index.tsv")
    }


def _arch(text: str) -> Arch:
    return Arch(number(text.replace("+PTX", "")), text.endswith("+PTX"))


@cache
def wheels() -> tuple[Wheel, ...]:
    """All builds, oldest torch first."""
    places = indexes()
    found = []
    for row in rows("wheels.tsv"):
        names = row["arch"].split()
        cuda = row["backend"] == "cuda"
        found.append(
            Wheel(
                torch=row["torch"],
                index=places[row["index"]],
                backend=row["backend"],
                toolkit=row["toolkit"],
                platform=row["platform"],
                pythons=tuple(row["python"].split()),
                os_min=row["os_min"],
                arch=tuple(sorted((_arch(name) for name in names), key=lambda arch: arch.capability)) if cuda else (),
                gfx=() if cuda else tuple(names),
                verified=row["verified"] == "yes",
                date=row["date"],
                source=row["source"],
            )
        )
    return tuple(found)


@cache
def drivers() -> dict[str, Driver]:
    """The least NVIDIA driver by CUDA version."""
    return {
        row["cuda"]: Driver(row["cuda"], row["linux_min"], row["windows_min"], row["driver_cuda_min"], row["full_branch"])
        for row in rows("cuda_driver.tsv")
        if row["verified"] == "yes"
    }


@cache
def branches() -> dict[str, str]:
    """The newest CUDA of each NVIDIA driver branch, to be shown, never to decide by."""
    return {row["branch"]: row["max_cuda"] for row in rows("driver_branch.tsv")}


@cache
def capabilities() -> dict[str, Capability]:
    """All compute capabilities."""
    return {
        row["capability"]: Capability(
            row["capability"], row["architecture"], row["min_cuda"], row["last_cuda"], row["jetson"] == "yes", row["examples"]
        )
        for row in rows("compute_capability.tsv")
    }


@cache
def companions() -> tuple[Companion, ...]:
    """All companion releases."""
    return tuple(
        Companion(row["torch"], row["package"], row["version"], row["pinned"] == "yes", tuple(row["python"].split()))
        for row in rows("torch_companions.tsv")
    )


@cache
def jetsons() -> tuple[Jetson, ...]:
    """NVIDIA's builds for Jetson devices."""
    names = ("jetpack", "l4t", "capability", "cuda", "python", "torch", "index_url")
    return tuple(Jetson(*(row[name] for name in names)) for row in rows("jetson.tsv"))


@cache
def mps() -> tuple[Mps, ...]:
    """Which macOS the Mac's GPU needs."""
    return tuple(Mps(row["torch_from"], row["torch_to"], row["macos"], row["verified"] == "yes") for row in rows("mps_macos.tsv"))


def newest_torch() -> str:
    """The newest torch that the table knows."""
    return max((wheel.torch for wheel in wheels()), key=number)


def table_date() -> str:
    """The day on which the newest row was read."""
    return max(wheel.date for wheel in wheels())


def companion_of(package: str, torch: str) -> Optional[Companion]:
    """The release of the package that belongs to this torch (a full version without its local tag), or None."""
    return next((row for row in companions() if row.package == package and row.torch == torch), None)
