"""Facts about the patient's installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

from torchdoctor.facts.base import Failure


@dataclass(frozen=True)
class TorchImport:
    """How ``import torch`` went: version and file where it worked, the error where it raised, seconds, warnings it gave."""

    version: Optional[str]
    file: Optional[str]
    seconds: float
    failure: Optional[Failure] = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class PythonEnv:
    """The patient's interpreter and environment, read before torch is imported."""

    executable: str
    version: str
    implementation: str
    bits: int
    arch: str  # of the interpreter, not of the machine
    kind: str  # venv, conda, system
    prefix: str
    installer: str  # pip, uv, conda, poetry: what this environment is managed with
    externally_managed: bool = False
    free_threaded: bool = False
    path: tuple[str, ...] = ()
    site_packages: tuple[str, ...] = ()
    user_site: bool = False
    pip: bool = True


@dataclass(frozen=True)
class Package:
    """An installed distribution. ``name`` is normalised (lower case, hyphens)."""

    name: str
    version: str
    location: str
    installer: str = ""


@dataclass(frozen=True)
class Packages:
    """Installed distributions, those that matter to PyTorch, every copy on the path in its order."""

    packages: tuple[Package, ...]
    torch_requires: tuple[str, ...] = ()  # torch's own Requires-Dist lines
    torch_wanted: Mapping[str, str] = field(default_factory=dict)  # package -> what it requires of torch, such as "==2.9.1"

    def version(self, name: str) -> Optional[str]:
        """The version of the copy that would be imported, or None."""
        return next((p.version for p in self.packages if p.name == name), None)

    def copies(self, name: str) -> tuple[Package, ...]:
        """All copies on the path."""
        return tuple(p for p in self.packages if p.name == name)


@dataclass(frozen=True)
class TorchFiles:
    """What ``import torch`` would find, looked up without importing it."""

    origin: Optional[str]  # the file that would be run, None where there is nothing
    is_package: bool = True
    shadowing: bool = False  # found outside of every site-packages folder, in the way of an installed torch or in place of one
    shadowed_modules: tuple[str, ...] = ()  # other local files that take the name of a module torch needs
    local_version: Optional[str] = None  # from torch/version.py
    libraries_missing: tuple[str, ...] = ()  # files that the installation's own record lists and that are not there
    libraries_truncated: tuple[str, ...] = ()  # files whose size differs from that record
    leftovers: tuple[str, ...] = ()  # ~orch folders of an interrupted uninstall
    elsewhere: tuple[str, ...] = ()  # other environments of this person that have a torch


@dataclass(frozen=True)
class LoadedLibrary:
    """A shared library that is mapped into the process after ``import torch``."""

    name: str  # libcudnn.so.9
    path: str


@dataclass(frozen=True)
class LoadedLibraries:
    """Shared libraries of the process, those that PyTorch's wheels bring or depend on."""

    known: bool
    libraries: tuple[LoadedLibrary, ...] = ()


@dataclass(frozen=True)
class Variables:
    """Environment variables that change how libraries are found or how PyTorch behaves, as set."""

    values: Mapping[str, str]
