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


def install(installer: str, executable: str) -> str:
    """The command that installs torch into this very environment."""
    if installer == "uv":
        return f"uv pip install --python {executable} torch --torch-backend=auto"
    if installer == "poetry":
        return "poetry add torch"
    return f"{executable} -m pip install torch"


# Which torchvision and torchaudio belong to a torch. Source: their metadata on PyPI, read 2026-11-22; torchaudio ends at 2.11.
_VISION = {
    "1.13": "0.14", "2.0": "0.15", "2.1": "0.16", "2.2": "0.17", "2.3": "0.18", "2.4": "0.19", "2.5": "0.20", "2.6": "0.21", "2.7": "0.22",
    "2.8": "0.23", "2.9": "0.24", "2.10": "0.25", "2.11": "0.26", "2.12": "0.27", "2.13": "0.28", "2.14": "0.29",
}  # fmt: skip


def companion(installer: str, name: str, torch: str) -> Fix:
    """The fix that puts the version of a companion package in place that fits this torch."""
    run = _RUN.get(installer, "pip install")
    release = torch.split("+")[0].split(".")
    minor, patch, tag = ".".join(release[:2]), release[2] if len(release) > 2 else "0", torch.partition("+")[2]
    index = f" --index-url https://download.pytorch.org/whl/{tag}" if tag else ""
    if name == "torchvision" and minor in _VISION:
        return Fix(
            f"Install the torchvision that belongs to torch {torch}.",
            (f"{run} --no-deps torchvision=={_VISION[minor]}.{patch}{index}",),
            risk="restart",
        )
    if name == "torchaudio" and tuple(map(int, release[:2])) <= (2, 10):
        audio = f"0.13.{patch}" if minor == "1.13" else f"{minor}.{patch}"
        return Fix(
            f"Install the torchaudio that belongs to torch {torch}.", (f"{run} --no-deps torchaudio=={audio}{index}",), risk="restart"
        )
    return Fix(f"Install a version of {name} made for torch {torch}, or the torch that it requires.", risk="restart")
