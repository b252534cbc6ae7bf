"""Facts about the machine, read without torch. Sizes are in bytes, None means that it could not be read or does not apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Host:
    """The operating system and what it runs in."""

    system: str  # linux, macos, windows, or the lower-case platform name
    release: str  # such as "Debian GNU/Linux 12 (bookworm)" or "macOS 15.1"
    version: str  # the bare version of the operating system: "15.1" on macOS, the kernel's on Linux
    arch: str  # x86_64, aarch64, arm64, AMD64
    hostname: str
    libc: Optional[str] = None  # "glibc 2.36" or "musl"
    container: Optional[str] = None  # docker, podman, kubernetes, apptainer, lxc, container
    virtual_machine: Optional[str] = None
    wsl: Optional[int] = None  # 1 or 2
    root: bool = False
    cpu: Optional[str] = None
    cpu_flags: tuple[str, ...] = ()  # those that PyTorch's kernels care about: avx, avx2, avx512f, amx_tile, asimd
    rosetta: bool = False  # macOS: an x86_64 process on Apple Silicon
    infiniband: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resources:
    """Processors and memory, against what the control group allows."""

    cpus: int
    usable_cpus: int  # by affinity
    cpu_quota: Optional[float]  # in CPUs
    memory_total: int
    memory_available: int
    memory_limit: Optional[int]  # of the control group, where it is lower than the machine's
    memory_used: Optional[int]  # of that limit
    swap_total: int
    shm_total: Optional[int]
    shm_free: Optional[int]
    omp_num_threads: Optional[str]


@dataclass(frozen=True)
class Limits:
    """Limits of a process; -1 means unlimited."""

    open_files: Optional[int] = None
    open_files_hard: Optional[int] = None
    locked_memory: Optional[int] = None
    processes: Optional[int] = None
    pids_limit: Optional[int] = None  # of the control group: threads count too
    pids_used: Optional[int] = None


@dataclass(frozen=True)
class Disk:
    """A folder where PyTorch writes, or the nearest parent of it that exists."""

    purpose: str
    path: str
    free: int
    total: int
    writable: bool
    free_inodes: Optional[int] = None


@dataclass(frozen=True)
class Disks:
    """All folders where caches and checkpoints go."""

    disks: tuple[Disk, ...]


@dataclass(frozen=True)
class PciDevice:
    """A display or accelerator device on the PCI bus, as Linux sees it."""

    slot: str
    vendor: str  # nvidia, amd, intel
    device: str  # the PCI device id, such as 0x2330
    driver: Optional[str] = None  # the kernel driver bound to it


@dataclass(frozen=True)
class Bus:
    """What hangs on the bus and which device files there are; ``known`` is False where that cannot be read."""

    known: bool
    devices: tuple[PciDevice, ...] = ()
    nvidia_nodes: tuple[str, ...] = ()
    kfd: Optional[bool] = None  # /dev/kfd exists
    kfd_writable: Optional[bool] = None
    dxg: bool = False  # WSL's GPU device

    def of(self, vendor: str) -> tuple[PciDevice, ...]:
        """The devices of one vendor."""
        return tuple(d for d in self.devices if d.vendor == vendor)


@dataclass(frozen=True)
class NvidiaGpu:
    """One GPU as NVML sees it; memory in bytes."""

    index: int
    name: Optional[str] = None
    uuid: Optional[str] = None
    memory_total: Optional[int] = None
    memory_used: Optional[int] = None
    capability: Optional[str] = None  # "9.0"
    error: Optional[str] = None


@dataclass(frozen=True)
class NvidiaDriver:
    """What NVML says of the driver. ``error`` is NVML's own words where it could not start."""

    library: bool  # libnvidia-ml was found
    version: Optional[str] = None  # 570.86.10
    cuda: Optional[str] = None  # the newest CUDA this driver speaks: "12.8"
    error: Optional[str] = None
    error_code: Optional[int] = None
    kernel_module: Optional[str] = None  # the version of the loaded kernel module
    gpus: tuple[NvidiaGpu, ...] = ()

    def subjects(self) -> tuple[str, ...]:
        """The names of the GPUs, for probes that run once a GPU."""
        return tuple(f"gpu:{gpu.index}" for gpu in self.gpus)
