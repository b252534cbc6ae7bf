"""Lines that are JSON records of a log collector: their message, traceback, rank, host and time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Optional

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
_RANKS = ("rank", "global_rank", "process_rank", "RANK", "node_rank")
_HOSTS = ("host", "hostname", "node", "pod", "_HOSTNAME", "nodename", "pod_name")
_TIMES = ("time", "timestamp", "ts", "@timestamp", "asctime", "datetime")


def _strings(record: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(record, str):
        yield record
    elif depth < 4 and isinstance(record, dict):
        for key in _TEXTS:
            if key in record:
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


def unpacked(row: Row) -> Iterator[Row]:
    """The lines of the record's texts; the row itself when it is no JSON record with a text in it."""
    text = row.text.strip().rstrip(",")
    if not (text.startswith('{"') and text.endswith("}")) and not (text.startswith("{ ") and text.endswith("}")):
        yield row
        return
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        yield row
        return
    texts = [part for part in _strings(record) if part.strip()] if isinstance(record, dict) else []
    if not texts:
        yield row
        return
    host, time = _first(record, _HOSTS), _first(record, _TIMES)
    seen = set()
    for part in texts:
        if part in seen:
            continue
        seen.add(part)
        for line in part.rstrip("\n").split("\n"):
            made = row.piece(line)
            made.rank = _rank(_first(record, _RANKS))
            made.host = str(host) if host is not None else None
            made.time = str(time) if time is not None else None
            yield made
