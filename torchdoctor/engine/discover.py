"""Find checks and probes: our own packages, entry points of other distributions, folders that the user names.

A file that cannot be imported becomes a ``Broken`` entry, never the end of the run.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from torchdoctor.declare import Check, Probe, declared
from torchdoctor.engine.names import ENTRY_POINTS


@dataclass(frozen=True)
class Broken:
    """A check file or package that could not be loaded: its name, where it is, and the error."""

    name: str
    origin: str
    error: str


@dataclass
class Found:
    """Everything that discovery found."""

    checks: list[Check] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    def take(self, module: ModuleType) -> None:
        """Add what a module declares. A name or code that is taken already makes the newcomer broken."""
        for item in declared(vars(module)):
            if isinstance(item, Probe):
                self.probes.append(item)
                continue
            rival = next((c for c in self.checks if c.name == item.name or c.code == item.code), None)
            if rival is not None:
                error = f"{item.code} {item.name} is taken by {rival.module}"
                self.broken.append(Broken(item.name, str(module.__file__), error))
            else:
                self.checks.append(item)


class _NoTorch:
    """Import hook: the doctor's own process never imports torch, not even through a plug-in."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> None:
        if name == "torch":
            raise ImportError("torch is not imported into torchdoctor's own process: import it inside the probe's body")


def forbid_torch() -> None:
    """Make ``import torch`` an error in this process from now on."""
    if not any(isinstance(finder, _NoTorch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NoTorch())


def _modules(package: str) -> Iterator[str]:
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        yield f"{package}.{info.name}"


def _load_file(path: Path) -> ModuleType:
    name = f"torchdoctor_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _entry_point_modules() -> Iterator[tuple[str, Any]]:
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        yield f"{point.name} ({point.value})", point.load


def discover(folders: Iterable[Path] = (), plugins: bool = True) -> Found:
    """Load every check there is.

    Raises FileNotFoundError for a folder that does not exist: the user named it.
    """
    found = Found()
    loaders: list[tuple[str, Any]] = []
    for package in ("torchdoctor.probes", "torchdoctor.checks"):
        loaders += [(name, lambda name=name: importlib.import_module(name)) for name in _modules(package)]
    if plugins:
        loaders += list(_entry_point_modules())
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder of checks")
        loaders += [(str(path), lambda path=path: _load_file(path)) for path in sorted(folder.glob("[!_]*.py"))]
    for name, load in loaders:
        try:
            module = load()
            if not isinstance(module, ModuleType):
                raise TypeError(f"the entry point must name a module, not {type(module).__name__}")
            found.take(module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plug-in may do anything, sys.exit() included
            last = traceback.format_exception_only(type(error), error)[-1].strip()
            found.broken.append(Broken(name, name, last))
    found.checks.sort(key=lambda check: check.code)
    return found
