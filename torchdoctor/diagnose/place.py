"""Where in the text something stands: in a failure's message, its frames, in source code, on which system."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from torchdoctor.diagnose.log import Event, Stream
from torchdoctor.diagnose.match import Candidate, Hit
from torchdoctor.diagnose.situation import Situation

SOURCE, WARNING, OUTSIDE, WITHIN, MESSAGE = -2, -1, 0, 1, 2
"""Where a sign matched: in source code that the text shows, in a warning, outside of every failure, in one's frames, in its message."""

_SOURCE = re.compile(
    r"^(?:[+-] {0,40})?(?:assert |raise |if |elif |else:|def |class |return\b|import |from \S+ import |for .* in |while |with |try:|except\b|print\(|@|#)"
)
_WARNING = re.compile(r"\b\w{0,40}Warning:|^(?:\[?[\d:. ,-]{4,30}\]? ?)?\[?WARN(?:ING)?\b|^warnings\.warn\(")
_INFORMATION = re.compile(r"^\W{0,4}[VI]\d{4} \d\d:\d\d:\d\d|\bNCCL (?:INFO|TRACE)\b|^.{0,60}?\b(?:INFO|DEBUG|TRACE)\b")
_VERBOSE = re.compile(r"^\W{0,4}V\d{4} \d\d:\d\d:\d\d|\bNCCL TRACE\b|^.{0,60}?\b(?:DEBUG|TRACE)\b|UserWarning: Plan failed with an? ")
"""Details for debugging; and cuDNN's plans, which a convolution tries in turn: one that fails is only warned of."""
_ERROR_FIELD = re.compile(r"\berr(?:or)?=(?!\"\"|nil\b|null\b|none\b|0\b)\S|(?-i:\b(?:ERROR|CRITICAL|FATAL)\b) ?[-:|\]]", re.IGNORECASE)
"""A record that tells an error, as a value or as the level of the program whose line it passes on, whatever level its writer gave it."""
_SYSTEMS = (
    ("macos", re.compile(r"^(?:/Users/|/opt/homebrew/|/Library/|/System/)")),
    ("linux", re.compile(r"^(?:/home/|/root/|/usr/|/opt/|/mnt/|/data|/workspace|/content/|/kaggle/|/scratch|/gpfs|/lustre)")),
    ("windows", re.compile(r"^[A-Za-z]:[\\/]")),
)


def events_at(stream: Stream, hit: Hit) -> list[Event]:
    """The failures that the match overlaps."""
    first, last = lines_of(stream, hit)
    return [event for event in stream.events if event.first <= last and first <= event.last]


def lines_of(stream: Stream, hit: Hit) -> tuple[int, int]:
    """The indices of the lines where the match begins and ends."""
    return stream.line_at(hit.start), stream.line_at(max(hit.start, hit.end - 1))


def place_of(stream: Stream, hit: Hit) -> int:
    """Whether the match lies in the message of a failure, in its frames, outside of all, in a warning, or in source code."""
    events = events_at(stream, hit)
    if any(_in_message(stream, event, hit) for event in events):
        return MESSAGE
    if events:
        return WITHIN
    index = stream.line_at(hit.start)
    line = stream.lines[index].text.strip()
    if _SOURCE.match(line):
        return WITHIN if any(0 < event.first - index <= 2 for event in stream.events) else SOURCE
    return WARNING if _WARNING.search(line) else OUTSIDE


def is_information(stream: Stream, hit: Hit, verbose: bool = False) -> bool:
    """Whether the match stands in a line that its writer marked as information (or, with ``verbose``, as a detail for debugging)."""
    line = stream.lines[stream.line_at(hit.start)]
    text = line.raw or line.text
    return (_VERBOSE if verbose else _INFORMATION).search(text) is not None and not _ERROR_FIELD.search(text)


def _in_message(stream: Stream, event: Event, hit: Hit) -> bool:
    """Whether the match reaches into the message of this failure."""
    if not event.frames:
        return True
    begin = stream.starts[event.first]
    end = stream.starts[event.last + 1] if event.last + 1 < len(stream.starts) else len(stream.text)
    head = f"{event.type}: " if event.type else ""
    at = stream.text.rfind(head + " ".join(event.message.split())[:40], begin, end)
    return at < 0 or hit.end > at


def situation_at(candidate: Candidate, situation: Situation) -> Situation:
    """The situation as the candidate's own traceback shows it: a text may hold failures of several machines."""
    if situation.sources.get("os") == "report":
        return situation
    for hit in candidate.hits[:3]:
        for event in events_at(candidate.stream, hit):
            for frame in event.frames:
                system = next((name for name, pattern in _SYSTEMS if pattern.match(frame.path)), None)
                if system:
                    return situation if system == situation.os else _on_system(situation, system)
    return situation


def _on_system(situation: Situation, system: str) -> Situation:
    """The situation with another operating system; what is known of this machine does not count then."""
    foreign = [name for name, source in situation.sources.items() if source == "machine"]
    sources = {name: source for name, source in situation.sources.items() if source != "machine"}
    changes: dict[str, Any] = dict.fromkeys(foreign)
    return replace(situation, **{**changes, "os": system, "sources": {**sources, "os": "text"}})
