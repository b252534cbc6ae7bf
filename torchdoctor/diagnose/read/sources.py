"""Files, folders and standard input: which to read, and what their names tell about rank and host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.read.assemble import read_text
from torchdoctor.diagnose.read.decode import decode, unzipped


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
