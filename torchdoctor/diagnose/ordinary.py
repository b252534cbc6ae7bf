"""Failures that no cause explains: the person's own exception, in one process or in one rank of a job."""

from __future__ import annotations

from collections.abc import Mapping

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.rank import Found
from torchdoctor.diagnose.situation import Situation
from torchdoctor.model import Cause, Quote

MAX_UNRECOGNISED = 10


def in_job(found: list[Found], log: Log, situation: Situation, causes: Mapping[str, Cause]) -> list[Found]:
    """The causes as they are; see the next version."""
    return found


def unrecognised(found: list[Found], log: Log) -> tuple[Quote, ...]:
    """The failures in the text, where no cause was found for any."""
    if found:
        return ()
    quotes = []
    for stream in log.streams:
        for event in stream.events:
            index = next(
                (i for i in range(event.last, event.first - 1, -1) if event.type and event.type in stream.lines[i].text), event.last
            )
            quotes.append(stream.quote(index))
    return tuple(quotes[:MAX_UNRECOGNISED])
