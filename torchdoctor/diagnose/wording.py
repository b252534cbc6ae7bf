"""How alike two messages are by their words, and which line of the catalogue's examples a message is most like."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from torchdoctor.model import Cause

MAX_LENGTH = 1000
MIN_WORDS = 3
TYPE = re.compile(r"^\s*(?:[\w.]+\.)?(?P<type>\w+(?:Error|Exception|Warning|Failure))\s*[:\uff1a]\s*")
_WORD = re.compile(r"(?<![a-z0-9_])(?<!--)[a-z_][a-z0-9_]+")
_FUNCTION_WORDS = frozenset(
    "the an of to is in that and be for with on at this by are as or if it was were you your from which but has have been will".split()
)
FIELD = frozenset(
    "torch cuda nccl gloo mps gpu nvidia tensor cudnn cublas cusparse triton inductor dynamo transformer accelerate deepspeed rocm hip xpu xformer "
    "bitsandbyte flash dataloader rank ddp fsdp peft vllm safetensor tokenizer autocast backward grad nvcc ninja nvml".split()
)
"""Words of this field: without one, an error is as likely of something else altogether."""
_QUOTED = re.compile(
    r"[\"'`\u2018\u201c\u00ab\u300c][^\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb\u300c\u300d]{1,200}[\"'`\u2019\u201d\u00bb\u300d]"
)
_VALUE = re.compile(
    r"(?P<quoted>[\"'`\u2018\u201c\u00ab\u300c] ?[\w./:-]{1,200} ?[\"'`\u2019\u201d\u00bb\u300d])|(?P<dtype>torch\.\w+(?:\.\w+)*)|"
    r"(?P<device>\b(?:cuda|mps|xpu):\d+|\bcpu\b)|(?P<option>(?<![\w-])--\w[\w-]*)|(?P<number>(?<![\w.])\d+(?:[.,]\d+)*)",
    re.IGNORECASE,
)
"""What a line has of its own: names in quotes, dtypes, devices, options, numbers."""
_QUOTES = "\"'`\u2018\u201c\u00ab\u300c\u2019\u201d\u00bb\u300d "
LETTERS = re.compile(r"[\u0400-\u04ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
MIN_LETTERS = 3
"""Letters of another script from which on a line is in another language."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_IDENTIFIER = re.compile(r"\w*(?:[a-z0-9]_[a-z0-9]|[a-z][A-Z]|[a-zA-Z]\d)\w*|\w+(?=\(\))|\b[A-Z]{3,}\b|\bfp16\b|(?<=\w\.)[a-z]\w+")
"""What is the name of something: no language translates it."""
NAMES = frozenset(
    "cuda cudnn cublas nccl gloo mps rocm gpu cpu torch pytorch float half double long int bfloat dtype nvidia smi amd python dll omp "
    "libiomp dataloader autograd inplace state dict triton nvcc numpy pip mat1 mat2 grad bitsandbyte transformer accelerate flash attn "
    "ancdata errno winerror none true false gradscaler xformer".split()
)
"""Names in plain letters."""
_WEAK_NAMES = frozenset(
    "errno error runtimeerror none true false self py int float long name file forward backward init call mask model input output data".split()
)
"""Names that stand in messages of every kind."""
LEAST, LEAST_NAMELESS = 5.0, 11.0
"""What the words that a translation shares with a line must tell together; more where no name is among them."""
NAMELESS = 0.85
"""Likeness of a translation that shares no name with the line."""
SAME_VALUES = 0.02
"""What speaks for a line with as many values as the text."""
HIDDEN, PLAIN, STRANGE, TERM, VALUE = 0.25, 0.25, 0.3, 0.3, 0.125
"""What of their weight words count that only one side has: an example's in quotes (values) or in plain English that the table of terms
has no row for; the translation's names that no example has, terms (one may mean several English words), and values in quotes."""


@dataclass(frozen=True)
class Message:
    """A line as it is compared: the exception's type (or empty), the names that no language translates, all its English words.

    Of a translation ``words`` are what its terms may mean; ``expected`` are the words that the table of terms could have found.
    """

    type: str
    names: frozenset[str]
    words: frozenset[str]
    expected: frozenset[str] = frozenset()


def english(text: str) -> Message:
    """An English line; what stands between underscores also counts alone, and a plural as its singular."""
    found = TYPE.match(text)
    words = set(_WORD.findall(TYPE.sub("", text[:MAX_LENGTH]).lower()))
    words |= {part for word in words for part in word.split("_") if len(part) > 2}
    plain = frozenset(word.removesuffix("s") if len(word) > 3 else word for word in words - _FUNCTION_WORDS)
    return Message(found["type"] if found else "", plain, plain)


def names_in(text: str) -> frozenset[str]:
    """The words of a line that are names in any language."""
    text = TYPE.sub("", text[:MAX_LENGTH])
    words = english(text).words
    return english(" ".join(_IDENTIFIER.findall(text))).words & words | words & NAMES


class Wordings:
    """The lines of the causes' examples and counterexamples, and how telling each of their words is."""

    def __init__(self, causes: Iterable[Cause]) -> None:
        texts = dict.fromkeys(part for cause in causes for text in (*cause.examples, *cause.counterexamples) for part in _parts(text))
        lines = ((text, english(text)) for text in texts if len(LETTERS.findall(text)) < MIN_LETTERS)
        self.lines = [(text, line) for text, line in lines if len(line.words) >= MIN_WORDS]
        self.having: dict[str, list[int]] = defaultdict(list)
        for number, (_, line) in enumerate(self.lines):
            for word in line.words:
                self.having[word].append(number)
        self.tells = {word: math.log((len(self.lines) + 1) / (len(having) + 0.5)) for word, having in self.having.items()}
        self.whole = [self.weight(line.words) for _, line in self.lines]
        self.quoted = cache(lambda number: _quoted(self.lines[number][0]))
        self.named = cache(lambda number: names_in(self.lines[number][0]))

    def weight(self, words: Iterable[str]) -> float:
        """What these words tell together: the fewer lines use one, the more."""
        strange = math.log(2 * (len(self.lines) + 1))
        return sum(self.tells.get(word, strange) for word in words)

    def most_alike(self, shown: Message, text: str, least: float) -> str:
        """The line that is most alike (at least this), with the text's own values.

        Empty where none is. It may be a counterexample's, which says something else than the cause's own.
        """
        best, score = "", least
        values = len(_VALUE.findall(text))
        quoted = _quoted(text)
        weight = self.weight(shown.words)
        for most, number, both in self._shared(shown):
            if most + SAME_VALUES < score:
                break
            known, line = self.lines[number]
            if shown.type and line.type and shown.type != line.type:
                continue
            if shown.expected:
                likeness = self._of_translation(shown, quoted, number, both)
            elif shown.type != "RuntimeError" and not (line.words & shown.names) - {"errno"}:
                continue
            else:
                likeness = both / math.sqrt(self.whole[number] * weight)
            if likeness < least:
                continue
            likeness += SAME_VALUES * (len(_VALUE.findall(known)) == values)
            if likeness > score or not best:
                best, score = known, likeness
        return _with_values(best, text)

    def _shared(self, shown: Message) -> list[tuple[float, int, float]]:
        """How alike a line can be at most, its number, and what the words that it shares tell: the best first, one shared word is chance."""
        shared: dict[int, float] = defaultdict(float)
        for word in shown.words:
            for number in self.having.get(word, ()):
                shared[number] += self.tells[word]
        often = Counter(number for word in shown.words for number in self.having.get(word, ()))
        found = [(number, both) for number, both in shared.items() if often[number] >= MIN_WORDS - 1]
        return sorted(
            ((math.sqrt(both / (both + PLAIN * (self.whole[number] - both))), number, both) for number, both in found), key=_best_first
        )

    def _of_translation(self, shown: Message, quoted: frozenset[str], number: int, both: float) -> float:
        """How alike a translation is to a line: names must agree on both sides, other words only where the terms would have told them.

        Nothing (0) where so little is shared that it may be chance.
        """
        line = self.lines[number][1]
        nameless = not (line.words & shown.names) - _WEAK_NAMES
        if both < (LEAST_NAMELESS if nameless else LEAST):
            return 0
        absent = line.words - shown.words
        hidden = absent & self.quoted(number)
        named = (absent & self.named(number)) - hidden
        told = (absent & shown.expected) - hidden - named
        lacks = self.weight(named | told) + HIDDEN * self.weight(hidden) + PLAIN * self.weight(absent - hidden - named - told)
        extra = shown.words - line.words
        values = extra & quoted
        strange = {word for word in extra & shown.names if word not in self.tells} - values
        sure = (extra & shown.names) - strange - values
        more = self.weight(sure) + STRANGE * self.weight(strange) + VALUE * self.weight(values)
        more += TERM * self.weight(word for word in extra - shown.names if word in self.tells)
        likeness = both / math.sqrt((both + lacks) * (both + more))
        return likeness if likeness >= NAMELESS or not nameless else 0


def _best_first(found: tuple[float, int, float]) -> tuple[float, int]:
    return -found[0], found[1]


def _quoted(text: str) -> frozenset[str]:
    return english(" ".join(_QUOTED.findall(text))).words


def _parts(example: str) -> Iterator[str]:
    """The lines of an example, and the sentences of each alone: what is pasted is often a part."""
    for line in example.splitlines():
        yield line.strip()
        yield from _SENTENCE.split(line.strip())


def _with_values(said: str, text: str) -> str:
    """The known message with the line's own values; what follows a place that the line has no value of that kind for is left out.

    A translation may tell them in another order: a value that both have keeps its place, the others follow in their order.
    """
    own: dict[str, list[str]] = defaultdict(list)
    for found in _VALUE.finditer(text):
        own[found.lastgroup or ""].append(found[0].strip(_QUOTES))
    any_own = bool(own)
    places = [(found, found.lastgroup or "", found[0].strip(_QUOTES)) for found in _VALUE.finditer(said)]
    kept = []
    for _, kind, value in places:
        kept.append(value in own[kind])
        if kept[-1]:
            own[kind].remove(value)
    parts: list[str] = []
    end = 0
    for (found, kind, value), same in zip(places, kept):
        if any_own and not same and not own[kind]:
            return "".join([*parts, said[end : found.start()]])
        value = value if same or not any_own else own[kind].pop(0)
        parts += [said[end : found.start()], found[0].replace(found[0].strip(_QUOTES), value)]
        end = found.end()
    return "".join([*parts, said[end:]])
