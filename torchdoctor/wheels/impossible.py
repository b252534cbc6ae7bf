"""The answer where nothing published works: what stands in the way of the nearest build, and the ways around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torchdoctor.wheels.machine import Gpu, Machine, counted
from torchdoctor.wheels.obstacles import WEIGHTS, obstacles
from torchdoctor.wheels.table import Wheel, number


@dataclass(frozen=True)
class Impossible:
    """Nothing published works: the reason, and what to do about it, best first."""

    reason: str
    do: tuple[str, ...]
    notes: tuple[str, ...] = ()


def platform_words(name: str) -> str:
    """A platform of the table in words: "linux x86_64"."""
    return name.replace("_", " ", 1)


def no_rows(machine: Machine, rows: Iterable[Wheel]) -> Impossible:
    """What was asked for exists, but not for this platform."""
    platforms = sorted({platform_words(wheel.platform) for wheel in rows})
    return Impossible(
        f"This build of torch is not published for {platform_words(machine.platform)}.",
        (f"It exists for {', '.join(platforms)}.",),
    )


def no_backend(machine: Machine, rows: Iterable[Wheel]) -> Impossible:
    """There are builds for the platform, but none of the kind that the GPUs need."""
    kinds = sorted({wheel.words.partition(" for ")[2] for wheel in rows})
    return Impossible(
        f"The table has no build for {counted(machine.gpus) or 'this machine'} on {platform_words(machine.platform)} that fits.",
        (f"Published for this platform: {', '.join(kinds)}.",),
    )


def blocked(candidates: list[Wheel], machine: Machine, gpus: tuple[Gpu, ...]) -> Impossible:
    """Name what stands in the way of the nearest build, and every single change that makes some build work."""
    found = {wheel: obstacles(wheel, machine, gpus) for wheel in candidates}
    nearest = min(candidates, key=lambda w: (sum(o.weight for o in found[w]), tuple(-n for n in number(w.torch)), w.index.experimental))
    reason = "; ".join(obstacle.reason for obstacle in found[nearest])
    do = []
    for kind in sorted(WEIGHTS, key=lambda name: WEIGHTS[name]):
        single = [wheel for wheel in candidates if [obstacle.kind for obstacle in found[wheel]] == [kind]]
        if single:
            best = max(single, key=lambda w: (w.verified, number(w.torch), not w.index.experimental))
            then = "" if kind == "gpu" else f" Then {best.words} works."
            do.append(found[best][0].do + then)
    do = do or [obstacle.do for obstacle in found[nearest] if obstacle.do]
    if any(obstacle.kind == "gpu" for obstacle in found[nearest]):
        do.append("Or use the CPU build: --cuda cpu.")
    return Impossible(reason[:1].upper() + reason[1:] + ".", tuple(do))
