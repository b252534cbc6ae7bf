"""Files, folders and standard input: which to read, how, and what their names tell about rank and host."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Optional, Union

from torchdoctor.diagnose.log import Log, Stream
from torchdoctor.diagnose.read.assemble import clean_rows, count_lines, physical_rows, streams_of
from torchdoctor.diagnose.read.decode import decode, unzipped, wide_encoding
from torchdoctor.diagnose.read.names import host_of, ranks_of
from torchdoctor.diagnose.read.row import Row
from torchdoctor.diagnose.read.scan import BLOCK, EDGE, Scan, Scanner, blocks_of, make_scanner

SMALL = 1 << 20
_GZIP = b"\x1f\x8b"
_BINARY = frozenset(
    (".pt", ".pth", ".bin", ".safetensors", ".so", ".png", ".jpg", ".npz", ".npy", ".pkl", ".zip", ".tar", ".whl", ".pyc", ".db")
)
MAX_FILES = 20_000
FULL_FILES = 4  # of so many files of a large job the beginning and the end are read whatever they hold


def _files_in(folder: str) -> list[str]:
    """The readable files below a folder, at most ``MAX_FILES``, numbers in names in numeric order."""
    found: list[str] = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(root, name) for name in names if not name.startswith(".") and Path(name).suffix not in _BINARY]
        if len(found) >= MAX_FILES:
            break
    return sorted((path for path in found[:MAX_FILES] if os.path.isfile(path)), key=_natural)


def _natural(path: str) -> list[tuple[int, str]]:
    """Sorts numbers by value, and standard output before standard error."""
    import re

    path = path.replace("stdout", "std1").replace("stderr", "std2")
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d{1,9})", path)]


def _chunks(stream: BinaryIO, first: bytes = b"") -> Iterator[bytes]:
    """The bytes of a stream, unpacked where they are gzip and turned to UTF-8 where they are UTF-16."""
    first = first or stream.read(BLOCK)
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if first.startswith(_GZIP) else None
    decoder = None
    chunk = first
    begun = False
    while chunk:
        parts: Iterable[bytes] = _inflate(unpack, chunk) if unpack else (chunk,)
        for part in parts:
            if not begun and part:
                begun = True
                name = wide_encoding(part)
                if name:
                    import codecs

                    decoder = codecs.getincrementaldecoder(name)(errors="replace")
            yield decoder.decode(part).encode("utf-8", "replace") if decoder else part
        chunk = stream.read(BLOCK)


def _inflate(unpack: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    try:
        while chunk:
            yield unpack.decompress(chunk, BLOCK)
            chunk = unpack.unconsumed_tail
    except zlib.error:
        return


class _Reader:
    """Reads several sources into rows; the large way (``scan``) is taken when all together are large."""

    def __init__(self, large: bool, many: bool) -> None:
        self.large = large
        self.total = 0
        self.left_out = 0
        self._many = many
        self._files = 0
        self._scanner: Optional[Scanner] = None
        self._alike: dict[int, int] = {}

    def file(self, path: str) -> list[Row]:
        with open(path, "rb", buffering=0) as handle:
            return self.stream(handle, path)

    def stream(self, handle: BinaryIO, name: str) -> list[Row]:
        first = _read_up_to(handle, BLOCK if self.large else SMALL + 1)
        if first.startswith(_GZIP):
            data = unzipped(first, SMALL + 1)
            small = len(first) <= SMALL and len(data) <= SMALL
        else:
            data, small = first, len(first) <= SMALL
        if small and not self.large:
            text = decode(data)
            self.total += count_lines(text)
            return physical_rows(text, name)
        return self._large(handle, name, first)

    def _large(self, handle: BinaryIO, name: str, first: bytes) -> list[Row]:
        if self._scanner is None:
            self._scanner = make_scanner()
        self._files += 1
        edge = 0 if self._many and self._files > FULL_FILES else EDGE
        scan = Scan(self._scanner, self._alike, edge).run(blocks_of(_chunks(handle, first)))
        self.total += scan.lines
        self.left_out += scan.left_out
        rows: list[Row] = []
        for region in scan.regions:
            if rows:
                rows.append(Row(region.first, "", file=name))
            rows.extend(physical_rows(decode(region.data.removesuffix(b"\n")), name, region.first))
        return rows


def _read_up_to(handle: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0:
        part = handle.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _expand(paths: Sequence[str]) -> list[str]:
    found: list[str] = []
    for path in paths or ["-"]:
        found += _files_in(path) if path != "-" and os.path.isdir(path) else [path]
    return list(dict.fromkeys(found))


def _size(path: str) -> int:
    return 0 if path == "-" else os.path.getsize(path)


def _group(path: str, rank: Optional[int]) -> str:
    """Files with one key are one writer's: stdout and stderr side by side."""
    folder, name = os.path.split(path)
    return folder if rank is not None and name.split(".")[0] in ("stdout", "stderr") else path


def read(paths: Sequence[str], stdin: Union[bytes, BinaryIO, None] = None) -> Log:
    """The log of files, folders and standard input (``-``, or no path at all).

    ``stdin`` are the bytes of standard input, or the stream itself, which is then read in bounded memory.
    Raises OSError for a path that is not there or may not be read.
    """
    files = _expand(paths)
    ranks = ranks_of(files) if len(files) > 1 or files != ["-"] else {}
    reader = _Reader(sum(map(_size, files)) > SMALL, len(files) > 8)
    writers: dict[str, list[Row]] = {}
    for path in files:
        if path == "-":
            rows = reader.stream(io.BytesIO(stdin or b"") if isinstance(stdin, bytes) or stdin is None else stdin, "-")
        else:
            rows = reader.file(path)
        rows = clean_rows(rows)
        _name(rows, ranks.get(path), host_of(path) if path != "-" else None)
        written = writers.setdefault(_group(path, ranks.get(path)), [])
        if written:
            written.append(Row(1, "", rank=written[-1].rank, file=path))  # what ends one file does not go on in the next
        written.extend(rows)
    streams: list[Stream] = [stream for rows in writers.values() for stream in streams_of(rows)]
    notes = (f"{reader.left_out} similar or later passages were left out",) if reader.left_out else ()
    return Log(tuple(streams), reader.total, tuple(files), notes)


def _name(rows: Sequence[Row], rank: Optional[int], host: Optional[str]) -> None:
    """Give the rows, in place, what the file's name tells, where no line of the file tells better."""
    told = any(row.rank is not None for row in rows)
    for row in rows:
        if not told:
            row.rank = rank
        row.host = row.host or host
