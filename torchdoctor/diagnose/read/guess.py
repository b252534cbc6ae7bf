"""Prefixes that could be ordinary text, taken off only where a whole run of lines has them and a traceback stands behind one.

``3: `` of srun, ``node1: `` of pdsh, ``> `` of a quotation, ``web-1  | `` of docker-compose, line numbers, logging formats.
"""

from __future__ import annotations

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


_DATE = r"(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?"
_LEVEL = r"(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)"
_KINDS = (
    _Kind("quote", Lazy(r"(?:> ?){1,6}(?!>)()")),
    _Kind("digits", Lazy(r" {0,4}(\d{1,6}): ?")),
    _Kind("hydra", Lazy(r"\[(\d{1,6})\]:? ")),
    _Kind("pipe", Lazy(r"([\w.@/-]{1,64}?)\s{0,30}\|\s?", "|")),
    _Kind("host", Lazy(r"((?!File\b)[A-Za-z][\w.-]{0,63}|\d{1,3}(?:\.\d{1,3}){3}): ?", ":")),
    _Kind("box", Lazy(r"[|│┃]()\s?", "|", "│", "┃")),
    _Kind("comment", Lazy(r"(?:#|//|--|;|\*)()\s")),
    _Kind("gutter", Lazy(r"\s{0,6}(\d{1,6})(?:\s{1,4}|\t|\s?[|│]\s?)")),
    _Kind("logger", Lazy(r"(\[?[EWIF]\d{3,4} \d\d:\d\d:\d\d\.\d{3,9}\s{1,4}\d{1,9}\s[^\]\s]{1,200}:\d{1,6}\])\s?", "]")),
    _Kind("logger", Lazy(rf"({_LEVEL}\s{{1,3}}(?:\d\d-\d\d )?\d\d:\d\d:\d\d(?:\.\d{{1,6}})? \[?[\w./-]{{1,80}}:\d{{1,6}}\])\s?", "]")),
    _Kind(
        "logger",
        Lazy(
            rf"(\[?{_DATE}\]?\s{{0,2}}[-|:,]?\s{{0,2}}(?:[\w.:/-]{{1,80}}\s{{0,3}}[-|:]?\s{{0,3}})?\[?{_LEVEL}\]?(?:\s{{0,8}}[-|:]\s{{1,3}}[\w.:<>/-]{{1,80}}(?=\s[-|:]|:))?)\s?[-|:]?\s?",
            ":",
        ),
    ),
    _Kind("logger", Lazy(rf"(\[?{_DATE}\]?(?: [\w./-]{{1,80}}:\d{{1,6}} : {_LEVEL})?)\s?[|:-]?\s?", ":")),
    _Kind("logger", Lazy(rf"(\[?{_LEVEL}\]?(?::[\w.]{{1,80}})?):\s?", ":")),
)
_NOT_HOST = ("Error", "Exception", "Warning", "Interrupt", "Exit", "Failure", "Fault", "Iteration")
_DIGITS = str.maketrans("", "", "0123456789")


def _who(kind: _Kind, text: str) -> Optional[tuple[str, int]]:
    found = kind.pattern.match(text)
    if not found:
        return None
    who = found[1]
    if kind.name == "host" and (who.endswith(_NOT_HOST) or who in ("File", "error", "fatal", "what", "ERROR", "WARNING", "INFO")):
        return None
    if kind.name == "logger":
        who = who.translate(_DIGITS)
    return who, found.end()


def _strip_run(kind: _Kind, run: Sequence[tuple[Row, str, int]]) -> bool:
    strong = {who for row, who, end in run if is_strong(row.text[end:])}
    if not strong:
        return False
    numbers = [int(who) for _, who, _ in run] if kind.name in ("digits", "hydra", "gutter") else []
    counting = len(numbers) > 2 and all(b - a == 1 for a, b in zip(numbers, numbers[1:]))
    if kind.name == "gutter" and not counting:
        return False
    if kind.name == "host" and len(run) < 3:
        return False
    for row, who, end in run:
        if kind.name == "logger" and who not in strong:
            continue
        row.text = row.text[end:]
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
    return changed


def is_strong_anywhere(text: str) -> bool:
    """Whether a traceback's header or a frame stands in the text behind something."""
    place = text.find("Traceback (most recent call last)")
    if place < 0:
        place = text.find('File "')
    return place > 0 and bool(text[:place].strip())
