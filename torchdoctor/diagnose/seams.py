"""Words that a line's end may have broken, put together again: where too few lines tell the column, reading cannot know that one did.

A text of two or three lines does not show at which column it was broken. Where nothing is found in it as it stands, it is searched once more
as if every long line that ends in a word went on with the next one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from torchdoctor.diagnose.log import Log, Stream, reread

MIN_COLUMN = 39
"""Characters of a line from which on its end may be a column at which text is broken."""
MAX_LINES = 2000
"""The last lines of a rank that are looked at."""


def without_seams(log: Log) -> Optional[Log]:
    """The log with the words at its lines' ends joined; None where no line can have been broken inside a word."""
    streams = tuple(_joined(stream) for stream in log.streams)
    return replace(log, streams=streams) if any(new is not old for new, old in zip(streams, log.streams)) else None


def _joined(stream: Stream) -> Stream:
    said: dict[int, str] = {}
    first = max(0, len(stream.lines) - MAX_LINES)
    for index in range(len(stream.lines) - 1, first, -1):
        before, after = stream.lines[index - 1].text.rstrip(), said.get(index, stream.lines[index].text)
        if len(before) >= MIN_COLUMN and _word(before[-1:]) and _word(after[:1]):
            said[index - 1], said[index] = before + after, ""
    return reread(stream, said) if said else stream


def _word(character: str) -> bool:
    return character.isalnum() or character == "_"
