"""Which torch to install: the command for a machine, from a table of what is published."""

from __future__ import annotations

from typing import Optional

from torchdoctor.model import Fix

# The newest CUDA wheel index that drivers of each CUDA major can run (minor versions are compatible within a major since CUDA 11).
# Source: PyTorch's release matrix (RELEASE.md) and NVIDIA's minor-version-compatibility page, read 2026-11.
_INDEX_OF_MAJOR = {11: "cu118", 12: "cu126", 13: "cu130"}
_LAST_TORCH_OF_INDEX = {"cu118": "2.7.1", "cu126": "2.14.1"}
_RUN = {"uv": "uv pip install", "pip": "pip install", "conda": "pip install", "poetry": "poetry run pip install"}


def reinstall(installer: str, index: Optional[str], version: Optional[str] = None) -> str:
    """The command that puts a torch of this wheel index in place of the installed one; ``index`` None is PyPI's default."""
    force = "--reinstall" if installer == "uv" else "--force-reinstall"
    package = f"torch=={version}" if version else "torch"
    where = f" --index-url https://download.pytorch.org/whl/{index}" if index else ""
    return f"{_RUN.get(installer, 'pip install')} {force} {package}{where}"


def for_driver(installer: str, driver_cuda: Optional[str]) -> Fix:
    """The fix that installs a CUDA build which this driver can run. ``driver_cuda`` is what the driver reports, such as "12.4"."""
    major = int(driver_cuda.split(".")[0]) if driver_cuda else 12
    index = _INDEX_OF_MAJOR.get(min(major, 13))
    if index is None:
        return Fix(
            "Update the NVIDIA driver: no published torch for your Python runs on a driver this old.", who="admin", risk="disruptive"
        )
    version = _LAST_TORCH_OF_INDEX.get(index) if index == "cu118" else None
    return Fix(
        f"Install a torch built for CUDA {index[2:-1]}.{index[-1]}, which this driver runs.",
        (reinstall(installer, index, version),),
        risk="restart",
    )
