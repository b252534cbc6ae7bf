"""Prefixes that could be ordinary text, taken off only where a whole run of lines has them and a traceback stands behind one.

``3: `` of srun, ``node1: `` of pdsh, ``> `` of a quotation, ``web-1  | `` of docker-compose, line numbers, logging formats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.row import Row, is_strong


@dataclass(frozen=True)
class _Kind:
    """One form of prefix; group 1 of ``pattern`` is who wrote the line (a rank, a host), empty where the form does not tell."""

    name: str
    pattern: Lazy


_KINDS = (
    _Kind("quote", Lazy(r"(?:> ?){1,6}(?!>)()")),
    _Kind("digits", Lazy(r" {0,4}(\d{1,6}): ?")),
    _Kind("hydra", Lazy(r"\[(\d{1,6})\]:? ")),
    _Kind("pipe", Lazy(r"([\w.@/-]{1,64}?)\s{0,30}\|\s?", "|")),
    _Kind("host", Lazy(r"((?!File\b)[A-Za-z][\w.-]{0,63}|\d{1,3}(?:\.\d{1,3}){3}): ?", ":")),
    _Kind("box", Lazy(r"[|│┃]()\s?", "|", "│", "┃")),
    _Kind("comment", Lazy(r"(?:#|//|--|;|\*)()\s")),
    _Kind("gutter", Lazy(r"\s{0,6}(\d{1,6})(?:\s{1,4}|\t|\s?[|│]\s?)")),
)
_NOT_HOST = ("Error", "Exception", "Warning", "Interrupt", "Exit", "Failure", "Fault", "Iteration")
_RANK = Lazy(r"(?i)\brank\W{0,2}(\d{1,6})\b")
_DIGITS = re.compile(r"\d+")
MAX_PREFIX = 200


def _who(kind: _Kind, text: str) -> Optional[tuple[str, int]]:
    found = kind.pattern.match(text)
    if not found:
        return None
    who = found[1]
    if kind.name == "host" and (who.endswith(_NOT_HOST) or who in ("File", "error", "fatal", "what", "ERROR", "WARNING", "INFO")):
        return None
    return who, found.end()


def _strip_run(kind: _Kind, run: Sequence[tuple[Row, str, int]]) -> bool:
    if not any(is_strong(row.text[end:]) for row, _, end in run):
        return False
    numbers = [int(who) for _, who, _ in run] if kind.name in ("digits", "hydra", "gutter") else []
    counting = len(numbers) > 2 and all(b - a == 1 for a, b in zip(numbers, numbers[1:]))
    if kind.name == "gutter" and not counting:
        return False
    if kind.name == "host" and len(run) < 3:
        return False
    for row, who, end in run:
        row.text = row.text[end:].removesuffix(" |") if kind.name == "box" else row.text[end:]
        if counting:
            continue
        if kind.name in ("digits", "hydra"):
            row.rank = int(who)
        elif kind.name == "pipe":
            row.process = who
            row.rank = int(who) if who.isdigit() else row.rank
        elif kind.name == "host":
            row.host = row.process = who
    return True


def strip_guessed(rows: Sequence[Row]) -> bool:
    """Take off, in place, the prefixes that runs of lines share and a traceback proves. True when something was taken off."""
    changed = False
    if not any(is_strong_anywhere(row.text) for row in rows):
        return False
    for kind in _KINDS:
        run: list[tuple[Row, str, int]] = []
        stripped = False
        for row in rows:
            if not row.text.strip():
                continue
            found = _who(kind, row.text)
            if found:
                run.append((row, *found))
                continue
            if run:
                stripped |= _strip_run(kind, run)
                run = []
        if run:
            stripped |= _strip_run(kind, run)
        changed |= stripped
    return _strip_learned(rows) or changed


def _shape(prefix: str) -> re.Pattern[str]:
    """A pattern of the prefix in which numbers (times, process ids, ranks) may differ."""
    return re.compile(r"\d+".join(re.escape(part) for part in _DIGITS.split(prefix)))


def _prefix_of(text: str) -> str:
    """What stands before a traceback's header or before a frame's usual indent."""
    place = text.find("Traceback (", 1)
    if place < 0:
        place = text.find('File "', 1)
        place -= 2 if text[max(0, place - 2) : place] == "  " else 0
    return text[:place] if 0 < place <= MAX_PREFIX else ""


def _strip_learned(rows: Sequence[Row]) -> bool:
    """Take off, in place, whatever stands before a traceback's header and, but for its numbers, before the lines around it."""
    changed = False
    for index, row in enumerate(rows):
        if is_strong(row.text):
            continue
        prefix = _prefix_of(row.text)
        if not prefix.strip():
            continue
        shape = _shape(prefix)
        alike = [row]
        for others in (rows[index + 1 :], rows[:index][::-1]):
            for other in others:
                if not shape.match(other.text) and not (other.text and shape.match(other.text + " ")):
                    break
                alike.append(other)
        if len(alike) < 2:
            continue
        for other in alike:
            found = shape.match(other.text)
            rank = _RANK.search(found[0]) if found else None
            other.rank = int(rank[1]) if rank else other.rank
            other.text = other.text[found.end() :] if found else ""
        changed = True
    return changed


def is_strong_anywhere(text: str) -> bool:
    """Whether a traceback's header or a frame stands in the text behind something."""
    place = text.find("Traceback (")
    if place < 0:
        place = text.find('File "')
    return place > 0 and bool(text[:place].strip())
