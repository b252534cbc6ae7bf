"""Facts about NVIDIA GPUs and their driver, read without torch. Memory in bytes, power in watts, temperatures in degrees Celsius, clocks in MHz.

None means that the driver does not support the question, refused it, or is too old to know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class GpuProcess:
    """A process that holds memory of a GPU. ``alive`` and ``mine`` are None where process ids of others cannot be seen."""

    pid: int
    kind: str  # compute, graphics, mps
    memory: Optional[int] = None
    name: Optional[str] = None
    alive: Optional[bool] = None
    mine: Optional[bool] = None


@dataclass(frozen=True)
class MigInstance:
    """A slice of a GPU in MIG mode."""

    index: int
    uuid: Optional[str] = None
    name: Optional[str] = None
    memory_total: Optional[int] = None


@dataclass(frozen=True)
class NvLink:
    """One NVLink of a GPU; ``errors`` by kind (replay, recovery, crc_flit, crc_data) holds those above zero."""

    index: int
    active: Optional[bool] = None
    remote: Optional[str] = None  # gpu, switch, other
    errors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MemoryErrors:
    """Counts of memory errors. Volatile ones since the driver was loaded, aggregate ones over the card's life."""

    ecc: Optional[bool] = None
    ecc_pending: Optional[bool] = None
    corrected_volatile: Optional[int] = None
    corrected_aggregate: Optional[int] = None
    uncorrected_volatile: Optional[int] = None
    uncorrected_aggregate: Optional[int] = None
    sram_uncorrected_volatile: Optional[int] = None
    sram_uncorrected_aggregate: Optional[int] = None
    sram_exceeded: Optional[bool] = None  # NVIDIA's own threshold for SRAM errors
    rows_corrected: Optional[int] = None
    rows_uncorrected: Optional[int] = None
    rows_pending: Optional[bool] = None
    rows_failed: Optional[bool] = None
    banks_without_spare_rows: Optional[int] = None
    pages_single: Optional[int] = None  # retired before Ampere, after single-bit errors
    pages_double: Optional[int] = None
    pages_pending: Optional[bool] = None


@dataclass(frozen=True)
class GpuState:
    """Everything that NVML tells about one GPU, as far as this GPU and driver support it.

    ``error`` and ``error_code``: NVML's word where the GPU itself could not be asked, such as 15 (lost).
    ``refused``: the questions that were refused with anything but "not supported", by name, with NVML's word.
    """

    index: int
    error: Optional[str] = None
    error_code: Optional[int] = None
    refused: Mapping[str, str] = field(default_factory=dict)
    name: Optional[str] = None
    uuid: Optional[str] = None
    bus_id: Optional[str] = None  # 0000:18:00.0, lower case, as in /sys
    brand: Optional[str] = None
    capability: Optional[str] = None
    virtualization: Optional[str] = None  # none, passthrough, vgpu, host
    memory_total: Optional[int] = None
    memory_used: Optional[int] = None  # without what the driver keeps for itself, where it can tell
    memory_reserved: Optional[int] = None
    persistence: Optional[bool] = None
    compute_mode: Optional[str] = None  # default, exclusive-thread, prohibited, exclusive-process
    mig: Optional[bool] = None
    mig_pending: Optional[bool] = None
    mig_instances: tuple[MigInstance, ...] = ()
    vbios: Optional[str] = None
    inforom: Optional[str] = None
    inforom_valid: Optional[bool] = None
    recovery_action: Optional[str] = None  # none, gpu-reset, node-reboot, drain-p2p, drain-and-reset, ...
    errors: MemoryErrors = field(default_factory=MemoryErrors)
    temperature: Optional[int] = None
    temperature_margin: Optional[int] = None  # to the limit at which the clocks go down
    temperature_slowdown: Optional[int] = None
    temperature_shutdown: Optional[int] = None
    temperature_max: Optional[int] = None  # the highest at which the card may run
    memory_temperature: Optional[int] = None
    memory_temperature_max: Optional[int] = None
    clock_reasons: Optional[int] = None  # NVML's bits
    clock_sm: Optional[int] = None
    clock_sm_max: Optional[int] = None
    clock_memory: Optional[int] = None
    clock_memory_max: Optional[int] = None
    utilization: Optional[int] = None  # per cent
    pstate: Optional[int] = None
    power: Optional[float] = None
    power_limit: Optional[float] = None
    power_default: Optional[float] = None
    pcie_generation: Optional[int] = None
    pcie_generation_max: Optional[int] = None  # of card and slot together
    pcie_generation_gpu: Optional[int] = None  # of the card alone
    pcie_width: Optional[int] = None
    pcie_width_max: Optional[int] = None
    pcie_replays: Optional[int] = None
    nvlinks: tuple[NvLink, ...] = ()
    fabric_state: Optional[str] = None  # not-supported, not-started, in-progress, completed
    fabric_status: Optional[int] = None
    fabric_degraded: tuple[str, ...] = ()
    processes: tuple[GpuProcess, ...] = ()

    @property
    def subject(self) -> str:
        """The name of this GPU in findings."""
        return f"gpu:{self.index}"

    @property
    def datacentre(self) -> bool:
        """Whether this is a card for servers (Tesla, A100, H100, L40S and so on), not for a desk or a laptop."""
        return self.brand in ("tesla", "nvidia")

    @property
    def busy(self) -> bool:
        """Whether it is at work now, so that its clocks and its link are up."""
        return (self.utilization or 0) >= 50


@dataclass(frozen=True)
class DeviceNode:
    """A device file: whether this process may open it for reading and writing, and what the attempt answered if not."""

    path: str
    usable: Optional[bool] = None
    error: Optional[str] = None
    mode: Optional[str] = None
    group: Optional[str] = None


@dataclass(frozen=True)
class NvidiaFiles:
    """What the operating system shows of the driver, apart from NVML (Linux; ``known`` is False elsewhere)."""

    known: bool
    nodes: tuple[DeviceNode, ...] = ()
    modules: tuple[str, ...] = ()  # loaded kernel modules of interest: nvidia, nvidia_uvm, nouveau, nvidia_peermem ...
    proc_gpus: tuple[str, ...] = ()  # bus ids under /proc/driver/nvidia/gpus
    switches: int = 0  # NVSwitches on the PCI bus
    libraries: Mapping[str, str] = field(default_factory=dict)  # driver libraries found: path to version ("" for an empty file)
    fabric_manager: Optional[bool] = None  # runs; None where processes of the host cannot be seen
    persistence_daemon: bool = False
    mps_pipe: Optional[str] = None  # the folder where programs look for the Multi-Process Service, if it exists
    mps_control: Optional[bool] = None  # its control daemon runs
    visible: Optional[str] = None  # NVIDIA_VISIBLE_DEVICES
    capabilities: Optional[str] = None  # NVIDIA_DRIVER_CAPABILITIES


@dataclass(frozen=True)
class KernelLine:
    """One line of the kernel log; ``age`` in seconds before now, where the log tells."""

    text: str
    age: Optional[float] = None


@dataclass(frozen=True)
class KernelLog:
    """The lines of the kernel log since boot that speak of GPUs. ``why_not`` says why it could not be read."""

    source: Optional[str] = None  # /dev/kmsg, journalctl
    why_not: Optional[str] = None
    lines: tuple[KernelLine, ...] = ()
    dropped: int = 0  # lines of interest beyond those kept


@dataclass(frozen=True)
class Thresholds:
    """The limits that checks judge by, by name, or "name@model" where a model has its own."""

    limits: Mapping[str, float] = field(default_factory=dict)

    def of(self, name: str, model: Optional[str] = None) -> Optional[float]:
        """The limit of this name, for this model if given; None for a model that the table does not know."""
        return self.limits.get(f"{name}@{model}" if model is not None else name)

    def general(self, name: str) -> float:
        """A limit that holds for every model. Raises KeyError for a name that the table lacks: a mistake in the check."""
        return self.limits[name]
