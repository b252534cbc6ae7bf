"""Facts of how fast, how right and how steady a device works. Numbers only, no judgement.

Units: TFLOP/s are 10**12 multiplications and additions a second, GB/s are 10**9 bytes a second, memory is in bytes, times in
seconds, temperatures in degrees Celsius, power in watts, clocks in MHz.

``not_run`` says in words why a work was left out, such as a GPU that others use; everything else is empty then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from torchdoctor.facts.base import Failure
from torchdoctor.facts.work import Deviation, Part


@dataclass(frozen=True)
class Rate:
    """One speed. ``name`` is ``matmul``, ``copy``, ``triad``, ``host-to-device`` or ``device-to-host``.

    best, typical: the fastest round and the median of all rounds, in ``unit`` (``TFLOP/s`` or ``GB/s``).
    variant: the dtype of a product (``tf32`` too), or ``pinned`` or ``pageable`` memory of the host.
    size: the side of the square matrices in elements, or the bytes of one buffer.
    unavailable: why this device or torch has no such thing.
    """

    name: str
    variant: str
    unit: str
    best: Optional[float] = None
    typical: Optional[float] = None
    rounds: int = 0
    size: int = 0
    unavailable: Optional[str] = None
    failure: Optional[Failure] = None

    @property
    def key(self) -> str:
        """What is compared between devices: ``matmul bfloat16``."""
        return f"{self.name} {self.variant}".strip()


@dataclass(frozen=True)
class ThroughputRun:
    """How fast a device multiplies matrices and moves memory. timer: ``events`` of the device or the host's ``clock``."""

    device: str
    model: Optional[str] = None
    not_run: str = ""
    timer: str = ""
    rates: tuple[Rate, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class Peer:
    """A copy to another device: its speed, and the elements that arrived other than they were sent."""

    target: str
    rate: Rate
    differing: Optional[int] = None


@dataclass(frozen=True)
class PeerRun:
    """Copies from one device to each other device of its kind: one row of the matrix."""

    device: str
    model: Optional[str] = None
    not_run: str = ""
    peers: tuple[Peer, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class NumericCase:
    """One computation, done several times with the same inputs.

    terms: how many products are summed for one element; 0 for elementwise work.
    deviation: of the first result from float64 on the CPU. repeat: of the worst repetition from the first result.
    differing: elements that were not bit for bit the same in some repetition. repeats: how many there were.
    non_finite: elements of all results that are NaN or infinite (none is expected).
    fingerprint: a hash of the first result's bits, the same on every device that computes the same.
    """

    name: str
    dtype: str
    shape: str
    terms: int = 0
    deviation: Optional[Deviation] = None
    repeat: Optional[Deviation] = None
    differing: int = 0
    repeats: int = 0
    non_finite: int = 0
    fingerprint: str = ""
    unavailable: Optional[str] = None
    failure: Optional[Failure] = None

    @property
    def key(self) -> str:
        """What is compared between devices."""
        return f"{self.name} {self.shape} {self.dtype}"


@dataclass(frozen=True)
class CorrectnessRun:
    """Whether a device computes right, apart from how fast. precision: ``torch.get_float32_matmul_precision()``."""

    device: str
    model: Optional[str] = None
    not_run: str = ""
    precision: Optional[str] = None
    cases: tuple[NumericCase, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class BadWord:
    """A 32-bit word of memory that did not keep its value. position: of the word among all that were tested."""

    pattern: str
    position: int
    expected: int
    found: int


@dataclass(frozen=True)
class MemoryPatternRun:
    """Patterns written to a device's memory and read back by the device itself.

    tested, free, total: bytes. bounded: why less than nearly all of the free memory was tested.
    patterns: those that were completed. wrong: words that differed, over all patterns. first: the first few of them.
    """

    device: str
    model: Optional[str] = None
    not_run: str = ""
    tested: int = 0
    free: Optional[int] = None
    total: Optional[int] = None
    bounded: str = ""
    patterns: tuple[str, ...] = ()
    wrong: int = 0
    first: tuple[BadWord, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class AttentionBackend:
    """One implementation behind ``scaled_dot_product_attention`` in one dtype.

    parts: ``full``, ``causal`` and ``uneven`` against float64; ``math`` is the deviation of the full one from the plain implementation's.
    """

    backend: str
    dtype: str
    parts: tuple[Part, ...] = ()
    math: Optional[Deviation] = None
    unavailable: Optional[str] = None


@dataclass(frozen=True)
class AttentionRun:
    """The implementations of attention against each other and against float64. precision: as for products."""

    device: str
    model: Optional[str] = None
    not_run: str = ""
    precision: Optional[str] = None
    backends: tuple[AttentionBackend, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class LoadSample:
    """One moment of a sustained run: the seconds since its start, the speed of the work since the last sample, and what NVML said.

    reasons: NVML's bits of why the clocks are below their best.
    """

    at: float
    tflops: float
    clock_sm: Optional[int] = None
    temperature: Optional[int] = None
    memory_temperature: Optional[int] = None
    power: Optional[float] = None
    reasons: Optional[int] = None


@dataclass(frozen=True)
class SustainedRun:
    """The same product over and over for some seconds, and what it did to the device.

    planned: seconds that were asked for. size: side of the matrices in elements.
    products: how many were done. wrong: samples in which a product was not bit for bit the first one.
    watched: ``nvml``, or why clocks, temperature and power were not read.
    temperature_slowdown: at which the clocks go down. replays: of the PCI Express link while working.
    """

    device: str
    model: Optional[str] = None
    not_run: str = ""
    dtype: str = ""
    size: int = 0
    planned: float = 0.0
    products: int = 0
    wrong: int = 0
    samples: tuple[LoadSample, ...] = ()
    watched: str = ""
    clock_sm_max: Optional[int] = None
    temperature_slowdown: Optional[int] = None
    power_limit: Optional[float] = None
    replays: Optional[int] = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""
