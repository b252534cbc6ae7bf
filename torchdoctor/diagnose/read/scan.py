"""Find the few parts of a large log that are worth parsing, in one pass and bounded memory."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Callable, Optional

BLOCK = 64 << 10  # small enough that allocations stay in the processor's cache: measured 1.5 times as fast as 1 MB
BEFORE, AFTER = 3000, 5000
REGION = 48 << 10
HEAD_BYTES, TAIL_BYTES = 320 << 10, 96 << 10
EDGE = 8 << 10
SHORT_EDGE = 400  # what is kept of the end of a file in which nothing failed, where the files are many
_FLOOD = 1500
_ALIKE = 2
# What is written when something fails, and hardly ever else. Case counts: "error_rate" and "0 errors" are healthy.
WORDS = (
    b"Traceback (",
    b'  File "',
    b"Error: ",
    b"Exception: ",
    b" error: ",
    b"ERROR",
    b"exitcode",
    b"Fatal",
    b"FATAL",
    b"fatal",
    b"Segmentation",
    b"Killed",
    b"killed",
    b"SIG",
    b"Aborted",
    b"core dumped",
    b"terminate called",
    b"oom",
    b"out of memory",
    b"NCCL WARN",
    b"Xid",
    b"fallen off",
    b"Assertion",
    b"CUDA error",
    b"Watchdog",
    b"watchdog",
    b"FAILED",
    b"No space left",
    b"Bus error",
    b"Connection re",
)
Scanner = Callable[[bytes], list[tuple[int, int]]]
"""Bytes to (offset, number of the word), in ascending order of offset."""


def _find_scanner(words: tuple[bytes, ...]) -> Scanner:
    """The way without any library: one pass a word."""

    def scan(block: bytes) -> list[tuple[int, int]]:
        hits: list[tuple[int, int]] = []
        for number, word in enumerate(words):
            place = block.find(word)
            while place >= 0 and len(hits) < 100_000:
                hits.append((place, number))
                place = block.find(word, place + len(word) + 200)  # hits this close share a region
        hits.sort()
        return hits

    return scan


def _hyperscan_scanner(words: tuple[bytes, ...]) -> Optional[Scanner]:
    try:
        import hyperscan  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    try:
        base = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        base.compile(expressions=[re.escape(word) for word in words], ids=list(range(len(words))), flags=[0] * len(words))
    except Exception:  # a library that is there and does not work on this processor must not cost the answer
        return None
    hits: list[tuple[int, int]] = []

    def seen(number: int, _start: int, end: int, _flags: int, _context: object) -> Optional[bool]:
        hits.append((end - len(words[number]), number))
        return None

    def scan(block: bytes) -> list[tuple[int, int]]:
        hits.clear()
        base.scan(block, match_event_handler=seen)
        return list(hits)

    return scan


def make_scanner(words: tuple[bytes, ...] = WORDS) -> Scanner:
    """The fastest scanner that is there."""
    return _hyperscan_scanner(words) or _find_scanner(words)


@dataclass
class Region:
    """Some whole lines of a file; ``first`` is the number of the first (from 1), ``hits`` the offsets of the words in ``data``."""

    first: int
    data: bytes
    hits: list[int]


def blocks_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that end at a line break, except where a line is longer than four blocks."""
    carry = b""
    for chunk in chunks:
        data = carry + chunk if carry else chunk
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > 4 * BLOCK:
            cut = len(data)
        carry = data[cut:]
        if cut:
            yield data[:cut]
    if carry:
        yield carry


def _newlines(block: bytes) -> int:
    """How many line breaks there are. CPython 3.11 replaces seven times as fast as it counts (it searches with memchr)."""
    return len(block.replace(b"\n", b"\n\n")) - len(block)


_NUMBERS = re.compile(rb"\d+|0x[0-9a-f]+")


class _Keeper:
    """Keeps the first regions, up to a size, and the last ones; regions that say the same but for numbers are kept in short."""

    def __init__(self, alike: dict[int, int]) -> None:
        self.head: list[Region] = []
        self.tail: deque[Region] = deque()
        self.sizes = [0, 0]
        self.left_out = 0
        self._alike = alike

    def add(self, region: Region) -> None:
        if self.sizes[0] < HEAD_BYTES:
            region = self._short(region)
            self.head.append(region)
            self.sizes[0] += len(region.data)
            return
        self.tail.append(region)
        self.sizes[1] += len(region.data)
        while self.sizes[1] > TAIL_BYTES and len(self.tail) > 1:
            self.sizes[1] -= len(self.tail.popleft().data)
            self.left_out += 1

    def _short(self, region: Region) -> Region:
        """The region, or only its last line with a word, when enough of its kind were kept."""
        low, high = min(region.hits), max(region.hits)
        start = region.data.rfind(b"\n", 0, low) + 1
        end = region.data.find(b"\n", high)
        core = region.data[start : end if end >= 0 else len(region.data)]
        kind = hash(_NUMBERS.sub(b"", core))
        self._alike[kind] = self._alike.get(kind, 0) + 1
        if self._alike[kind] <= _ALIKE:
            return region
        self.left_out += 1
        place = region.data.rfind(b"\n", 0, high) + 1
        return Region(region.first + region.data.count(b"\n", 0, place), region.data[place : end if end >= 0 else len(region.data)], [0])


class Scan:
    """One pass over a file's blocks. After ``run``: ``regions`` in order, ``lines``, ``left_out``."""

    def __init__(self, scanner: Scanner, alike: Optional[dict[int, int]] = None, edge: int = EDGE) -> None:
        self._scan = scanner
        self._keeper = _Keeper({} if alike is None else alike)
        self._counts = [0] * len(WORDS)
        self._open: Optional[Region] = None
        self._until = 0  # how much of the current block the open region still wants
        self._edge = edge
        self._before = b""  # the end of the block before
        self.lines = 0
        self.start: Optional[Region] = None
        self.end: Optional[Region] = None

    def run(self, blocks: Iterable[bytes]) -> Scan:
        """Read all blocks."""
        block = b""
        for block in blocks:
            if self.start is None and self._edge:
                self.start = Region(1, block[: block.rfind(b"\n", 0, self._edge) + 1 or self._edge], [])
            self._take(block)
            self.lines += _newlines(block)
            self._before = block[-(BEFORE + 200) :]
        if block:
            tail = block[-(4 * self._edge or (SHORT_EDGE if self._open is None and not self._keeper.head else 1)) :]
            tail = tail[tail.find(b"\n") + 1 :] if len(tail) < len(block) else tail
            ended = block.endswith(b"\n")
            self.end = Region(self.lines - tail.count(b"\n") + 1, tail, [])
            self.lines += 0 if ended else 1
        self._close()
        return self

    def _wanted(self, hits: Iterable[tuple[int, int]]) -> Iterator[int]:
        for place, number in hits:
            self._counts[number] += 1
            if self._counts[number] <= _FLOOD:
                yield place

    def _take(self, block: bytes) -> None:
        place = 0  # up to here the block belongs to a region already
        if self._open is not None:
            place = self._extend(block, 0, self._until)
        for hit in self._wanted(self._scan(block)):
            if self._open is not None and hit < place:
                self._open.hits.append(len(self._open.data) - (place - hit))
                if place - hit < AFTER and len(self._open.data) < REGION:
                    place = self._extend(block, place, hit + AFTER)
                continue
            if self._open is not None and hit - place < BEFORE and len(self._open.data) < REGION:
                start = place
                place = self._extend(block, place, hit + AFTER)
                self._open.hits.append(len(self._open.data) - (place - hit) if self._open else hit - start)
                continue
            self._close()
            place = self._start(block, hit, place)
        if place < len(block):
            self._close()

    def _start(self, block: bytes, hit: int, taken: int) -> int:
        begin = max(taken, block.rfind(b"\n", 0, max(taken, hit - BEFORE)) + 1)
        number = self.lines + _newlines(block[:begin]) + 1
        earlier = b""
        if begin == 0 and not taken and hit < BEFORE and self._before:
            earlier = self._before[-(BEFORE - hit) :]
            earlier = earlier[earlier.find(b"\n") + 1 :] if b"\n" in earlier[:-1] else b""
            number -= earlier.count(b"\n")
        self._open = Region(number, earlier, [len(earlier) + hit - begin])
        return self._extend(block, begin, hit + AFTER)

    def _extend(self, block: bytes, place: int, until: int) -> int:
        """Give the open region the block's bytes from ``place`` to the line that holds ``until``; where it now ends."""
        assert self._open is not None
        if until >= len(block):
            end = len(block)
            self._until = until - len(block)
        else:
            end = block.find(b"\n", until) + 1 or len(block)
            self._until = 0
        end = max(place, min(end, place + 2 * REGION))
        self._open.data += block[place:end]
        return end

    def _close(self) -> None:
        if self._open is not None:
            self._keeper.add(self._open)
        self._open, self._until = None, 0

    @property
    def left_out(self) -> int:
        """How many regions were shortened or dropped."""
        return self._keeper.left_out + sum(count > _FLOOD for count in self._counts)

    @property
    def regions(self) -> list[Region]:
        """What was kept, in order: the file's beginning and end, and what stands around the words."""
        kept = [*self._keeper.head, *self._keeper.tail]
        for edge in (self.start, self.end):
            if edge is not None and edge.data:
                kept.append(edge)
        return _without_overlap(sorted(kept, key=lambda region: (region.first, -len(region.data))))


def _without_overlap(regions: list[Region]) -> list[Region]:
    """The regions without the lines that an earlier one holds already."""
    result: list[Region] = []
    after = 1
    for region in regions:
        first, data = region.first, region.data
        if first < after:
            skip = after - first
            place = 0
            for _ in range(skip):
                place = data.find(b"\n", place) + 1
                if not place:
                    place = len(data)
                    break
            first, data = after, data[place:]
        if not data:
            continue
        result.append(Region(first, data, []))
        after = first + data.count(b"\n") + (0 if data.endswith(b"\n") else 1)
    return result
