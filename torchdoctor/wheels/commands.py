"""The commands that install packages, for each tool that manages Python environments."""

from __future__ import annotations

import shlex
from typing import Optional

from torchdoctor.wheels.machine import Machine
from torchdoctor.wheels.table import Index

NOTES = {
    "conda": "Inside the conda environment, with pip: PyTorch publishes no conda packages after 2.5.",
    "poetry": "The source is used for these packages only; everything else still comes from PyPI.",
    "system": "Into a virtual environment, because the system's own Python belongs to its package manager.",
}
"""What to know about the command of an installer."""


def _quoted(path: str, system: str) -> str:
    if system == "windows":
        return f'"{path}"' if " " in path else path
    return shlex.quote(path)


def install(machine: Machine, packages: tuple[str, ...], index: Index, again: bool = False, no_deps: bool = False) -> tuple[str, ...]:
    """The commands that install these requirements from this index. ``again``: in place of an installed copy of the same version."""
    wanted = " ".join(packages)
    options = " --no-deps" if no_deps else ""
    where = f" --index-url {index.url}" if index.url else ""
    python = _quoted(machine.executable, machine.system) if machine.executable else None
    if machine.installer == "uv":
        target = f" --python {python}" if python else ""
        return (f"uv pip install{target}{' --reinstall' if again else ''}{options} {wanted}{where}",)
    force = f"{' --force-reinstall' if again else ''}{options}"
    if machine.installer == "poetry":
        if again or no_deps:
            return (f"poetry run pip install{force} {wanted}{where}",)
        if not index.url:
            return (f"poetry add {wanted}",)
        return (f"poetry source add --priority explicit {index.name} {index.url}", f"poetry add {wanted} --source {index.name}")
    if machine.installer == "system":
        inside = ".venv\\Scripts\\python" if machine.system == "windows" else ".venv/bin/python"
        outside = python or ("py" if machine.system == "windows" else "python3")
        return (f"{outside} -m venv .venv", f"{inside} -m pip install{force} {wanted}{where}")
    run = f"{python} -m pip" if python else ("python -m pip" if machine.installer == "conda" else "pip")
    return (f"{run} install{force} {wanted}{where}",)


def note(machine: Machine, index: Optional[Index]) -> str:
    """What to know about the command, or nothing."""
    if machine.installer == "poetry" and (index is None or not index.url):
        return ""
    return NOTES.get(machine.installer, "")
