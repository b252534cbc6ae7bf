"""Probes that misbehave in the lanes that hold torch, where workers are forks of one warm process."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass

from torchdoctor.api import check, ok, probe


@dataclass(frozen=True)
class Sums:
    value: float = 0.0


@dataclass(frozen=True)
class SegfaultsWithTorch:
    value: int = 0


@dataclass(frozen=True)
class HangsWithTorch:
    value: int = 0


@dataclass(frozen=True)
class AbortsOnDevice:
    value: int = 0


@dataclass(frozen=True)
class SumsOnDevice:
    value: float = 0.0


def _sum() -> float:
    import torch

    return float(torch.ones(3).sum())


@probe(lane="torch")
def segfaults_with_torch() -> SegfaultsWithTorch:
    ctypes.string_at(0)
    return SegfaultsWithTorch()


@probe(lane="torch", timeout=0.5)
def hangs_with_torch() -> HangsWithTorch:
    while True:
        time.sleep(3600)


@probe(lane="torch")
def sums() -> Sums:
    return Sums(_sum())


@probe(lane="device")
def aborts_on_device() -> AbortsOnDevice:
    os.abort()
    return AbortsOnDevice()


@probe(lane="device")
def sums_on_device() -> SumsOnDevice:
    return SumsOnDevice(_sum())


@check("FORK1", group="forks")
def segfaulting(fact: SegfaultsWithTorch):
    yield ok("fine")


@check("FORK2", group="forks")
def hanging(fact: HangsWithTorch):
    yield ok("fine")


@check("FORK3", group="forks")
def summing(fact: Sums):
    yield ok(f"sum {fact.value:g}")


@check("FORK4", group="forks")
def aborting(fact: AbortsOnDevice):
    yield ok("fine")


@check("FORK5", group="forks")
def summing_on_device(fact: SumsOnDevice):
    yield ok(f"sum {fact.value:g}")
