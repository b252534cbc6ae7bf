"""The reverse question: what does a build of torch need?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Optional

from torchdoctor.wheels import table
from torchdoctor.wheels.gpus import supported
from torchdoctor.wheels.table import Wheel, number


@dataclass(frozen=True)
class Needs:
    """What one build needs, with all platforms and indexes that have it.

    driver and windows_driver: the least NVIDIA driver, empty without CUDA. gpus: compute capabilities or gfx names that the build runs on;
    gpus_settled is False where the table does not know its architectures for sure. examples: one line of GPU names a capability.
    """

    torch: str
    backend: str
    toolkit: str
    words: str
    driver: str
    windows_driver: str
    gpus: tuple[str, ...]
    gpus_settled: bool
    examples: tuple[str, ...]
    not_on: tuple[str, ...]
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    places: tuple[str, ...]
    os_min: tuple[str, ...]
    companions: tuple[str, ...]
    source: str


def needs_of(wheel: Wheel) -> Needs:
    """What this very row needs."""
    return _needs((wheel,))


def needs(rows: Iterable[Wheel]) -> tuple[Needs, ...]:
    """What each build among the rows needs, newest first; rows of one build for several platforms are put together.

    Where some rows of a build are confirmed, the others are left out.
    """
    groups: dict[tuple[str, str, str], list[Wheel]] = {}
    for wheel in rows:
        groups.setdefault((wheel.torch, wheel.backend, wheel.toolkit), []).append(wheel)
    ordered = sorted(groups, key=lambda key: (number(key[0]), key[1] == "cuda", number(key[2])), reverse=True)
    return tuple(_needs(tuple(w for w in groups[key] if w.verified) or tuple(groups[key])) for key in ordered)


def _needs(rows: tuple[Wheel, ...]) -> Needs:
    first = max(rows, key=lambda w: (w.platform == "linux_x86_64", w.verified, w.index.name == table.PYPI))
    driver = table.drivers().get(first.toolkit) if first.backend == "cuda" else None
    gpus = supported(first) if first.backend in ("cuda", "rocm") else ()
    known = table.capabilities()
    companions = [row for row in (table.companion_of(name, first.torch) for name in ("torchvision", "torchaudio")) if row]
    return Needs(
        torch=first.torch,
        backend=first.backend,
        toolkit=first.toolkit,
        words=first.words,
        driver=driver.linux if driver else "",
        windows_driver=driver.windows if driver and any(w.platform.startswith("windows") for w in rows) else "",
        gpus=gpus,
        gpus_settled=first.verified or first.backend in ("cpu", "mps"),
        examples=tuple(f"{name}: {known[name].architecture}, {known[name].examples}" for name in gpus if name in known),
        not_on=_not_on(first, gpus),
        pythons=first.pythons,
        platforms=tuple(dict.fromkeys(w.platform for w in sorted(rows, key=lambda w: w.platform))),
        places=tuple(dict.fromkeys(w.index.url or "PyPI" for w in rows)),
        os_min=tuple(dict.fromkeys(w.os_min for w in rows if w.os_min)),
        companions=tuple(f"{row.package}=={row.version}" for row in companions),
        source=first.source,
    )


def _not_on(wheel: Wheel, gpus: tuple[str, ...]) -> tuple[str, ...]:
    """Capabilities of desktop and data-centre GPUs that the build does not run on."""
    if wheel.backend != "cuda" or not gpus:
        return ()
    return tuple(name for name, row in table.capabilities().items() if name not in gpus and not row.jetson)


def last_torch_for(capability: str, platform: str = "linux_x86_64") -> Optional[Wheel]:
    """The newest confirmed CUDA build that runs on GPUs of this compute capability."""
    fitting = [w for w in table.wheels() if w.backend == "cuda" and w.platform == platform and w.verified and capability in supported(w)]
    return max(fitting, key=lambda w: (number(w.torch), not w.index.experimental, number(w.toolkit))) if fitting else None
