"""Put the steps of reading together: sources to text, text to lines, lines to streams."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from torchdoctor.diagnose.log import Line, Log, Stream, make_stream
from torchdoctor.diagnose.read.decode import decode, unzipped

_ANSI = re.compile(r"\x1b(?:\[[0-9;:?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,4000}(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78DMEHc])")
_RANK = re.compile(r"^\[(?:rank|default)(\d{1,6})\]:?\s?")


def _lines(text: str, name: str) -> list[tuple[Optional[int], Line]]:
    found: list[tuple[Optional[int], Line]] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = _ANSI.sub("", raw).rstrip("\r").rsplit("\r", 1)[-1].rstrip()
        match = _RANK.match(line)
        rank = int(match[1]) if match else None
        found.append((rank, Line(name, number, line[match.end() :] if match else line, raw)))
    return found


def _streams(lines: list[tuple[Optional[int], Line]]) -> tuple[Stream, ...]:
    ranks = sorted({rank for rank, _ in lines if rank is not None})
    if len(ranks) < 2:
        return (make_stream(tuple(line for _, line in lines), rank=ranks[0] if ranks else None),)
    by_rank: dict[Optional[int], list[Line]] = {}
    for rank, line in lines:
        by_rank.setdefault(rank, []).append(line)
    return tuple(make_stream(tuple(by_rank[rank]), rank=rank) for rank in (None, *ranks) if rank in by_rank)


def read_text(text: str, name: str = "-") -> Log:
    """The log of one text. Never raises."""
    lines = _lines(text, name)
    return Log(_streams(lines), len(lines), (name,))


def read(paths: Sequence[str], stdin: Optional[bytes] = None) -> Log:
    """The log of files, folders and standard input (``-``, or ``stdin`` alone). Raises OSError for a path that cannot be read."""
    logs = []
    for path in paths or ["-"]:
        if path == "-":
            logs.append(read_text(decode(unzipped(stdin or b"")), "-"))
            continue
        files = sorted(p for p in Path(path).rglob("*") if p.is_file()) if Path(path).is_dir() else [Path(path)]
        logs.extend(read_text(decode(unzipped(file.read_bytes())), str(file)) for file in files)
    return Log(
        tuple(stream for log in logs for stream in log.streams),
        sum(log.total_lines for log in logs),
        tuple(name for log in logs for name in log.files),
    )
