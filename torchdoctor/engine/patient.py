"""Which interpreter is examined: the one that the person trains with, not necessarily the one that runs torchdoctor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Chosen:
    """An interpreter to examine and why it is this one."""

    executable: str
    why: str


class NoInterpreter(ValueError):
    """The interpreter asked for does not exist or cannot be run."""


_TOOL_HOMES = ("/pipx/venvs/", "/uv/tools/", "/uv/archive-v0/", "/.cache/uv/")


def python_of(prefix: str, platform: str) -> str:
    """The interpreter of an environment folder (conda keeps it at the top on Windows, a virtual environment in Scripts)."""
    if platform == "win32":
        candidates = [os.path.join(prefix, "Scripts", "python.exe"), os.path.join(prefix, "python.exe")]
    else:
        candidates = [os.path.join(prefix, "bin", "python"), os.path.join(prefix, "bin", "python3")]
    return next((c for c in candidates if os.path.isfile(c)), "")


def choose(asked: str | None, environ: Mapping[str, str], executable: str, prefix: str, platform: str) -> Chosen:
    """Choose the interpreter to examine.

    Order: ``--python``; the active virtual environment; the active conda environment (its base only where torchdoctor itself
    lives in a tool environment of pipx or uv, because "base" is often active without being meant); the ``python`` on PATH in
    that same case; else the interpreter that runs torchdoctor.

    Raises NoInterpreter where ``asked`` is not a program or an environment folder.
    """
    if asked:
        found = python_of(asked, platform) if os.path.isdir(asked) else shutil.which(asked) or (asked if os.path.isfile(asked) else "")
        if not found:
            raise NoInterpreter(f"--python {asked}: no such interpreter (give the path of a python program or of an environment folder)")
        return Chosen(os.path.abspath(found), "named with --python")
    virtual = environ.get("VIRTUAL_ENV")
    if virtual and python_of(virtual, platform):
        return Chosen(python_of(virtual, platform), "the active virtual environment")
    in_tool = any(home in prefix.replace("\\", "/") + "/" for home in _TOOL_HOMES)
    conda = environ.get("CONDA_PREFIX")
    if conda and python_of(conda, platform) and (in_tool or environ.get("CONDA_DEFAULT_ENV", "base") != "base"):
        return Chosen(python_of(conda, platform), "the active conda environment")
    if in_tool:
        first = shutil.which("python3") or shutil.which("python")
        if first:
            return Chosen(first, "the first python on PATH (torchdoctor is installed as a tool of its own)")
    return Chosen(executable, "the interpreter that runs torchdoctor")
