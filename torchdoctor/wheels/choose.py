"""Choose the build of torch that works on a machine, and say why. Pure: a description in, an answer out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Optional, Union

from torchdoctor.wheels import commands, explain, table
from torchdoctor.wheels.explain import best, rank
from torchdoctor.wheels.gpus import runs_on
from torchdoctor.wheels.impossible import Impossible, blocked, no_backend, no_rows
from torchdoctor.wheels.machine import Gpu, Machine
from torchdoctor.wheels.obstacles import obstacles, ptx_compiles
from torchdoctor.wheels.special import Unusual, unusual
from torchdoctor.wheels.table import Index, Wheel, number


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: a torch version or its beginning ("2.6"), and a build ("cu126", "12.6", "cpu", "rocm6.4")."""

    torch: Optional[str] = None
    build: Optional[str] = None


ANYTHING = Wish()


@dataclass(frozen=True)
class Choice:
    """The build to install. ``wheel`` is None for a build that is not PyTorch's own (NVIDIA's for Jetson)."""

    torch: str
    index: Index
    packages: tuple[str, ...]
    commands: tuple[str, ...]
    why: tuple[str, ...]
    newest: str = ""
    notes: tuple[str, ...] = ()
    wheel: Optional[Wheel] = None
    left_out: tuple[Gpu, ...] = ()


Answer = Union[Choice, Impossible]


class UnknownWish(ValueError):
    """A torch version or a build that the table does not have. ``known`` are the names that it has."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}")
        self.kind, self.name, self.known = kind, name, tuple(known)


def build_named(text: str) -> tuple[str, str]:
    """Backend and toolkit of a build as a person names it: "12.6", "cu126", "cpu", "rocm6.4", "rocm".

    Raises UnknownWish for a build that no row has.
    """
    word = text.strip().lower()
    for index in table.indexes().values():
        spellings = (index.name, f"{index.backend} {index.toolkit}", f"{index.backend}{index.toolkit}")
        if index.backend and (word in spellings or (index.backend == "cuda" and word == index.toolkit)):
            return index.backend, index.toolkit
    if word in ("cpu", "none"):
        return "cpu", ""
    if word in ("rocm", "cuda", "mps"):
        return word, ""
    names = [index.name for index in table.indexes().values() if index.backend == "rocm"]
    names += [index.toolkit for index in table.indexes().values() if index.backend == "cuda"]
    names += ["cpu", *(index.name for index in table.indexes().values() if index.backend == "cuda")]
    raise UnknownWish("build", text, names)


def wished(wish: Wish) -> tuple[Wheel, ...]:
    """The rows that a wish means, on all platforms.

    Raises UnknownWish where there is no such torch, no such build, or no such build of this torch.
    """
    found = table.wheels()
    if wish.torch:
        public = wish.torch.split("+")[0].lstrip("v=")
        found = tuple(w for w in found if w.torch == public or w.torch.startswith(public.rstrip(".") + "."))
        if not found:
            raise UnknownWish("torch version", wish.torch, sorted({w.torch for w in table.wheels()}, key=number))
    if wish.build:
        backend, toolkit = build_named(wish.build)
        of_torch = found
        found = tuple(w for w in found if w.backend == backend and toolkit in ("", w.toolkit))
        if not found:
            builds = {w.toolkit or w.backend for w in of_torch if w.backend in ("cpu", backend)}
            raise UnknownWish(f"build of torch {wish.torch}", wish.build, sorted(builds, key=number))
    return found


def choose(machine: Machine, wish: Wish = ANYTHING, companions: bool = True) -> Answer:
    """The newest build that works on the machine and fits the wish.

    Raises UnknownWish for a version or build that the table does not have.
    """
    rows = wished(wish)
    special = unusual(machine, bool(wish.torch or wish.build))
    if special is not None:
        return _answered(special, machine)
    asked = wish.torch is not None or wish.build is not None
    on_platform = tuple(w for w in rows if w.platform == machine.platform and (w.verified or asked))
    if not on_platform:
        return no_rows(machine, rows)
    backends = _backends(machine, wish)
    candidates = [w for w in on_platform if w.backend in backends]
    if not candidates:
        return no_backend(machine, on_platform)
    gpus = machine.gpus if set(backends) & {"cuda", "rocm"} else ()
    working = [w for w in candidates if not obstacles(w, machine, gpus)]
    if working:
        return _choice(best(working, machine), machine, companions, (), asked)
    partly = _for_most_gpus(candidates, machine, gpus)
    if partly is not None:
        wheel, left = partly
        return _choice(wheel, machine, companions, left, asked)
    return _with_way_out(blocked(candidates, machine, gpus), machine, asked)


def _with_way_out(answer: Impossible, machine: Machine, asked: bool) -> Impossible:
    """Add what would work here if nothing certain had been asked for."""
    other = choose(machine) if asked else None
    if not isinstance(other, Choice) or other.wheel is None:
        return answer
    return replace(answer, do=(f"Without --torch and --cuda: {other.wheel.words} works here.", *answer.do))


def _backends(machine: Machine, wish: Wish) -> tuple[str, ...]:
    if wish.build:
        return (build_named(wish.build)[0],)
    if machine.system == "macos":
        return ("mps", "cpu")
    if machine.of("nvidia"):
        return ("cuda",)
    if machine.of("amd") and machine.system == "linux":
        return ("rocm",)
    return ("cpu",)


def _for_most_gpus(candidates: list[Wheel], machine: Machine, gpus: tuple[Gpu, ...]) -> Optional[tuple[Wheel, tuple[Gpu, ...]]]:
    """A build for as many of the GPUs as possible, newer GPUs first, and those that it leaves out."""
    if len(gpus) < 2:
        return None
    found: Optional[tuple[tuple[object, ...], Wheel, tuple[Gpu, ...]]] = None
    for wheel in candidates:
        served = tuple(gpu for gpu in gpus if runs_on(wheel, gpu, ptx_compiles(wheel, machine)))
        if not served or obstacles(wheel, machine, served):
            continue
        newest = max(number(gpu.capability or "0") for gpu in served)
        key = (len(served), newest, *rank(wheel, machine))
        if found is None or key > found[0]:
            found = key, wheel, tuple(gpu for gpu in gpus if gpu not in served)
    return (found[1], found[2]) if found else None


def _answered(special: Unusual, machine: Machine) -> Answer:
    if special.index is None:
        return Impossible(special.reason, special.do)
    lines = commands.install(machine, special.packages, special.index)
    return Choice(special.torch, special.index, special.packages, lines, (special.reason,), notes=special.do)


def _packages(wheel: Wheel, machine: Machine, companions: bool) -> tuple[str, ...]:
    wanted = [f"torch=={wheel.torch}"]
    for name in ("torchvision", "torchaudio") if companions else ():
        row = table.companion_of(name, wheel.torch)
        if row is not None and machine.python_tag in row.pythons:
            wanted.append(f"{name}=={row.version}")
    return tuple(wanted)


def _choice(wheel: Wheel, machine: Machine, companions: bool, left: tuple[Gpu, ...], asked: bool) -> Choice:
    packages = _packages(wheel, machine, companions)
    return Choice(
        torch=wheel.torch,
        index=wheel.index,
        packages=packages,
        commands=commands.install(machine, packages, wheel.index),
        why=explain.why(wheel, machine, left, asked),
        newest=explain.newest_needs(wheel, machine),
        notes=explain.notes_on(wheel, machine, left),
        wheel=wheel,
        left_out=left,
    )
