"""The lines that show a cause: the decisive one first, then a few that support it."""

from __future__ import annotations

from torchdoctor.diagnose.log import Event, Stream
from torchdoctor.diagnose.match import Candidate, Hit
from torchdoctor.diagnose.rank import Found
from torchdoctor.model import Quote

MAX_QUOTES = 8
MAX_RANKS = 4
"""Ranks that one cause is quoted from; the others say the same."""
MAX_SPAN = 12
"""Lines that a match may span for its last one to be shown too."""
MAX_TEXT = 2000
"""Characters of one quoted line."""


def quotes(one: Found) -> tuple[Quote, ...]:
    """The decisive line, the failure it belongs to, lines of further signs, the same of other ranks."""
    found: list[Quote] = []
    for candidate in one.candidates[:MAX_RANKS]:
        for index in _lines(candidate, 6 if candidate is one.lead else 1):
            quote = _quote(candidate.stream, index)
            if quote.text and quote not in found and len(found) < MAX_QUOTES:
                found.append(quote)
    return tuple(found)


def consequence_quotes(one: Found) -> tuple[Quote, ...]:
    """A line or two of what only follows, one a rank."""
    return tuple(_quote(candidate.stream, index) for candidate in one.candidates[:MAX_RANKS] for index in _lines(candidate, 1))


def _lines(candidate: Candidate, limit: int) -> list[int]:
    """Indices of the lines to show, most telling first."""
    stream = candidate.stream
    indices: list[int] = []
    hits = candidate.hits or (Hit(candidate.cause.signs[0], candidate.strength, candidate.start, candidate.end, {}),)
    strong = [hit for hit in hits if hit.strength == hits[0].strength]
    for hit in (*strong[:2], *(hit for hit in hits if hit not in strong[:2])):
        indices += _of_hit(stream, hit)
    return list(dict.fromkeys(indices))[:limit]


def _of_hit(stream: Stream, hit: Hit) -> list[int]:
    """The line where the match begins, the message of the failure it lies in, the line where it ends, and the own code that failed."""
    first, last = stream.line_at(hit.start), stream.line_at(max(hit.start, hit.end - 1))
    indices = [first]
    around = [event for event in stream.events if event.first <= last and first <= event.last]
    indices += [message_line(stream, event) for event in around[:2]]
    if last - first <= MAX_SPAN:
        indices.append(last)
    for event in around[:2]:
        code = next((frame.code for frame in reversed(event.frames) if frame.own and frame.code), "")
        indices += [i for i in range(event.first, event.last + 1) if code and code in stream.lines[i].text][-1:]
    return indices


def message_line(stream: Stream, event: Event) -> int:
    """The index of the line that holds the failure's message."""
    head = event.type or " ".join(event.message.split())[:30]
    lines = stream.lines
    return next((i for i in range(event.last, event.first - 1, -1) if head and head in lines[i].text), event.last)


def _quote(stream: Stream, index: int) -> Quote:
    quote = stream.quote(index)
    text = " ".join(quote.text.split())
    return Quote(quote.file, quote.line, text[:MAX_TEXT], quote.rank)
