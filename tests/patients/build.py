"""Environments that are really broken, built in the session from what is installed here and what pip installs quickly."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from pathlib import Path


def site_packages(environment: Path) -> Path:
    """The folder of an environment's packages."""
    return next((environment / "lib").glob("python3*/site-packages"))


def bare(folder: Path) -> Path:
    """A virtual environment without pip and without torch."""
    venv.create(folder, with_pip=False)
    return folder


def with_torch(folder: Path) -> Path:
    """An environment with this session's torch and what it needs, every file a link, so that single files can be broken."""
    environment = bare(folder)
    import torch

    source = Path(torch.__file__).parent.parent
    target = site_packages(environment)
    for entry in source.iterdir():
        name = entry.name.lower()
        if name.startswith(("torchdoctor", "__editable__", "pip", "_pytest", "pytest", "transformers")):
            continue
        if name == "torch" or name.startswith("torch-"):
            shutil.copytree(
                entry, target / entry.name, copy_function=os.symlink, ignore=shutil.ignore_patterns("include", "test", "__pycache__")
            )
        else:
            (target / entry.name).symlink_to(entry)
    return environment


def distribution(environment: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> None:
    """Metadata of a distribution, as pip leaves it, with no code."""
    folder = site_packages(environment) / f"{name}-{version}.dist-info"
    folder.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {line}" for line in requires)]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")


def replace_by_copy(path: Path, size: int | None = None) -> None:
    """Make a linked file a file of its own, cut off after ``size`` bytes."""
    real = path.resolve()
    path.unlink()
    data = real.read_bytes()
    path.write_bytes(data if size is None else data[:size])


def installed(folder: Path, *requirements: str) -> str:
    """Make an environment with these requirements from the package index; returns why that failed, or an empty string."""
    venv.create(folder, with_pip=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return "the package index took too long"
    return "" if done.returncode == 0 else done.stderr.strip()[-300:]
