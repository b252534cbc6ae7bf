"""The typed facts that probes read and checks judge: frozen, JSON-able, one module an area.

The modules load on first use: a worker that is about to import torch needs one fact type, not all of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchdoctor.facts.base import Failure as Failure
    from torchdoctor.facts.device import Backend as Backend
    from torchdoctor.facts.device import Device as Device
    from torchdoctor.facts.device import DeviceContext as DeviceContext
    from torchdoctor.facts.device import Devices as Devices
    from torchdoctor.facts.device import DtypeRuns as DtypeRuns
    from torchdoctor.facts.device import TorchBuild as TorchBuild
    from torchdoctor.facts.distributed import Addresses as Addresses
    from torchdoctor.facts.distributed import CollectiveRun as CollectiveRun
    from torchdoctor.facts.distributed import CollectiveRuns as CollectiveRuns
    from torchdoctor.facts.distributed import DistributedBuild as DistributedBuild
    from torchdoctor.facts.distributed import LaunchEnv as LaunchEnv
    from torchdoctor.facts.distributed import RankRun as RankRun
    from torchdoctor.facts.host import Bus as Bus
    from torchdoctor.facts.host import Disk as Disk
    from torchdoctor.facts.host import Disks as Disks
    from torchdoctor.facts.host import Host as Host
    from torchdoctor.facts.host import Limits as Limits
    from torchdoctor.facts.host import NvidiaDriver as NvidiaDriver
    from torchdoctor.facts.host import NvidiaGpu as NvidiaGpu
    from torchdoctor.facts.host import PciDevice as PciDevice
    from torchdoctor.facts.host import Resources as Resources
    from torchdoctor.facts.install import LoadedLibraries as LoadedLibraries
    from torchdoctor.facts.install import LoadedLibrary as LoadedLibrary
    from torchdoctor.facts.install import Package as Package
    from torchdoctor.facts.install import Packages as Packages
    from torchdoctor.facts.install import PythonEnv as PythonEnv
    from torchdoctor.facts.install import TorchFiles as TorchFiles
    from torchdoctor.facts.install import TorchImport as TorchImport
    from torchdoctor.facts.install import Variables as Variables
    from torchdoctor.facts.nvidia import DeviceNode as DeviceNode
    from torchdoctor.facts.nvidia import GpuProcess as GpuProcess
    from torchdoctor.facts.nvidia import GpuState as GpuState
    from torchdoctor.facts.nvidia import KernelLine as KernelLine
    from torchdoctor.facts.nvidia import KernelLog as KernelLog
    from torchdoctor.facts.nvidia import MemoryErrors as MemoryErrors
    from torchdoctor.facts.nvidia import MigInstance as MigInstance
    from torchdoctor.facts.nvidia import NvidiaFiles as NvidiaFiles
    from torchdoctor.facts.nvidia import NvLink as NvLink
    from torchdoctor.facts.nvidia import Thresholds as Thresholds
    from torchdoctor.facts.other_gpus import SysfsGpu as SysfsGpu
    from torchdoctor.facts.other_gpus import SysfsGpus as SysfsGpus
    from torchdoctor.facts.performance import AttentionBackend as AttentionBackend
    from torchdoctor.facts.performance import AttentionRun as AttentionRun
    from torchdoctor.facts.performance import BadWord as BadWord
    from torchdoctor.facts.performance import CorrectnessRun as CorrectnessRun
    from torchdoctor.facts.performance import LoadSample as LoadSample
    from torchdoctor.facts.performance import MemoryPatternRun as MemoryPatternRun
    from torchdoctor.facts.performance import NumericCase as NumericCase
    from torchdoctor.facts.performance import Peer as Peer
    from torchdoctor.facts.performance import PeerRun as PeerRun
    from torchdoctor.facts.performance import Rate as Rate
    from torchdoctor.facts.performance import SustainedRun as SustainedRun
    from torchdoctor.facts.performance import ThroughputRun as ThroughputRun
    from torchdoctor.facts.work import Deviation as Deviation
    from torchdoctor.facts.work import DtypeRun as DtypeRun
    from torchdoctor.facts.work import LlamaLong as LlamaLong
    from torchdoctor.facts.work import LlamaRun as LlamaRun
    from torchdoctor.facts.work import Misplaced as Misplaced
    from torchdoctor.facts.work import MixedOperator as MixedOperator
    from torchdoctor.facts.work import MixedTraining as MixedTraining
    from torchdoctor.facts.work import Part as Part
    from torchdoctor.facts.work import PlacementRun as PlacementRun
    from torchdoctor.facts.work import RoundTrip as RoundTrip
    from torchdoctor.facts.work import TrainingFullRun as TrainingFullRun
    from torchdoctor.facts.work import TrainingRun as TrainingRun
    from torchdoctor.facts.work import TransformersRun as TransformersRun

_MODULES = {
    "base": "Failure",
    "device": "Backend Device DeviceContext Devices DtypeRuns TorchBuild",
    "distributed": "Addresses CollectiveRun CollectiveRuns DistributedBuild LaunchEnv RankRun",
    "host": "Bus Disk Disks Host Limits NvidiaDriver NvidiaGpu PciDevice Resources",
    "install": "LoadedLibraries LoadedLibrary Package Packages PythonEnv TorchFiles TorchImport Variables",
    "nvidia": "DeviceNode GpuProcess GpuState KernelLine KernelLog MemoryErrors MigInstance NvLink NvidiaFiles Thresholds",
    "other_gpus": "SysfsGpu SysfsGpus",
    "performance": "AttentionBackend AttentionRun BadWord CorrectnessRun LoadSample MemoryPatternRun NumericCase Peer PeerRun Rate SustainedRun ThroughputRun",
    "work": "Deviation DtypeRun LlamaLong LlamaRun Misplaced MixedOperator MixedTraining Part PlacementRun RoundTrip TrainingFullRun TrainingRun TransformersRun",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """A fact type, from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"there is no fact type {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
