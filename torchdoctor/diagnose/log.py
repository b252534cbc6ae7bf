"""What reading a text yields: cleaned lines, separated by rank, and the failures seen in them."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Optional

from torchdoctor.model import Quote

EventKind = Literal["exception", "signal", "fatal", "kernel", "exit", "error"]


@dataclass(frozen=True)
class Line:
    """One logical line: prefixes, colours and frames removed, wrapped parts joined.

    ``number`` is the first physical line (from 1) of ``file`` that it was read from; ``raw`` is that text before cleaning.
    """

    file: str
    number: int
    text: str
    raw: str = ""
    time: Optional[str] = None
    rank: Optional[int] = None  # of this line; a stream of one rank may hold lines of its launcher, which have none
    host: Optional[str] = None


@dataclass(frozen=True)
class Frame:
    """One stack frame of a traceback; ``code`` is the source line where it is shown."""

    path: str
    line: int
    function: str
    code: str = ""

    @property
    def own(self) -> bool:
        """True for the person's own code: neither an installed package nor the standard library."""
        path = self.path.replace("\\", "/")
        return not any(part in path for part in ("site-packages/", "dist-packages/", "/lib/python", "<frozen ", "/Lib/"))


@dataclass(frozen=True)
class Event:
    """One failure: an exception with its frames (outermost first), a signal, a fatal message, a kernel line.

    ``first`` and ``last`` are indices into the lines of its stream. ``chain`` counts from 0 for the innermost
    (original) exception of a chain. ``message`` is the whole message, lines joined by spaces.
    """

    kind: EventKind
    type: str
    message: str
    first: int
    last: int
    frames: tuple[Frame, ...] = ()
    chain: int = 0
    rank: Optional[int] = None  # whose failure it is, where a prefix, a file name or the message itself tells
    exit_code: Optional[int] = None  # of kind "exit" and "signal": the process's exit code, negative for a signal
    via: str = ""  # "summary" (a launcher's table), "ignored" (Exception ignored in), "worker" (told by another process)


@dataclass(frozen=True)
class Stream:
    """What one rank (or the whole text, where ranks are not told apart) wrote, in order.

    Where only one rank is named in a text, its lines and the others stay together in one stream of rank None,
    and the lines carry the rank; where several are, each rank has its stream and the rest has one of rank None.
    """

    rank: Optional[int]
    host: Optional[str]
    lines: tuple[Line, ...]
    events: tuple[Event, ...]
    text: str
    """All lines joined by single spaces, runs of white space squeezed: what the signs are searched in."""
    starts: tuple[int, ...]
    """For each line the offset in ``text`` where it begins."""

    def line_at(self, offset: int) -> int:
        """The index of the line that holds this offset of ``text``."""
        return max(0, bisect.bisect_right(self.starts, offset) - 1)

    def quote(self, index: int) -> Quote:
        """The line of this index, as evidence."""
        line = self.lines[index]
        return Quote(line.file, line.number, line.text, self.rank_at(index))

    def rank_at(self, index: int) -> Optional[int]:
        """Whose line this is: as a prefix or a file name tells, else as the failure that it belongs to does."""
        line = self.lines[index]
        if line.rank is not None or " local_rank: " in line.text:  # the agent of a second node counts local ranks from 0 again
            return line.rank
        of_events = (event.rank for event in self.events if event.first <= index <= event.last and event.rank is not None)
        return next(of_events, self.rank)


def make_stream(lines: tuple[Line, ...], events: tuple[Event, ...] = (), rank: Optional[int] = None, host: Optional[str] = None) -> Stream:
    """A stream with its joined text and offsets."""
    parts: list[str] = []
    starts: list[int] = []
    offset = 0
    for line in lines:
        squeezed = " ".join(line.text.split())
        starts.append(offset)
        parts.append(squeezed)
        offset += len(squeezed) + 1
    return Stream(rank, host, lines, events, " ".join(parts), tuple(starts))


def reread(stream: Stream, said: Mapping[int, str]) -> Stream:
    """The stream as it is searched if the lines of these indices said something else; what is quoted stays."""
    lines = tuple(replace(line, text=said.get(index, line.text)) for index, line in enumerate(stream.lines))
    return replace(make_stream(lines, stream.events, stream.rank, stream.host), lines=stream.lines)


@dataclass(frozen=True)
class Log:
    """Everything that was read from one input."""

    streams: tuple[Stream, ...]
    total_lines: int = 0
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
