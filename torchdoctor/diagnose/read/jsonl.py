"""Lines that are JSON records of a log collector: their message, traceback, rank, host and time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Optional

from torchdoctor.diagnose.read.prefix import strip_sure
from torchdoctor.diagnose.read.row import Row

_TEXTS = (
    "message",
    "msg",
    "log",
    "text",
    "event",
    "textPayload",
    "exc_info",
    "exception",
    "exc_text",
    "traceback",
    "stack_trace",
    "stacktrace",
    "stack",
    "error",
    "details",
    "MESSAGE",
    "line",
    "body",
    "extraInfo",
    "py_callstack",
    "jsonPayload",
    "record",
    "data",
    "fields",
)
MIN_SPACES = 3
"""Spaces in a value from which on it is a text and no name, path or time."""
_RANKS = ("rank", "global_rank", "process_rank", "RANK", "node_rank")
_HOSTS = ("host", "hostname", "node", "pod", "_HOSTNAME", "nodename", "pod_name")
_TIMES = ("time", "timestamp", "ts", "@timestamp", "asctime", "datetime")


def _tells(value: Any) -> bool:
    """Whether the value of a key that no list knows is a text: collectors name the traceback's field as they like."""
    return isinstance(value, str) and ("\n" in value or value.count(" ") >= MIN_SPACES)


def _strings(record: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(record, str):
        yield record
    elif depth < 4 and isinstance(record, dict):
        known = [key for key in _TEXTS if key in record]
        for key in (*known, *(key for key in record if key not in _TEXTS and _tells(record[key]))):
            yield from _strings(record[key], depth + 1)
    elif depth < 4 and isinstance(record, list):
        for item in record[:2000]:
            yield from _strings(item, depth + 1)


def _first(record: dict[str, Any], keys: tuple[str, ...]) -> Optional[Any]:
    for holder in (
        record,
        record.get("record"),
        record.get("labels"),
        record.get("extra"),
        record.get("kubernetes"),
        record.get("jsonPayload"),
    ):
        if isinstance(holder, dict):
            for key in keys:
                if isinstance(holder.get(key), (str, int)) and not isinstance(holder.get(key), bool):
                    return holder[key]
    return None


def _rank(value: Any) -> Optional[int]:
    try:
        rank = int(value)
    except (TypeError, ValueError):
        return None
    return rank if 0 <= rank < 10**6 else None


def _record(text: str) -> Optional[dict[str, Any]]:
    """The JSON object that the text is, where it has a text in it."""
    text = text.strip().rstrip(",")
    if not text.startswith(('{"', '{ "')) or not text.endswith("}"):
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and any(part.strip() for part in _strings(record)) else None


def _lines_of(row: Row, record: dict[str, Any]) -> Iterator[Row]:
    host, time, rank = _first(record, _HOSTS), _first(record, _TIMES), _rank(_first(record, _RANKS))
    for part in dict.fromkeys(part for part in _strings(record) if part.strip()):
        for line in part.rstrip("\n").split("\n"):
            made = row.piece(line)
            made.rank = row.rank if rank is None else rank
            made.host = row.host if host is None else str(host)
            made.time = row.time if time is None else str(time)
            yield made


def unpacked(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows, each JSON record replaced by the lines of its texts.

    Where most rows are a prefix and a record, the prefix goes with the rest of the wrapping.
    """
    places = [row.text.find('{"') if row.text.rstrip().endswith("}") else -1 for row in rows]
    filled = sum(1 for row in rows if row.text.strip())
    behind = sum(1 for place in places if 0 < place <= 200)
    for row, place in zip(rows, places):
        if place == 0 or (0 < place <= 200 and 2 * behind > filled):
            record = _record(row.text[place:])
            if record is not None:
                prefix = row.piece(row.text[:place])
                strip_sure(prefix)
                yield from _lines_of(prefix, record)
                continue
        yield row
