"""Try every cause on every rank's text; never first match wins."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torchdoctor.diagnose.log import Log, Stream
from torchdoctor.diagnose.situation import Situation, holds
from torchdoctor.model import Cause, Sign, Strength


@dataclass(frozen=True)
class Candidate:
    """A cause that a sign of it was found for: where, how strong, and what the sign's groups captured."""

    cause: Cause
    strength: Strength
    stream: Stream
    start: int
    end: int
    groups: Mapping[str, str]


_OPTIONAL = re.compile(r"\\(?:[bBAZdDsSwW]|x..)|\\(.)|(\[(?:\\.|[^\]])*\]|\((?:\\.|[^()]|\((?:\\.|[^()])*\))*\)|.)([?*]|\{0,\d*\})|\[(?:\\.|[^\]])*\]|\((?:\\.|[^()]|\((?:\\.|[^()])*\))*\)|[.^$+|]|\{\d+(?:,\d*)?\}")


@functools.lru_cache(maxsize=None)
def literal_of(pattern: str) -> str:
    """The longest literal that every match of the pattern contains, lower case ("" where there is none)."""
    pieces = [""]
    position = 0
    for found in _OPTIONAL.finditer(pattern):
        pieces[-1] += pattern[position : found.start()]
        position = found.end()
        if found[1] is not None:
            pieces[-1] += found[1]
        elif found[0] == "|":
            return ""
        elif found[0] != "+":
            pieces.append("")
        else:
            pieces.append("")
    pieces[-1] += pattern[position:]
    return max(pieces, key=len).lower()


@functools.lru_cache(maxsize=None)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as it is searched: ignoring case."""
    return re.compile(pattern, re.IGNORECASE)


def _found(pattern: str, text: str, lowered: str) -> bool:
    return literal_of(pattern) in lowered and compiled(pattern).search(text) is not None


def _sign_matches(sign: Sign, stream: Stream, lowered: str, situation: Situation) -> Iterable[re.Match[str]]:
    if literal_of(sign.pattern) not in lowered:
        return
    for found in compiled(sign.pattern).finditer(stream.text):
        low, high = 0, len(stream.text)
        if sign.near:
            low, high = max(0, found.start() - sign.near), found.end() + sign.near
        around, around_lowered = stream.text[low:high], lowered[low:high]
        if not all(_found(p, around, around_lowered) for p in sign.also):
            continue
        if any(_found(p, around, around_lowered) for p in sign.unless):
            continue
        groups = {name: value or "" for name, value in found.groupdict().items()}
        if sign.test is None or sign.test(groups, situation):
            yield found


def match(log: Log, causes: Iterable[Cause], situation: Situation) -> list[Candidate]:
    """For each cause and stream the strongest, earliest match of its signs."""
    found: list[Candidate] = []
    causes = tuple(causes)
    for stream in log.streams:
        lowered = stream.text.lower()
        for cause in causes:
            if any(_found(p, stream.text, lowered) for p in cause.unless):
                continue
            if any(holds(condition, situation) for condition in cause.refuted):
                continue
            hits = [
                Candidate(cause, sign.strength, stream, hit.start(), hit.end(), {k: v or "" for k, v in hit.groupdict().items()})
                for sign in cause.signs
                for hit in _sign_matches(sign, stream, lowered, situation)
            ]
            if hits:
                found.append(max(hits, key=lambda c: (c.strength, -c.start)))
    return found
