"""Facts about several processes training together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from torchdoctor.facts.base import Failure


@dataclass(frozen=True)
class DistributedBuild:
    """What ``torch.distributed`` was built with; None where this torch cannot be asked."""

    available: bool
    nccl: Optional[bool] = None
    gloo: Optional[bool] = None
    mpi: Optional[bool] = None
    ucc: Optional[bool] = None
    other: tuple[str, ...] = ()  # further registered backends, such as xccl

    def backends(self) -> tuple[str, ...]:
        """The names of the backends that are built in."""
        return tuple(name for name in ("nccl", "gloo", "mpi", "ucc") if getattr(self, name)) + self.other


@dataclass(frozen=True)
class LaunchEnv:
    """The variables with which launchers tell a process its rank, as set: torchrun, Slurm, Open MPI, MPICH, LSF."""

    values: Mapping[str, str]


@dataclass(frozen=True)
class Addresses:
    """What MASTER_ADDR resolves to and whether MASTER_PORT is free here; None where that was not asked or cannot be told."""

    master: Optional[str] = None
    resolved: tuple[str, ...] = ()
    resolve_error: str = ""
    local: Optional[bool] = None  # the address belongs to this machine
    port: Optional[int] = None
    port_free: Optional[bool] = None
    hostname_resolves: Optional[bool] = None
    hostname_loopback: Optional[bool] = None
    interfaces: tuple[str, ...] = ()  # names of the network interfaces that are up and have an address


@dataclass(frozen=True)
class RankRun:
    """What one rank of the collective did. ``done`` are the operations whose values were right, in order."""

    rank: int
    device: str
    done: tuple[str, ...] = ()
    doing: str = ""  # the operation it was in when it failed or hung
    wrong: tuple[str, ...] = ()  # operations that gave wrong values, with what was expected
    failure: Optional[Failure] = None
    ended: str = "normally"  # normally, an exit code or signal in words, or "did not finish"
    stack: str = ""


@dataclass(frozen=True)
class CollectiveRun:
    """A real process group on this machine: all-reduce, broadcast, all-gather, barrier, with values checked."""

    backend: str
    world_size: int
    ranks: tuple[RankRun, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class CollectiveRuns:
    """The process groups that were tried, one a backend; ``not_run`` says why there is none."""

    runs: tuple[CollectiveRun, ...] = ()
    not_run: str = ""
