"""Which device of several equal ones is slower than the others. Standard library only: this runs in the doctor's process.

The decisions, in one place:

- Equal devices are those of one kind and one model name. The CPU has no equals.
- Each is held against the median of *the others*, so a slow one does not lower its own measure, and of two the slower one is named.
- A spread of 5 % between healthy GPUs of one node is normal (stas00/ml-engineering, accelerator chapter, 2026-08-22). ``WARN`` is
  twice that. ``UNLIKE`` is used where two devices were measured with matrices of other sizes.
- Transfers from and to the host differ between the sockets of a machine: ``HOST`` is what is normal there.
- A measurement that is itself unsteady cannot tell so small a difference: the limit grows to three times the unsteadiness (how far the
  median round lies below the best), and from ``BLIND`` on nothing is said.
- Speed alone never fails a machine: a slow GPU trains, and what slows it may be a neighbour. Wrong results fail.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Optional

NORMAL, WARN, UNLIKE, HOST, BLIND = 0.05, 0.10, 0.25, 0.25, 0.5
UNSTEADY = 3.0


@dataclass(frozen=True)
class Measured:
    """One device's figure. ``typical`` is its median round, ``size`` what it was measured with."""

    model: Optional[str]
    best: float
    typical: Optional[float] = None
    size: int = 0

    @property
    def unsteady(self) -> float:
        """How far the usual round lies below the best one, as a share."""
        return 0.0 if not self.typical or not self.best else max(0.0, 1.0 - self.typical / self.best)


@dataclass(frozen=True)
class Slow:
    """A device that is behind its equals: its figure, the median of the others, the share that it lacks and the limit."""

    device: str
    best: float
    others: float
    lacking: float
    limit: float


def equals(measured: Mapping[str, Measured]) -> dict[tuple[str, str], dict[str, Measured]]:
    """Devices by kind and model; without the CPU and groups of one."""
    groups: dict[tuple[str, str], dict[str, Measured]] = {}
    for device, one in measured.items():
        kind = device.split(":")[0]
        if kind != "cpu":
            groups.setdefault((kind, one.model or ""), {})[device] = one
    return {key: group for key, group in groups.items() if len(group) > 1}


def slow(measured: Mapping[str, Measured], normal: float = WARN) -> Iterator[Slow]:
    """The devices that are slower than their equals beyond what is normal and what the measurement can tell."""
    for group in equals(measured).values():
        for device, one in group.items():
            others = {name: other for name, other in group.items() if name != device}
            middle = statistics.median(other.best for other in others.values())
            if middle <= 0:
                continue
            limit = max(normal, _limit(one, others))
            lacking = 1.0 - one.best / middle
            if lacking > limit and limit < BLIND:
                yield Slow(device, one.best, middle, lacking, limit)


def _limit(one: Measured, others: Mapping[str, Measured]) -> float:
    unlike = any(other.size != one.size for other in others.values())
    noise = max([one.unsteady, statistics.median(other.unsteady for other in others.values())])
    return max(UNLIKE if unlike else WARN, UNSTEADY * noise)


def figure(value: float) -> str:
    """Three digits: 0.0977, 1.23, 45.6, 789."""
    value = float(f"{value:.3g}") if value < 1000 else value
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3g}"
