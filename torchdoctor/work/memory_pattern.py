"""Patterns written to a device's memory and read back, over nearly all that is free on a GPU of its own memory.

All of the memory is written before any of it is read, so that a write that lands in two places shows. The device itself compares:
nothing but counts travels to the host. On the CPU, on memory shared with it and on what is not known, a small share is tested.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Optional

import torch
from torch import Tensor

from torchdoctor.facts.performance import BadWord, MemoryPatternRun
from torchdoctor.work.measure import Record
from torchdoctor.work.timing import current, index_of, is_large, kind_of, memory_of, model_of, module_of, release

SHARE = 0.9  # of the free memory of a GPU
CHUNK = 2**28  # bytes
SMALL = 2**25  # bytes where the memory is not the device's own
BUDGET = 60.0  # seconds
KEPT = 8  # wrong words that are described
WORDS = (("zeros", 0), ("ones", -1), ("alternating 0101", 0x55555555), ("alternating 1010", -0x55555556))
ADDRESS, INVERSE = "address", "inverse address"
MIX = 0x9E3779B1  # spreads the address over all bits


def run_memory_pattern(device: str, clock: Callable[[], float] = time.monotonic, budget: float = BUDGET) -> MemoryPatternRun:
    """All patterns over all chunks, until ``budget`` seconds are over. Raises nothing."""
    free, total = memory_of(device)
    amount, bounded = how_much(device, free)
    record = Record(MemoryPatternRun, threads=None, device=device, model=model_of(device), free=free, total=total, bounded=bounded)
    end = clock() + budget
    with record, current(device), torch.no_grad():
        record.begin("allocation")
        release(device)
        chunks = _chunks(device, amount)
        record.set(tested=sum(chunk.numel() * 4 for chunk in chunks))
        done: list[str] = []
        bad: list[BadWord] = []
        wrong = 0
        for name in (*(name for name, _ in WORDS), ADDRESS, INVERSE):
            if done and clock() > end:
                record.set(bounded=f"{bounded}; ".lstrip("; ") + f"ended after {len(done)} patterns, {budget:g} s were over")
                break
            record.begin(f"pattern {name}")
            count, found = _pattern(chunks, name)
            wrong += count
            bad += found
            done.append(name)
            record.set(patterns=tuple(done), wrong=wrong, first=tuple(bad[:KEPT]))
        chunks.clear()
        release(device)
    return record.result()


def how_much(device: str, free: Optional[int]) -> tuple[int, str]:
    """Bytes to test, and why that is not nearly all."""
    if not is_large(device):
        return SMALL, "a small share of the host's memory" if kind_of(device) in (
            "cpu",
            "mps",
        ) else "a small share, as this kind of device is not known"
    if free is None:
        return CHUNK, "the device does not tell how much memory is free"
    if _integrated(device):
        return min(free // 10, 2**31), "the GPU shares its memory with the host"
    return int(free * SHARE) - CHUNK, ""


def _integrated(device: str) -> bool:
    try:
        return bool(module_of(device).get_device_properties(index_of(device)).is_integrated)
    except Exception:  # not every torch or device tells
        return False


def _chunks(device: str, amount: int) -> list[Tensor]:
    """Tensors of 32-bit words that fill the amount; fewer where another program was faster."""
    found: list[Tensor] = []
    left = max(amount, 2**20)
    while left >= 2**20:
        size = min(left, CHUNK)
        try:
            found.append(torch.empty(size // 4, dtype=torch.int32, device=device))
        except RuntimeError as error:
            if not found or "out of memory" not in str(error).lower():
                raise
            found.pop()  # room for the comparison
            break
        left -= size
    return found


def _pattern(chunks: list[Tensor], name: str) -> tuple[int, list[BadWord]]:
    """Writes a pattern everywhere, then compares everywhere: wrong words, and the first of them."""
    word = dict(WORDS).get(name)
    start = 0
    for chunk in chunks:
        if word is None:
            chunk.copy_(_addresses(start, chunk, name == INVERSE))
        else:
            chunk.fill_(word)
        start += chunk.numel()
    wrong, found, start = 0, [], 0
    for chunk in chunks:
        expected: Any = _addresses(start, chunk, name == INVERSE) if word is None else word
        count = int((chunk != expected).sum())
        if count:
            wrong += count
            found += _described(chunk, expected, name, start)
        start += chunk.numel()
    return wrong, found


def _addresses(start: int, like: Tensor, inverse: bool) -> Tensor:
    """For each word a number that no other word near it has: its address, times an odd number, in 32 bits."""
    values = torch.arange(start, start + like.numel(), dtype=torch.int32, device=like.device)
    values.mul_(MIX - 2**32 if MIX >= 2**31 else MIX)
    return values.bitwise_not_() if inverse else values


def _described(chunk: Tensor, expected: Any, name: str, start: int) -> list[BadWord]:
    """The first wrong words of a chunk, looked at on the host."""
    there = chunk.cpu()
    wanted = expected.cpu() if isinstance(expected, Tensor) else torch.full_like(there, expected)
    places = (there != wanted).nonzero().flatten()[:KEPT].tolist()
    mask = 2**32 - 1
    return [BadWord(name, start + place, int(wanted[place]) & mask, int(there[place]) & mask) for place in places]
