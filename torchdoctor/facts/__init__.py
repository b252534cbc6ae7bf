"""The typed facts that probes read and checks judge: frozen, JSON-able, one module an area."""

from torchdoctor.facts.base import Failure
from torchdoctor.facts.host import Bus, Disk, Disks, Host, Limits, NvidiaDriver, NvidiaGpu, PciDevice, Resources
from torchdoctor.facts.install import TorchImport
from torchdoctor.facts.work import (
    Deviation,
    DtypeRun,
    LlamaRun,
    Misplaced,
    MixedOperator,
    Part,
    PlacementRun,
    RoundTrip,
    TrainingFullRun,
    TrainingRun,
)

__all__ = [
    "Bus",
    "Deviation",
    "Disk",
    "Disks",
    "DtypeRun",
    "Failure",
    "Host",
    "Limits",
    "LlamaRun",
    "Misplaced",
    "MixedOperator",
    "NvidiaDriver",
    "NvidiaGpu",
    "Part",
    "PciDevice",
    "PlacementRun",
    "Resources",
    "RoundTrip",
    "TorchImport",
    "TrainingFullRun",
    "TrainingRun",
]
