"""Small words that several checks of GPU health share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torchdoctor.facts import GpuState

GIB = 2**30
MIB = 2**20


def answering(gpus: Mapping[str, GpuState]) -> list[GpuState]:
    """The GPUs that answer, by index; lost ones are the business of one check only."""
    return sorted((gpu for gpu in gpus.values() if gpu.error_code is None and not gpu.error), key=lambda gpu: gpu.index)


def models(gpus: Iterable[GpuState]) -> str:
    """ "8 x NVIDIA H100 80GB HBM3", in the order of the machine."""
    counts: dict[str, int] = {}
    for gpu in gpus:
        name = gpu.name or "unnamed GPU"
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in counts.items())


def plural(count: int, word: str) -> str:
    """ "1 GPU", "2 GPUs"."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def portable(gpu: GpuState) -> bool:
    """Whether this is a laptop's GPU or a module (Jetson), which lives by other limits than a card does."""
    name = (gpu.name or "").lower()
    return any(word in name for word in ("laptop", "max-q", "mobile", "orin", "xavier", "thor", "tegra"))
