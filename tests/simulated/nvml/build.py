"""Compile the simulated library once a test session."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "simulated_nvml.c"


def header_folder() -> Path | None:
    """Where nvml.h is: in the package nvidia-nvml-dev (below nvidia/cu13 or nvidia/nvml_dev), or in a CUDA toolkit."""
    spec = importlib.util.find_spec("nvidia")
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    for place in places:
        for found in sorted(place.glob("*/include/nvml.h")):
            return found.parent
    for toolkit in (os.environ.get("CUDA_HOME", "/usr/local/cuda"),):
        if (Path(toolkit) / "include/nvml.h").is_file():
            return Path(toolkit) / "include"
    return None


def build(folder: Path) -> tuple[dict[str, Path], str]:
    """The folders that hold the new and the old library, by name; or nothing and the reason why not."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        return {}, "no C compiler"
    include = header_folder()
    if include is None:
        return {}, "nvml.h is missing: pip install nvidia-nvml-dev"
    built = {}
    for name, flags in (("new", []), ("old", ["-DDRIVER_OF_2021"])):
        (folder / name).mkdir()
        target = folder / name / "libnvidia-ml.so.1"
        command = [
            *compiler.split(),
            "-shared",
            "-fPIC",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            *flags,
            f"-I{include}",
            str(SOURCE),
            "-o",
            str(target),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the simulated driver does not compile:\n{done.stderr}")
        built[name] = target.parent
    empty = folder / "none"
    empty.mkdir()
    return {**built, "none": empty}, ""
