"""A probe that takes memory and keeps it, beside one that is well."""

from __future__ import annotations

import time
from dataclasses import dataclass

from torchdoctor.api import check, ok, probe


@dataclass(frozen=True)
class Hoards:
    value: int = 0


@dataclass(frozen=True)
class Modest:
    value: int = 0


@probe(lane="host", timeout=100)
def hoards() -> Hoards:
    block = bytearray(b"x") * (512 * 2**20)  # written to, so that it is resident
    while block:
        time.sleep(3600)
    return Hoards()


@probe(lane="host")
def modest() -> Modest:
    return Modest(1)


@check("GREED1", group="greed")
def hoarding(fact: Hoards):
    yield ok("fine")


@check("GREED2", group="greed")
def being_modest(fact: Modest):
    yield ok(f"value {fact.value}")
