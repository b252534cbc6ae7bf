"""The lines that show a cause: the decisive one first, then a few that support it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from torchdoctor.diagnose.log import Event, Stream
from torchdoctor.diagnose.match import Candidate, Hit, compiled
from torchdoctor.diagnose.place import events_at, lines_of
from torchdoctor.diagnose.rank import Found
from torchdoctor.model import Quote

MAX_QUOTES = 10
MAX_RANKS = 4
"""Ranks that one cause is quoted from; the others say the same."""
MAX_SPAN = 12
"""Lines that a match may span for its last ones to be shown too."""
MORE_OF_A_MESSAGE = 2
"""Further lines of a message that are shown: some begin with an empty line, or say the decisive thing second."""
MAX_BLANK = 4
"""Lines next to the decisive one among which those that say something are looked for."""
MAX_BESIDE = 2
"""Lines that are shown on either side of the decisive one."""
_SAYS = re.compile(r"[^\W\d_]{3}")
MAX_TEXT = 2000
"""Characters of one quoted line."""
MAX_WRAPPING = 160
"""Characters of prefixes, borders and escapes that a line may have around its text."""


def quotes(one: Found) -> tuple[Quote, ...]:
    """The decisive line, the failure it belongs to, lines of further signs, the same of other ranks."""
    found: list[Quote] = []
    for candidate in one.candidates[:MAX_RANKS]:
        for index in _lines(candidate, 8 if candidate is one.lead else 1):
            found += [quote for quote in _quotes(candidate.stream, index) if quote.text and quote not in found]
    found += [quote for index in _beside(one.lead) for quote in _quotes(one.lead.stream, index)[:1] if quote not in found]
    return tuple(found[:MAX_QUOTES])


def _beside(lead: Candidate) -> Iterator[int]:
    """The lines next to the decisive one, which often say the rest: what follows it, then what stands before."""
    lines = lead.stream.lines
    first, last = lead.stream.line_at(lead.start), lead.stream.line_at(max(lead.start, lead.end - 1))
    for way in (range(last + 1, len(lines)), range(first - 1, -1, -1)):
        yield from [i for i in way[:MAX_BLANK] if _SAYS.search(lines[i].text)][:MAX_BESIDE]


def consequence_quotes(one: Found) -> tuple[Quote, ...]:
    """A line of what only follows, one a rank."""
    return tuple(_quotes(candidate.stream, index)[0] for candidate in one.candidates[:MAX_RANKS] for index in _lines(candidate, 1))


def _lines(candidate: Candidate, limit: int) -> list[int]:
    """Indices of the lines to show, most telling first."""
    stream = candidate.stream
    hits = candidate.hits or (Hit(candidate.cause.signs[0], candidate.strength, candidate.start, candidate.end, {}),)
    strong = [hit for hit in hits if hit.strength == hits[0].strength]
    indices: list[int] = []
    for hit in (*strong[:2], *(hit for hit in hits if hit not in strong[:2])):
        indices += _of_hit(stream, hit)
    if not any(event.frames for hit in hits for event in events_at(stream, hit)):
        indices[3:3] = _failure(stream)
    return list(dict.fromkeys(indices))[:limit]


def _of_hit(stream: Stream, hit: Hit) -> Iterator[int]:
    """Where the match begins, the message of the failure it lies in, where it ends, what else it asks for, the code that failed."""
    first, last = lines_of(stream, hit)
    around = events_at(stream, hit)[:2]
    yield first
    for event in around:
        head = message_line(stream, event)
        yield from range(head, min(event.last, head + MORE_OF_A_MESSAGE) + 1)
        yield event.last
    if last - first <= MAX_SPAN:
        yield from range(last, max(first, last - 4), -1)
    for pattern in hit.sign.also:
        if found := compiled(pattern).search(stream.text, max(0, hit.start - hit.sign.near) if hit.sign.near else 0):
            yield stream.line_at(found.start())
    for event in around:
        yield from _code(stream, event)


def _code(stream: Stream, event: Event) -> list[int]:
    """The line of the innermost own code, else of the innermost code at all."""
    shown = [frame for frame in reversed(event.frames) if frame.code]
    frame = next((frame for frame in shown if frame.own), shown[0] if shown else None)
    return [i for i in range(event.first, event.last + 1) if frame and frame.code in stream.lines[i].text][-1:]


def _failure(stream: Stream) -> list[int]:
    """The message of the first exception of the text, for a cause that shows elsewhere."""
    own = (event for event in stream.events if event.kind in ("exception", "signal", "fatal") and event.via not in ("ignored", "summary"))
    return [message_line(stream, event) for event in own if not event.type.endswith("ChildFailedError")][:1]


def message_line(stream: Stream, event: Event) -> int:
    """The index of the line that holds the failure's message."""
    head = event.type or " ".join(event.message.split())[:30]
    lines = stream.lines
    return next((i for i in range(event.last, event.first - 1, -1) if head and head in lines[i].text), event.last)


def _quotes(stream: Stream, index: int) -> list[Quote]:
    """The line, and where cleaning wrote it otherwise (an escaped text), also as it stands."""
    quote = stream.quote(index)
    text, raw = (" ".join(part.split())[:MAX_TEXT] for part in (quote.text, stream.lines[index].raw))
    found = [replace(quote, text=text, raw=_verbatim(text, raw))]
    if raw and "%20" in raw and text not in raw and raw not in text:
        found.append(Quote(quote.file, quote.line, raw, quote.rank))
    return found


def _verbatim(text: str, raw: str) -> str:
    """The line as it stands, where it is this text in its wrapping alone: not colours, nor one part of many or of a longer whole."""
    plain = raw.isprintable() and len(text) <= len(raw) <= len(text) + MAX_WRAPPING
    return raw if plain and raw != text else ""
