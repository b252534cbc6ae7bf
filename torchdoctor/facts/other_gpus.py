"""Facts about AMD and Intel GPUs, as Linux shows them in /sys without any package. Memory in bytes, temperatures in degrees Celsius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class SysfsGpu:
    """One AMD or Intel GPU. None means that its driver does not tell."""

    slot: str  # 0000:03:00.0
    vendor: str  # amd, intel
    driver: Optional[str] = None  # amdgpu, xe, i915
    render_node: Optional[str] = None  # /dev/dri/renderD128
    render_usable: Optional[bool] = None
    architecture: Optional[str] = None  # gfx942, as the ROCm driver tells
    memory_total: Optional[int] = None
    memory_used: Optional[int] = None
    busy: Optional[int] = None  # per cent
    uncorrected_errors: Optional[int] = None
    corrected_errors: Optional[int] = None
    temperature: Optional[float] = None  # of the hottest sensor against its own limit
    temperature_limit: Optional[float] = None
    vbios: Optional[str] = None


@dataclass(frozen=True)
class SysfsGpus:
    """All of them; ``known`` is False where there is no /sys."""

    known: bool
    gpus: tuple[SysfsGpu, ...] = ()
    kfd: Optional[bool] = None  # /dev/kfd, ROCm's device file, exists
    kfd_usable: Optional[bool] = None

    def of(self, vendor: str) -> tuple[SysfsGpu, ...]:
        """Those of one vendor."""
        return tuple(gpu for gpu in self.gpus if gpu.vendor == vendor)
