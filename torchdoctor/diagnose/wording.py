"""How alike two messages are by their words, and which line of the catalogue's examples a message is most like."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torchdoctor.model import Cause

MAX_LENGTH = 1000
MIN_WORDS = 3
TYPE = re.compile(r"^\s*(?:[\w.]+\.)?(?P<type>\w+(?:Error|Exception|Warning|Failure))\s*[:\uff1a]\s*")
_WORD = re.compile(r"(?<![a-z0-9_])(?<!--)[a-z_][a-z0-9_]+")
_FUNCTION_WORDS = frozenset(
    "the an of to is in that and be for with on at this by are as or if it was were you your from which but has have been will".split()
)
_VALUE = re.compile(
    r"[\"'`\u2018\u201c][\w./:-]{1,200}[\"'`\u2019\u201d]|torch\.\w+(?:\.\w+)*|\b(?:cuda|mps|xpu):\d+|\bcpu\b|(?<![\w.])\d+(?:\.\d+)*",
    re.IGNORECASE,
)
"""What a line has of its own: names in quotes, dtypes, devices, numbers."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


@dataclass(frozen=True)
class Message:
    """A line as it is compared: the exception's type (or empty), the names that no language translates, all its English words."""

    type: str
    names: frozenset[str]
    words: frozenset[str]


def english(text: str) -> Message:
    """An English line; what stands between underscores also counts alone, and a plural as its singular."""
    found = TYPE.match(text)
    words = set(_WORD.findall(TYPE.sub("", text[:MAX_LENGTH]).lower()))
    words |= {part for word in words for part in word.split("_") if len(part) > 2}
    plain = frozenset(word.removesuffix("s") if len(word) > 3 else word for word in words - _FUNCTION_WORDS)
    return Message(found["type"] if found else "", plain, plain)


class Wordings:
    """The lines of the causes' examples and counterexamples, and how telling each of their words is."""

    def __init__(self, causes: Iterable[Cause]) -> None:
        texts = dict.fromkeys(part for cause in causes for text in (*cause.examples, *cause.counterexamples) for part in _parts(text))
        self.lines = [(text, line) for text, line in ((text, english(text)) for text in texts) if len(line.words) >= MIN_WORDS]
        self.spread = Counter(word for _, line in self.lines for word in line.words)

    def weight(self, words: Iterable[str]) -> float:
        """What these words tell together: the fewer lines use one, the more."""
        return sum(math.log((len(self.lines) + 1) / (self.spread[word] + 0.5)) for word in words)

    def most_alike(self, shown: Message, text: str, least: float) -> str:
        """The line that is most alike (cosine of the weighted words, at least this), with the text's own values.

        Empty where none is. It may be a counterexample's, which says something else than the cause's own.
        """
        best, score = "", (least, False)
        whole, values = self.weight(shown.words), len(_VALUE.findall(text))
        for known, line in self.lines:
            both = line.words & shown.words
            if len(both) < MIN_WORDS - 1 or (shown.type and line.type and shown.type != line.type):
                continue
            if shown.type != "RuntimeError" and not (both & shown.names) - {"errno"}:
                continue
            alike = (self.weight(both) / math.sqrt(self.weight(line.words) * whole), len(_VALUE.findall(known)) == values)
            if alike > score:
                best, score = known, alike
        return _with_values(best, text)


def _parts(example: str) -> Iterator[str]:
    """The lines of an example, and the sentences of each alone: what is pasted is often a part."""
    for line in example.splitlines():
        yield line.strip()
        yield from _SENTENCE.split(line.strip())


def _with_values(said: str, text: str) -> str:
    """The known message with the line's own values in their order; what follows the last of them is left out."""
    values = _VALUE.findall(text)
    places = list(_VALUE.finditer(said))
    if values and len(places) > len(values):
        said = said[: places[len(values)].start()]
    rest = iter(values)
    return _VALUE.sub(lambda found: next(rest, found[0]), said)
