"""From the name of a GPU to its architecture, and whether a build has code for it."""

from __future__ import annotations

import re
from functools import cache
from typing import Optional

from torchdoctor.wheels import table
from torchdoctor.wheels.machine import Gpu
from torchdoctor.wheels.table import Wheel, number

_BRANDS = {"nvidia", "geforce", "tesla", "quadro", "amd", "radeon", "instinct", "graphics", "gpu", "laptop", "generation"}
_WORDS = re.compile(r"[a-z]+\d+[a-z\d]*|\d+[a-z]+|[a-z]+|\d+")


class UnknownGpu(ValueError):
    """A name that is no GPU of the table, or that fits several of different architecture."""


def _tokens(name: str) -> frozenset[str]:
    text = re.sub(r"(\d+)\s*gi?b\b", r"\1 gb", name.lower())
    return frozenset(_WORDS.findall(text))


@cache
def _nvidia() -> tuple[tuple[str, frozenset[str], str], ...]:
    return tuple((row["name"], _tokens(row["name"]), row["capability"]) for row in table.rows("gpu_capability.tsv"))


@cache
def _amd() -> tuple[tuple[str, frozenset[str], str], ...]:
    return tuple((row["name"], _tokens(row["name"]), row["gfx"]) for row in table.rows("amd_gpu.tsv"))


def names() -> list[str]:
    """All names of the tables."""
    return [name for name, _, _ in (*_nvidia(), *_amd())]


def _fitting(wanted: frozenset[str], known: tuple[tuple[str, frozenset[str], str], ...]) -> dict[str, str]:
    """Architectures and an example name of each that the words fit; a name of just these words goes before longer ones."""
    core = wanted - _BRANDS
    exact = [entry for entry in known if entry[1] - _BRANDS == core and wanted <= entry[1] | _BRANDS]
    longer = [entry for entry in known if core <= entry[1]]
    shorter = [entry for entry in known if len(entry[1] - _BRANDS) > 0 and entry[1] - _BRANDS <= core and any(map(_has_digit, entry[1]))]
    best = max((len(entry[1] - _BRANDS) for entry in shorter), default=0)
    for group in (exact, longer, [entry for entry in shorter if len(entry[1] - _BRANDS) == best]):
        if group:
            return {architecture: name for name, _, architecture in reversed(group)}
    return {}


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)


def capability_of(name: str) -> Optional[str]:
    """The compute capability of an NVIDIA GPU by its name, or None where the table has none or the name is not clear."""
    fitting = _fitting(_tokens(name), _nvidia())
    return next(iter(fitting)) if len(fitting) == 1 else None


def gpu_named(text: str) -> Gpu:
    """A GPU from what a person writes: a name ("A100", "RTX 4090", "MI300X"), a capability ("8.0", "sm_80") or "gfx942".

    Raises UnknownGpu for a name that the tables do not have or that fits several architectures.
    """
    word = text.strip()
    low = word.lower()
    if re.fullmatch(r"gfx[0-9a-f]{3,4}", low):
        return Gpu(low, "amd", gfx=low)
    for capability in table.capabilities():
        if low in (capability, *(f"{prefix}{capability.replace('.', '')}" for prefix in ("sm_", "sm", "compute_"))):
            return Gpu(f"compute capability {capability}", capability=capability)
    wanted = _tokens(low)
    if not wanted - _BRANDS:
        raise UnknownGpu(f"{text!r} is no GPU of the table; give its model, such as A100, or its compute capability, such as 8.0")
    found: list[Gpu] = [Gpu(word, capability=cc) for cc in _fitting(wanted, _nvidia())]
    found += [Gpu(word, "amd", gfx=gfx) for gfx in _fitting(wanted, _amd())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownGpu(f"{text!r} is no GPU of the table; give its compute capability instead, such as 8.9, or gfx1100 for AMD")
    examples = {**_fitting(wanted, _nvidia()), **_fitting(wanted, _amd())}
    several = "; ".join(f"{name} ({architecture})" for architecture, name in examples.items())
    raise UnknownGpu(f"{text!r} fits several: {several}. Give more of its name, or one of these architectures")


def toolkit_knows(wheel: Wheel, capability: str) -> bool:
    """Whether the CUDA of a build has libraries for this compute capability: not yet, or no longer, are no."""
    known = table.capabilities().get(capability)
    if known is None:
        return True
    toolkit = number(wheel.toolkit)
    return number(known.min_cuda) <= toolkit and not (known.last_cuda and toolkit > number(known.last_cuda))


def runs_on(wheel: Wheel, gpu: Gpu, compile_ptx: bool = False) -> bool:
    """Whether the build has code for the GPU. ``compile_ptx``: the driver can compile PTX of this build's CUDA.

    Machine code runs on its own capability and on later ones of the same major number, except that code of desktop GPUs does not run
    on Jetson devices and the other way round. A build's CUDA libraries must know the GPU as well.
    """
    if gpu.vendor == "amd":
        return gpu.gfx in wheel.gfx
    if gpu.capability is None:
        return False
    if not toolkit_knows(wheel, gpu.capability):
        return False
    have = number(gpu.capability)
    known = table.capabilities().get(gpu.capability)
    if known is not None and known.jetson:
        return any(arch.capability == have for arch in wheel.arch)
    if any(arch.capability[0] == have[0] and arch.capability <= have for arch in wheel.arch):
        return True
    return compile_ptx and any(arch.ptx and arch.capability <= have for arch in wheel.arch)


def supported(wheel: Wheel) -> tuple[str, ...]:
    """The compute capabilities of the table that a CUDA build runs on, or the gfx names of a ROCm build."""
    if wheel.backend == "rocm":
        return wheel.gfx
    return tuple(name for name in table.capabilities() if runs_on(wheel, Gpu(name, capability=name)))
