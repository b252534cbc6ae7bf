"""The lines that show a cause: the decisive one first, then a few that support it."""

from __future__ import annotations

from torchdoctor.diagnose.log import Stream
from torchdoctor.diagnose.match import Candidate, Hit
from torchdoctor.diagnose.rank import Found
from torchdoctor.model import Quote

MAX_QUOTES = 8
MAX_RANKS = 4
"""Ranks that one cause is quoted from; the others say the same."""
MAX_TEXT = 2000
"""Characters of one quoted line."""


def quotes(one: Found) -> tuple[Quote, ...]:
    """The decisive line, the failure it belongs to, lines of further signs, the same of other ranks."""
    found: list[Quote] = []
    for candidate in one.candidates[:MAX_RANKS]:
        for index in _lines(candidate, 5 if candidate is one.lead else 1):
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
    for hit in candidate.hits or (Hit(candidate.cause.signs[0], candidate.strength, candidate.start, candidate.end, {}),):
        for index in (_decisive(stream, hit), _message_line(stream, hit)):
            if index is not None and index not in indices:
                indices.append(index)
        if len(indices) >= limit:
            break
    return indices[:limit]


def _decisive(stream: Stream, hit: Hit) -> int:
    """The line where the match begins."""
    return stream.line_at(hit.start)


def _message_line(stream: Stream, hit: Hit) -> int | None:
    """The line of the failure that the match lies in, where it is another one."""
    first, last = stream.line_at(hit.start), stream.line_at(max(hit.start, hit.end - 1))
    for event in stream.events:
        if event.first <= last and first <= event.last:
            head = event.type or " ".join(event.message.split())[:30]
            for index in range(event.last, event.first - 1, -1):
                if head and head in stream.lines[index].text:
                    return index
    return None


def _quote(stream: Stream, index: int) -> Quote:
    quote = stream.quote(index)
    text = " ".join(quote.text.split())
    return Quote(quote.file, quote.line, text[:MAX_TEXT], quote.rank)
