"""Facts about the patient's torch build and the devices it sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

from torchdoctor.facts.base import Failure
from torchdoctor.facts.work import DtypeRun


@dataclass(frozen=True)
class TorchBuild:
    """What the installed torch was built with, read without touching a device."""

    version: str
    build: str  # cpu, cuda, rocm, xpu, macos
    cuda: Optional[str] = None  # "12.8"
    hip: Optional[str] = None
    xpu: Optional[str] = None
    git: Optional[str] = None
    debug: bool = False
    arch_list: tuple[str, ...] = ()  # sm_80, compute_90, gfx942
    cudnn: Optional[str] = None  # compiled against
    nccl: Optional[str] = None
    mps_built: bool = False
    extra_backend: Optional[str] = None  # the name of an autoloaded out-of-tree backend
    threads: int = 0
    default_dtype: str = "float32"
    default_device: str = "cpu"
    deterministic: bool = False
    grad_enabled: bool = True
    float32_matmul_precision: Optional[str] = None


@dataclass(frozen=True)
class Device:
    """One device as torch names it, such as ``cuda:0``. Memory in bytes."""

    name: str
    kind: str
    model: Optional[str] = None
    memory: Optional[int] = None
    capability: Optional[str] = None  # "9.0", or gfx942 for ROCm
    uuid: Optional[str] = None
    failure: Optional[Failure] = None


@dataclass(frozen=True)
class Backend:
    """Whether a kind of device can be used. ``why_not`` is torch's own words where it is built but not available."""

    kind: str  # cuda (ROCm too), mps, xpu, or an out-of-tree name
    built: bool
    available: bool
    count: int = 0
    why_not: str = ""


@dataclass(frozen=True)
class Devices:
    """All devices that torch sees, the CPU among them."""

    backends: tuple[Backend, ...]
    devices: tuple[Device, ...]
    visible: Mapping[str, str] = field(default_factory=dict)  # CUDA_VISIBLE_DEVICES and its like, as set

    def subjects(self) -> tuple[str, ...]:
        """The devices that real work is done on."""
        return tuple(d.name for d in self.devices)

    def backend(self, kind: str) -> Optional[Backend]:
        """The backend of this kind, or None where torch does not know it."""
        return next((b for b in self.backends if b.kind == kind), None)

    def accelerators(self) -> tuple[Device, ...]:
        """All devices but the CPU."""
        return tuple(d for d in self.devices if d.kind != "cpu")


@dataclass(frozen=True)
class DeviceContext:
    """The first touch of a device: a small tensor made, multiplied and read back. Memory in bytes."""

    device: str
    worked: bool
    free_memory: Optional[int] = None
    seconds: float = 0.0
    failure: Optional[Failure] = None


@dataclass(frozen=True)
class DtypeRuns:
    """bfloat16 and float16 really used on a device. ``claimed`` is what torch says of bfloat16, where it can be asked."""

    device: str
    bfloat16: Optional[DtypeRun] = None
    float16: Optional[DtypeRun] = None
    claimed: Optional[bool] = None
