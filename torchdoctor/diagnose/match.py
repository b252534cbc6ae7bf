"""Try every cause on every rank's text; never first match wins.

Most of the catalogue's patterns are never compiled: each has a literal that every match of it holds, and
a plain search for that literal in the lower-cased text comes first.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Optional

from torchdoctor.diagnose.literals import bounded, literal_of
from torchdoctor.diagnose.log import Log, Stream
from torchdoctor.diagnose.situation import Situation, holds
from torchdoctor.model import Cause, Sign, Strength

MAX_HITS = 8
"""Matches of one sign that are kept for one rank: enough to quote and to find the earliest that counts."""
_TYPEWRITER = {ord(curly): straight for curly, straight in zip("\u2018\u2019\u201c\u201d\u00a0", "''\"\" ", strict=True)}
"""Word processors and chats turn the quotes of a message into curly ones, one for one: offsets stay."""
MAX_REPEAT = 256
"""Characters that an unbounded repetition of a pattern may take: longer than any path or name that matters."""
REACH = 16_000
"""Characters that a match may reach before or behind its literal."""
MANY = 8
"""Ranks from which on it pays to find out first which literals any of them wrote."""
SEAM = 200
"""Characters on either side of a line's end that a literal may reach over."""
_DIGITS = {ord(digit): "0" for digit in "123456789"}
MAX_TRIES = 64
"""Matches of one sign that are looked at for one rank; a log may repeat a line a million times."""


@dataclass(frozen=True)
class Hit:
    """One match of a sign: where in the stream's text, how strong, and what its groups captured."""

    sign: Sign
    strength: Strength
    start: int
    end: int
    groups: Mapping[str, str]


@dataclass(frozen=True)
class Candidate:
    """A cause that signs were found for in one rank's text; the fields tell its best hit, ``hits`` all of them."""

    cause: Cause
    strength: Strength
    stream: Stream
    start: int
    end: int
    groups: Mapping[str, str]
    hits: tuple[Hit, ...] = ()


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as it is searched: ignoring case, and with every repetition bounded.

    A pattern that begins with ``\\S+`` would read the rest of a line without spaces again from every character of it.
    """
    return re.compile(bounded(pattern, MAX_REPEAT), re.IGNORECASE)


class Searched:
    """One rank's text with what was already asked of it, so that no pattern reads the whole text twice.

    A pattern is tried only around the places where its literal stands: a line of a million characters that could
    begin a match costs nothing where no match can end.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.text = stream.text.translate(_TYPEWRITER)
        self.lowered = self.text.lower()
        self._known: dict[str, bool] = {}

    def regions(self, literal: str) -> Iterator[tuple[int, int]]:
        """The stretches of the text that a match around this literal can lie in; they do not overlap."""
        if len(self.lowered) != len(self.text):  # a few capitals are longer in lower case: offsets differ
            if literal in self.lowered:
                yield 0, len(self.text)
            return
        low = high = -1
        at = self.lowered.find(literal)
        while at >= 0:
            if at - REACH > high:
                if high >= 0:
                    yield low, high
                low = max(0, at - REACH)
            at = self.lowered.rfind(literal, at, at + REACH + len(literal))  # those between lie in the same stretch
            high = at + len(literal) + REACH
            at = self.lowered.find(literal, at + max(1, len(literal)))
        if high >= 0:
            yield low, min(high, len(self.text))

    def matches(self, pattern: str) -> Iterator[re.Match[str]]:
        """Every match of the pattern, in order."""
        for low, high in self.regions(literal_of(pattern)):
            yield from compiled(pattern).finditer(self.text, low, high)

    def holds(self, pattern: str) -> bool:
        """Whether the pattern is found anywhere."""
        known = self._known.get(pattern)
        if known is None:
            known = self._known[pattern] = next(self.matches(pattern), None) is not None
        return known

    def holds_near(self, pattern: str, low: int, high: int) -> bool:
        """Whether the pattern is found between two offsets."""
        return self.holds(pattern) and compiled(pattern).search(self.text[max(0, low) : high]) is not None

    def _is_line(self, start: int, end: int) -> bool:
        """Whether a line begins and ends at these offsets."""
        starts, index = self.stream.starts, self.stream.line_at(start)
        following = starts[index + 1] - 1 if index + 1 < len(starts) else len(self.text)
        return starts[index] == start and end == following

    def hits(self, sign: Sign, situation: Situation) -> Iterator[Hit]:
        """The first matches of the sign that its conditions allow."""
        if literal_of(sign.pattern) not in self.lowered:
            return
        if not sign.near and (not all(map(self.holds, sign.also)) or any(map(self.holds, sign.unless))):
            return
        kept = 0
        for tries, found in enumerate(self.matches(sign.pattern)):
            if tries >= MAX_TRIES or kept >= MAX_HITS:
                return
            if sign.alone and not self._is_line(found.start(), found.end()):
                continue
            if sign.near:
                low, high = found.start() - sign.near, found.end() + sign.near
                if not all(self.holds_near(p, low, high) for p in sign.also):
                    continue
                if any(self.holds_near(p, low, high) for p in sign.unless):
                    continue
            groups = {name: value or "" for name, value in found.groupdict().items()}
            if sign.test is None or sign.test(groups, situation):
                kept += 1
                yield Hit(sign, sign.strength, found.start(), found.end(), groups)


def literals_in(log: Log) -> Callable[[str], bool]:
    """A function that says whether any rank's text may hold a literal."""
    if len(log.streams) > MANY:
        anywhere = _lines_once(log.streams)
        return lambda literal: literal.translate(_DIGITS) in anywhere
    texts = [stream.text.translate(_TYPEWRITER).lower() for stream in log.streams]
    return lambda literal: any(literal in text for text in texts)


def match(log: Log, causes: Iterable[Cause], situation: Situation, held: Optional[Callable[[str], bool]] = None) -> list[Candidate]:
    """For each cause and rank all that its signs found, the strongest and earliest first; ``held`` are the log's ``literals_in``, where known.

    Whether the situation refutes a cause is not judged here: see ``refuted_by``.
    """
    rows: list[tuple[Cause, Stream, list[Hit]]] = []
    causes = tuple(causes)
    held = held or literals_in(log)
    index = [entry for entry in _index(causes) if held(entry[0])]
    for stream in log.streams:
        searched = Searched(stream)
        lowered = searched.lowered
        for number in sorted({number for literal, numbers in index if literal in lowered for number in numbers}):
            cause = causes[number]
            hits = [hit for sign in cause.signs for hit in searched.hits(sign, situation)]
            if hits and not any(map(searched.holds, cause.unless)):
                rows.append((cause, stream, hits))
    found: list[Candidate] = []
    verdicts = _together(rows, situation)
    for cause, stream, hits in rows:
        hits = [_with_verdict(hit, verdicts.get(id(hit.sign), True)) for hit in hits if verdicts.get(id(hit.sign), True) is not False]
        if hits:
            hits.sort(key=lambda hit: (-hit.strength, hit.start, hit.start - hit.end))
            best = hits[0]
            found.append(Candidate(cause, best.strength, stream, best.start, best.end, best.groups, tuple(hits)))
    return found


def _index(causes: Sequence[Cause]) -> tuple[tuple[str, list[int]], ...]:
    """Each literal with the numbers of the causes that have a sign with it."""
    found: dict[str, list[int]] = {}
    for number, cause in enumerate(causes):
        for sign in cause.signs:
            found.setdefault(literal_of(sign.pattern), []).append(number)
    return tuple(found.items())


def _lines_once(streams: Iterable[Stream]) -> str:
    """Each different line of all ranks, and each seam between two, lower-case and with every digit a 0: ranks of a job write alike."""
    seen: set[str] = set()
    for stream in streams:
        text = stream.text.lower().translate(_DIGITS)
        if len(text) != len(stream.text):
            seen.add(text)
            continue
        for begin, end in zip(stream.starts, (*stream.starts[1:], len(text) + 1)):
            seen.add(text[begin : end - 1])
            seen.add(text[max(0, begin - SEAM) : begin + SEAM])
    return "\n".join(seen)


def _together(rows: Iterable[tuple[Cause, Stream, list[Hit]]], situation: Situation) -> dict[int, bool | Mapping[str, str]]:
    """For each sign (by ``id``) that compares the ranks what it says of all its matches together."""
    seen: dict[int, tuple[Sign, list[Mapping[str, str]]]] = {}
    for _, stream, hits in rows:
        for hit in hits:
            if hit.sign.together is not None:
                whose = stream.rank_at(stream.line_at(hit.start))
                rank = {} if whose is None else {"rank": str(whose)}
                seen.setdefault(id(hit.sign), (hit.sign, []))[1].append({**rank, **hit.groups})
    return {key: sign.together(groups, situation) for key, (sign, groups) in seen.items() if sign.together is not None}


def _with_verdict(hit: Hit, verdict: bool | Mapping[str, str]) -> Hit:
    """The hit with the words that the comparison of the ranks found."""
    return hit if isinstance(verdict, bool) else replace(hit, groups={**hit.groups, **verdict})


def refuted_by(cause: Cause, situation: Situation) -> str:
    """The condition in which it cannot be this cause, where it holds; otherwise empty."""
    return next((condition for condition in cause.refuted if holds(condition, situation)), "")
