"""A message in other words than the catalogue's signs know: translated by a browser or a chat, or of another version of the library.

The line of the catalogue's examples that it is most like stands for it, and the signs are searched once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Optional

from torchdoctor.diagnose.glossary import foreign
from torchdoctor.diagnose.log import Log, Stream, reread
from torchdoctor.diagnose.ordinary import failures, strange_failures
from torchdoctor.diagnose.wording import FIELD, Message, Wordings, english
from torchdoctor.model import Cause

TRANSLATED = 0.5
"""Likeness from which on an exception's line is taken for a translation of an example's."""
TRANSLATED_REPORT = 0.7
"""The same for a line that names no exception: it may tell of success."""
REWORDED = 0.57
"""Likeness from which on the message of a failure is read as an example's: below, every third is another failure."""
REWORDED_REPORT = 0.8
"""The same where no line of the text is known as a failure's."""
MAX_LINES = 40
"""The last lines of a rank that are looked at; of many ranks fewer of each."""
MAX_FAILURES = 3
_FAILS = re.compile(
    r"error|exception|fail|fatal|cannot|can't|could not|unable|abort|not found|unsupported|invalid|refused|timed out", re.IGNORECASE
)
_REPORTS = re.compile(r"\b(?:INFO|DEBUG|Requirement already satisfied|Successfully)\b|^\s*[+#]|\braise \w")
"""Lines that tell of no failure: reports, and source code."""
_NAMED = re.compile(r"[:\uff1a] ?(\w+(?:Error|Exception))\s*$")
_Lines = Callable[[Stream, int], Mapping[int, Message]]


def in_english(log: Log, causes: Iterable[Cause]) -> Optional[Log]:
    """The log with each translated line read as the known message it is alike to; None where no line is."""
    return _read(log, causes, _translated, lambda message: TRANSLATED if message.type else TRANSLATED_REPORT)


def in_known_words(log: Log, causes: Iterable[Cause]) -> Optional[Log]:
    """The log with the failures that nothing explains read as the known messages they are alike to; None where none is.

    Exceptions that a program raises on its own are left alone.
    """
    strange = strange_failures(log)[:MAX_FAILURES]
    if not strange and any(True for _ in failures(log)):
        return None

    def told(stream: Stream, most: int) -> dict[int, Message]:
        indices = {i for failure in strange if failure.stream is stream for i in range(failure.index, failure.event.last + 1)}
        if not strange:
            last = [(i, stream.lines[i].text) for i in range(max(0, len(stream.lines) - most), len(stream.lines))]
            indices = {i for i, text in last if _FAILS.search(text)}
        messages = {i: english(stream.lines[i].text) for i in sorted(indices)[:most] if not _REPORTS.search(stream.lines[i].text)}
        return {i: message for i, message in messages.items() if message.words & FIELD}

    return _read(log, causes, told, lambda _: REWORDED if strange else REWORDED_REPORT)


def _translated(stream: Stream, most: int) -> dict[int, Message]:
    last = len(stream.lines)
    messages = {index: foreign(stream.lines[index].text) for index in range(max(0, last - most), last)}
    return {index: _typed(message, stream.lines[index - 1].text if index else "") for index, message in messages.items() if message}


def _typed(message: Message, before: str) -> Message:
    """The message with the exception that the line before it ends in, as editors show it."""
    named = _NAMED.search(before)
    return replace(message, type=named[1]) if named and not message.type else message


def _read(log: Log, causes: Iterable[Cause], lines: _Lines, least: Callable[[Message], float]) -> Optional[Log]:
    most = max(1, MAX_LINES // max(1, len(log.streams)))
    found = [(stream, lines(stream, most)) for stream in log.streams]
    if not any(messages for _, messages in found):
        return None
    known = Wordings(causes)
    streams = []
    for stream, messages in found:
        said = {i: known.most_alike(message, stream.lines[i].text, least(message)) for i, message in messages.items()}
        said = {i: text for i, text in said.items() if text}
        streams.append(reread(stream, said) if said else stream)
    changed = any(new is not old for new, old in zip(streams, log.streams))
    return replace(log, streams=tuple(streams)) if changed else None
