"""The machine itself: operating system, processors, memory, limits, disks. Runs in the doctor's interpreter."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from torchdoctor.declare import probe
from torchdoctor.facts import Disk, Disks, Host, Limits, Resources
from torchdoctor.probes import cgroup

SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
FLAGS = ("avx", "avx2", "avx512f", "amx_tile", "asimd", "sve")


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _release() -> tuple[str, str]:
    if sys.platform == "darwin":
        version = platform.mac_ver()[0]
        return f"macOS {version}", version
    if sys.platform == "win32":
        return f"Windows {platform.release()} {platform.version()}", platform.version()
    for line in _text("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip().strip('"'), platform.release()
    return platform.system(), platform.release()


def container(environ: Mapping[str, str], root: str = "/") -> Optional[str]:
    """What kind of container this is, by the marks that each kind leaves; None outside of one."""
    at = Path(root)
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if environ.get("APPTAINER_CONTAINER") or environ.get("SINGULARITY_CONTAINER"):
        return "apptainer"
    if (at / ".dockerenv").exists():
        return "docker"
    if (at / "run/.containerenv").exists():
        return "podman"
    named = environ.get("container")
    if named:
        return named
    groups = _text(str(at / "proc/1/cgroup"))
    for mark, kind in (("kubepods", "kubernetes"), ("docker", "docker"), ("lxc", "lxc"), ("containerd", "container")):
        if mark in groups:
            return kind
    return None


def _virtual_machine(cpuinfo: str) -> Optional[str]:
    product = _text("/sys/class/dmi/id/product_name").strip()
    vendor = _text("/sys/class/dmi/id/sys_vendor").strip()
    known = ("KVM", "QEMU", "VMware", "VirtualBox", "Virtual Machine", "HVM", "Google Compute", "Amazon EC2", "Firecracker", "OpenStack")
    for mark in known:
        if mark in product or mark in vendor:
            return f"{vendor} {product}".strip()
    return "virtual machine" if "hypervisor" in cpuinfo else None


def _wsl() -> Optional[int]:
    release = platform.release().lower()
    if "microsoft" not in release:
        return None
    return 2 if "wsl2" in release or Path("/dev/dxg").exists() else 1


def _libc() -> Optional[str]:
    if not sys.platform.startswith("linux"):
        return None
    name, version = platform.libc_ver()
    if name:
        return f"{name} {version}"
    return "musl" if any(Path("/lib").glob("ld-musl-*")) else None


def _cpu() -> tuple[Optional[str], tuple[str, ...], str]:
    info = _text("/proc/cpuinfo")
    name, flags = None, set()
    for line in info.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name" and name is None:
            name = value.strip()
        elif key.strip() in ("flags", "Features"):
            flags = set(value.split())
            break
    return name or platform.processor() or None, tuple(f for f in FLAGS if f in flags), info


def _rosetta() -> bool:
    if sys.platform != "darwin" or platform.machine() != "x86_64":
        return False
    return "Apple" in platform.version() or "ARM64" in platform.version()


@probe(lane="host", timeout=10)
def read_host() -> Host:
    """Which operating system, on what, inside of what."""
    release, version = _release()
    cpu, flags, cpuinfo = _cpu()
    infiniband = Path("/sys/class/infiniband")
    return Host(
        system=SYSTEMS.get(sys.platform, sys.platform),
        release=release,
        version=version,
        arch=platform.machine(),
        hostname=socket.gethostname(),
        libc=_libc(),
        container=container(os.environ),
        virtual_machine=_virtual_machine(cpuinfo),
        wsl=_wsl(),
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
        cpu=cpu,
        cpu_flags=flags,
        rosetta=_rosetta(),
        infiniband=tuple(sorted(p.name for p in infiniband.iterdir())) if infiniband.is_dir() else (),
    )


@probe(lane="host", timeout=10)
def read_resources() -> Resources:
    """Processors and memory, and what the control group leaves of them."""
    import psutil

    memory = psutil.virtual_memory()
    limit, folder = cgroup.tightest("memory", ("memory.max", "memory.limit_in_bytes"))
    if limit is not None and limit >= memory.total:
        limit = folder = None
    shm = shutil.disk_usage("/dev/shm") if os.path.isdir("/dev/shm") else None
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Resources(
        cpus=os.cpu_count() or 1,
        usable_cpus=usable,
        cpu_quota=cgroup.cpu_quota() if sys.platform.startswith("linux") else None,
        memory_total=memory.total,
        memory_available=memory.available,
        memory_limit=limit,
        memory_used=cgroup.number(folder, "memory.current", "memory.usage_in_bytes"),
        swap_total=psutil.swap_memory().total,
        shm_total=shm.total if shm else None,
        shm_free=shm.free if shm else None,
        omp_num_threads=os.environ.get("OMP_NUM_THREADS"),
    )


@probe(lane="host", timeout=10)
def read_limits() -> Limits:
    """Limits of a process: open files, locked memory, processes."""
    if sys.platform == "win32":
        return Limits()
    import resource

    def soft(name: str) -> Optional[int]:
        kind = getattr(resource, name, None)
        if kind is None:
            return None
        value = resource.getrlimit(kind)[0]
        return -1 if value == resource.RLIM_INFINITY else value

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    pids, folder = cgroup.tightest("pids", ("pids.max", "pids.max"))
    return Limits(
        open_files=soft("RLIMIT_NOFILE"),
        open_files_hard=-1 if hard == resource.RLIM_INFINITY else hard,
        locked_memory=soft("RLIMIT_MEMLOCK"),
        processes=soft("RLIMIT_NPROC"),
        pids_limit=pids,
        pids_used=cgroup.number(folder, "pids.current"),
    )


def _folders() -> dict[str, str]:
    """Where PyTorch and its usual company write, by purpose; the variables are those that each library documents."""
    env = os.environ
    home = os.path.expanduser("~")
    cache = env.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    try:
        temporary = tempfile.gettempdir()
    except OSError:  # no folder is writable at all
        temporary = env.get("TMPDIR", "/tmp")
    return {
        "checkpoints (the working directory)": os.getcwd(),
        "torch.hub cache": env.get("TORCH_HOME") or os.path.join(cache, "torch"),
        "Hugging Face cache": env.get("HF_HOME") or os.path.join(cache, "huggingface"),
        "temporary files and compiled kernels": env.get("TORCHINDUCTOR_CACHE_DIR") or temporary,
    }


def read_disk(purpose: str, path: str) -> Optional[Disk]:
    """The disk that a folder is, or would be, on; None where no parent of it exists."""
    here = Path(path)
    while not here.exists() and here != here.parent:
        here = here.parent
    try:
        usage = shutil.disk_usage(here)
        inodes = os.statvfs(here).f_favail if hasattr(os, "statvfs") else None
        total_inodes = os.statvfs(here).f_files if hasattr(os, "statvfs") else 0
    except OSError:
        return None
    return Disk(purpose, path, usage.free, usage.total, os.access(here, os.W_OK), inodes if total_inodes else None)


@probe(lane="host", timeout=15)
def read_disks() -> Disks:
    """Space where caches and checkpoints go."""
    found = (read_disk(purpose, path) for purpose, path in _folders().items())
    return Disks(tuple(d for d in found if d is not None))
