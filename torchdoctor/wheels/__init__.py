"""Which torch to install: the fixes of checks and causes, from a table of what is published.

A check has only facts of the machine, so these functions take what a check has and leave the choice of the version to the installer
where the Python is not known. ``choose.choose`` answers in full for a described machine.
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.model import Fix
from torchdoctor.wheels import commands, table
from torchdoctor.wheels.machine import INSTALLERS, Machine
from torchdoctor.wheels.table import Index, number

__all__ = ["companion", "for_driver", "install", "newer_than_table", "reinstall"]


def _machine(installer: str, executable: Optional[str] = None) -> Machine:
    """A machine of which only the installer is known. The system's own Python is left to pip here: the check says what is wrong with it."""
    known = installer if installer in INSTALLERS and installer != "system" else "pip"
    return Machine(installer=known, executable=executable)


def _place_of(version: Optional[str], index: Optional[str]) -> tuple[Index, bool]:
    """Where a version comes from: the index asked for, the one of its local tag, else PyPI; and whether the table knows that tag."""
    places = table.indexes()
    name = index or (version.partition("+")[2] if version else "") or table.PYPI
    return places.get(name, places[table.PYPI]), name in places


def reinstall(installer: str, index: Optional[str], version: Optional[str] = None) -> str:
    """The command that puts a torch of this wheel index in place of the installed one; ``index`` None is the one that the version names.

    A version of another publisher (``2.9.0a0+nv25.10``) is on no index of the table, so that no version is asked for.
    """
    place, known = _place_of(version, index)
    public = version.partition("+")[0] if version and known else ""
    package = f"torch=={public}" if public else "torch"
    return commands.install(_machine(installer), (package,), place, again=True)[-1]


def for_driver(installer: str, driver_cuda: Optional[str]) -> Fix:
    """The fix that installs a CUDA build which this driver can run. ``driver_cuda`` is what the driver reports, such as "12.4".

    No version is named: the newest one on the index that has wheels for the environment's Python is right.
    """
    drivers = table.drivers()
    fitting = [
        wheel
        for wheel in table.wheels()
        if wheel.backend == "cuda"
        and wheel.verified
        and wheel.index.url
        and not wheel.index.experimental
        and wheel.platform == "linux_x86_64"
        and number(drivers[wheel.toolkit].cuda_min) <= number(driver_cuda or "12.0")
    ]
    if not fitting:
        return Fix("Update the NVIDIA driver: no published torch runs on a driver this old.", who="admin", risk="disruptive")
    full = number(driver_cuda or "12.0")
    best = max(fitting, key=lambda w: (number(w.torch), number(w.toolkit) <= full, number(w.toolkit)))
    return Fix(
        f"Install a torch built for CUDA {best.toolkit}, which this driver runs.",
        (commands.install(_machine(installer), ("torch",), best.index, again=True)[-1],),
        risk="restart",
    )


def install(installer: str, executable: str) -> str:
    """The command that installs torch into this very environment."""
    if installer == "uv":
        return f"{commands.install(_machine(installer, executable), ('torch',), table.indexes()[table.PYPI])[-1]} --torch-backend=auto"
    where = None if installer == "poetry" else executable
    return commands.install(_machine(installer, where), ("torch",), table.indexes()[table.PYPI])[-1]


def companion(installer: str, name: str, torch: str) -> Fix:
    """The fix that puts the version of a companion package in place that fits this torch."""
    row = table.companion_of(name, torch.partition("+")[0])
    if row is None:
        return Fix(f"Install a version of {name} made for torch {torch}, or the torch that it requires.", risk="restart")
    place, known = _place_of(torch, None)
    if not known:
        return Fix(f"Install the {name} that the publisher of torch {torch} offers beside it.", risk="restart")
    command = commands.install(_machine(installer), (f"{name}=={row.version}",), place, no_deps=True)[-1]
    return Fix(f"Install the {name} that belongs to torch {torch}.", (command,), risk="restart")


def newer_than_table(torch: str) -> bool:
    """Whether a torch is newer than every row of the table, so that nothing is known of what it needs."""
    return number(torch.partition("+")[0]) > number(table.newest_torch())
