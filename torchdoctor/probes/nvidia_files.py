"""What Linux shows of the NVIDIA driver apart from NVML: device files, kernel modules, libraries, daemons."""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
from pathlib import Path
from typing import Optional

from torchdoctor.declare import probe
from torchdoctor.facts import DeviceNode, NvidiaFiles

MODULES = ("nvidia", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia_peermem", "nvidia_fs", "nouveau", "amdgpu", "vfio_pci")
LIBRARY_FOLDERS = (
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib64",
    "usr/lib",
    "usr/local/nvidia/lib64",
    "usr/lib/wsl/lib",
)
BRIDGE_CLASS, NVIDIA = "0x0680", "0x10de"


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def device_node(path: str) -> DeviceNode:
    """Whether the device file may be used. A container may forbid what the file's mode allows, so the two that no GPU wakes up for are opened."""
    mode = group = None
    if sys.platform == "win32":
        return DeviceNode(path, False, "Windows has no device files", mode, group)
    try:
        status = os.stat(path)
        mode, group = stat.filemode(status.st_mode), _group(status.st_gid)
        if re.search(r"nvidia\d+$", path):
            usable = os.access(path, os.R_OK | os.W_OK)
            return DeviceNode(path, usable, None if usable else "Permission denied", mode, group)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return DeviceNode(path, False, error.strerror, mode, group)
    os.close(descriptor)
    return DeviceNode(path, True, None, mode, group)


def _group(number: int) -> str:
    if sys.platform == "win32":
        return str(number)
    try:
        import grp

        return grp.getgrgid(number).gr_name
    except (ImportError, KeyError):
        return str(number)


def nodes(root: Path) -> tuple[DeviceNode, ...]:
    """The GPUs' device files and the two that every program needs."""
    paths = [p for p in glob.glob(f"{root}/dev/nvidia*") if re.search(r"/nvidia(\d+|ctl|-uvm)$", p)]
    return tuple(device_node(path) for path in sorted(paths))


def switches(root: Path) -> int:
    """NVSwitches on the PCI bus."""
    count = 0
    for folder in (root / "sys/bus/pci/devices").glob("*"):
        if _read(folder / "vendor") == NVIDIA and _read(folder / "class")[:6] == BRIDGE_CLASS:
            count += 1
    return count


def libraries(root: Path) -> dict[str, str]:
    """The driver's libraries by path, with the version in the name of the file; "" for an empty file, which a failed mount leaves."""
    found = {}
    for folder in LIBRARY_FOLDERS:
        for name in ("libcuda.so.1", "libnvidia-ml.so.1"):
            path = root / folder / name
            try:
                real = path.resolve(strict=True)
                version = re.search(r"\.so\.(\d+\.\d[\d.]*)$", real.name)
                found[str(path)] = "" if real.stat().st_size == 0 else version[1] if version else "unknown"
            except OSError:
                continue
    return found


def _processes(root: Path) -> Optional[set[str]]:
    """The names of all processes of this machine; None where the machine's own cannot be seen."""
    from torchdoctor.probes.nvml import hides_processes

    if hides_processes(f"{root}/proc/self/ns/pid"):
        return None
    return {_read(Path(path)) for path in glob.glob(f"{root}/proc/[0-9]*/comm")}


def nvidia_files(root: Path, environ: dict[str, str]) -> NvidiaFiles:
    """Everything under this root folder."""
    modules = {line.split(" ", 1)[0] for line in _read(root / "proc/modules").splitlines()}
    running = _processes(root)
    pipe = environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")
    there = os.path.exists(root / pipe.lstrip("/") / "control")
    persistence = any((root / place).exists() for place in ("run/nvidia-persistenced/socket", "var/run/nvidia-persistenced/socket"))
    return NvidiaFiles(
        known=True,
        nodes=nodes(root),
        modules=tuple(name for name in MODULES if name in modules),
        proc_gpus=tuple(sorted(os.path.basename(p) for p in glob.glob(f"{root}/proc/driver/nvidia/gpus/*"))),
        switches=switches(root),
        libraries=libraries(root),
        fabric_manager=None if running is None else any(name.startswith(("nv-fabricmanage", "nvlsm")) for name in running),
        persistence_daemon=persistence,
        mps_pipe=pipe if there else None,
        mps_control=None if running is None else any(name.startswith("nvidia-cuda-mps") for name in running),
        visible=environ.get("NVIDIA_VISIBLE_DEVICES"),
        capabilities=environ.get("NVIDIA_DRIVER_CAPABILITIES"),
    )


@probe(lane="host", timeout=10)
def read_nvidia_files() -> NvidiaFiles:
    """Device files, kernel modules, libraries and daemons of the NVIDIA driver (Linux)."""
    if not sys.platform.startswith("linux"):
        return NvidiaFiles(known=False)
    return nvidia_files(Path("/"), dict(os.environ))
