"""A message that was translated: the line of the catalogue's examples that it is a translation of.

Browsers and chats translate what people copy; names, numbers and switches stay as they were. The example with the most words alike, by the
glossary, stands for the line, and the signs are searched once more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Optional

from torchdoctor.diagnose.glossary import Message, english, foreign
from torchdoctor.diagnose.log import Log, Stream, reread
from torchdoctor.model import Cause

ALIKE = 0.4
"""Cosine of the weighted words from which on an exception's line is taken for a translation of an example's."""
ALIKE_WITHOUT_TYPE = 0.7
"""The same for a line that names no exception: it may tell of success."""
MIN_WORDS = 3
MAX_LINES = 60
"""The last lines of a rank that are looked at; of many ranks fewer of each."""
_VALUE = re.compile(
    r"[\"'`\u2018\u201c][\w./:-]{1,200}[\"'`\u2019\u201d]|torch\.\w+(?:\.\w+)*|\b(?:cuda|mps|xpu):\d+|\bcpu\b|\d+(?:\.\d+)*", re.IGNORECASE
)
"""What a line has of its own: names in quotes, dtypes, devices, numbers."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def in_english(log: Log, causes: Iterable[Cause]) -> Optional[Log]:
    """The log with each translated line read as the known message it is alike to; None where no line is."""
    most = max(1, MAX_LINES // len(log.streams)) if log.streams else 0
    found: list[tuple[Stream, dict[int, Message]]] = [(stream, _foreign_lines(stream, most)) for stream in log.streams]
    if not any(lines for _, lines in found):
        return None
    known = _Known(causes)
    streams = []
    for stream, lines in found:
        said = {index: known.said(message, stream.lines[index].text) for index, message in lines.items()}
        said = {index: text for index, text in said.items() if text}
        streams.append(reread(stream, said) if said else stream)
    return replace(log, streams=tuple(streams))


def _foreign_lines(stream: Stream, most: int) -> dict[int, Message]:
    last = len(stream.lines)
    messages = {index: foreign(stream.lines[index].text) for index in range(max(0, last - most), last)}
    return {index: message for index, message in messages.items() if message}


class _Known:
    """The lines of the examples, and how telling each of their words is."""

    def __init__(self, causes: Iterable[Cause]) -> None:
        texts = dict.fromkeys(text for cause in causes for example in cause.examples for text in _parts(example))
        self.lines = [(text, line) for text, line in ((text, english(text)) for text in texts) if len(line.words) >= MIN_WORDS]
        self.spread = Counter(word for _, line in self.lines for word in line.words)

    def weight(self, words: Iterable[str]) -> float:
        """What these words tell together: the fewer lines use one, the more."""
        return sum(math.log((len(self.lines) + 1) / (self.spread[word] + 0.5)) for word in words)

    def said(self, shown: Message, text: str) -> str:
        """The line that is most alike, with the text's own values; empty where none is alike enough."""
        best, score = "", (ALIKE if shown.type else ALIKE_WITHOUT_TYPE, False)
        whole, values = self.weight(shown.words), _values(text)
        for known, line in self.lines:
            both = line.words & shown.words
            if len(both) < MIN_WORDS - 1 or (shown.type and line.type and shown.type != line.type):
                continue
            if shown.type != "RuntimeError" and not (both & shown.names) - {"errno"}:
                continue
            alike = (self.weight(both) / math.sqrt(self.weight(line.words) * whole), _values(known) == values)
            if alike > score:
                best, score = known, alike
        return _with_values(best, text)


def _parts(example: str) -> Iterator[str]:
    """The lines of an example, and the sentences of each alone: a translation is often of a part."""
    for line in example.splitlines():
        yield line.strip()
        yield from _SENTENCE.split(line.strip())


def _values(text: str) -> int:
    return len(_VALUE.findall(text))


def _with_values(said: str, text: str) -> str:
    """The known message with the line's own values in their order; what follows the last of them is left out."""
    values = _VALUE.findall(text)
    places = list(_VALUE.finditer(said))
    if values and len(places) > len(values):
        said = said[: places[len(values)].start()]
    rest = iter(values)
    return _VALUE.sub(lambda found: next(rest, found[0]), said)
