"""The tables about GPU health: thresholds, Xid and SXid numbers, clock event reasons. Each row names its source.

Standard library only: the probe that reads the thresholds runs in a worker.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "data"


def rows(table: str) -> Iterator[dict[str, str]]:
    """The rows of a table of this package as mappings from column to text."""
    with (FOLDER / f"{table}.tsv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t")


@functools.cache
def thresholds() -> dict[str, float]:
    """All limits by name, or "name@model" where they belong to one model."""
    return {(f"{row['name']}@{row['model']}" if row["model"] else row["name"]): float(row["value"]) for row in rows("thresholds")}


@dataclass(frozen=True)
class Xid:
    """What the number of an Xid means. ``action`` is a word of the ladder in ``remedy``; ``cause`` a slug of the catalogue or empty."""

    number: int
    mnemonic: str
    description: str
    action: str
    cause: str

    @property
    def words(self) -> str:
        """The description, or what can be made of the mnemonic."""
        return self.description or self.mnemonic.removeprefix("ROBUST_CHANNEL_").replace("_", " ").lower()


@functools.cache
def xids() -> dict[int, Xid]:
    """All Xid numbers of NVIDIA's catalogue."""
    return {int(row["xid"]): Xid(int(row["xid"]), row["mnemonic"], row["description"], row["action"], row["cause"]) for row in rows("xid")}


@dataclass(frozen=True)
class SXid:
    """What the number of an NVSwitch's SXid means."""

    number: int
    name: str
    fatal: bool
    action: str


@functools.cache
def sxids() -> dict[int, SXid]:
    """All SXid numbers of NVIDIA's fabric manager guide."""
    return {int(row["sxid"]): SXid(int(row["sxid"]), row["name"], row["fatal"] == "yes", row["action"]) for row in rows("sxid")}


@functools.cache
def nvlink5() -> tuple[tuple[int, tuple[str, ...], int, str], ...]:
    """For Xid 144 to 150: number, names of the unit, error status, action."""
    return tuple((int(r["xid"]), tuple(r["units"].split("/")), int(r["error_status"], 16), r["action"]) for r in rows("xid_nvlink5"))


@dataclass(frozen=True)
class ClockReason:
    """A bit of NVML's clock event reasons. ``kind``: benign, config, power, thermal, hardware, hardware-thermal, hardware-power."""

    bit: int
    name: str
    kind: str
    words: str


@functools.cache
def clock_reasons() -> tuple[ClockReason, ...]:
    """All reasons, by bit."""
    return tuple(ClockReason(int(r["bit"], 16), r["name"], r["class"], r["words"]) for r in rows("clock_event_reasons"))
