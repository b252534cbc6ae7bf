"""Split a traceback that was flattened into one line, and put one that was printed newest first into order."""

from __future__ import annotations

from collections.abc import Sequence

from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.messages import final_line
from torchdoctor.diagnose.read.row import Row

_QUOTED_PY = r"[\"“”„«'‘](?:[^\"“”„«»'\n]{1,400}\.pyx?|[/~][^\"“”„«»'\n]{1,400}|<[^<>\"\n]{1,80}>)[\"”“»'’]"
_FRAME = Lazy(rf"(?<=\s)\S{{1,20}}\s{{0,2}}{_QUOTED_PY}\s?[,，、]?\s?\S{{0,20}}\s?\d{{1,7}}(?!\d)", ".py", "/bin/", '"<', "“<")
_HEADER = Lazy(r"(?<=\S)\s+(?=(?:Original |Exception Group )?Traceback \([^()\n]{3,60}\)\s?[:：])", "Traceback (")
_HEADER_END = Lazy(r"(Traceback \([^()\n]{3,60}\)\s?[:：])[ \t]+(?=\S)", "Traceback (")
_FINAL = Lazy(
    r"(?<=[\s\"'`)\]}^])(?=(?:[A-Za-z_]\w{0,60}\.){0,8}[A-Z]\w{0,60}(?:Error|Exception|Interrupt|Exit"
    r"|OutOfMemory|Failure|Timeout)(?:\([\w.]{1,80}\))?:(?:\s|$))",
    "Error:",
    "Exception:",
    "Interrupt:",
    "Exit:",
    "Failure:",
    "Timeout:",
)
_LINKS = Lazy(
    r"\s+(?=During handling of the above exception, another|The above exception was the direct cause)"
    r"|(?<=occurred:) |(?<=following exception:) ",
    "During handling",
    "The above exception",
)
_END = Lazy(r"\s(?=```)|\s(?=---\s)|(?<=```)\s", "```", "--- ")
_TABLE = Lazy(
    r"\s(?=(?:={20,}|-{20,}))|(?<=={20})\s|(?<=-{20})\s|\s(?=Root Cause |Failures:|\[\d{1,4}\]:\s)|\s(?=(?:time"
    r"|host|rank|exitcode|error_file|traceback)\s{0,6}: )",
    "====",
    "----",
)
_CARETS = Lazy(r"\s(?=\^{2,})|(?<=\^\^)\s", "^^")


def _frames_in(text: str) -> list[int]:
    return [found.start() for found in _FRAME.compiled.finditer(text)] if _FRAME.possible(text) else []


def _code_split(piece: str) -> list[str]:
    """A frame's heading and its code, split; ``<module>`` that was taken for an HTML tag is put back."""
    from torchdoctor.diagnose.read.frames import split_heading

    heading, code = split_heading(piece)
    return [f"  {heading}", f"    {code}"] if code else [f"  {heading}"]


def split_oneline(row: Row) -> list[Row]:
    """The lines of a traceback that stands on one line; the row alone when it holds none."""
    text = row.text
    if len(text) < 40:
        return [row]
    starts = _frames_in(text)
    header = _HEADER_END.search(text)
    if not ((header and starts) or len(starts) > 1) and not (header and _HEADER.search(text)):
        return [row]
    cuts = {0, len(text), *starts}
    for pattern in (_HEADER, _HEADER_END, _FINAL, _LINKS, _END, _TABLE, _CARETS):
        if pattern.possible(text):
            cuts.update(found.end() for found in pattern.compiled.finditer(text))
    order = sorted(cuts)
    frame_starts = set(starts)
    pieces: list[Row] = []
    for start, end in zip(order, order[1:]):
        piece = text[start:end].strip()
        if not piece or set(piece) <= set("^~ "):
            continue
        if start in frame_starts:
            pieces.extend(row.piece(part) for part in _code_split(piece))
        else:
            pieces.append(row.piece(piece if start else text[start:end].rstrip()))
    return pieces


_ANY_FRAME = Lazy(r"\s{0,12}\S{1,12} [\"“].{1,400}[\"”], \S{1,12} \d", '", ', "”, ")


def _filled(rows: Sequence[Row]) -> str:
    return next((row.text for row in rows if row.text.strip()), "")


def _upside_down_without_header(rows: Sequence[Row]) -> bool:
    """Whether the last line comes first, then code above its heading each time, and a heading is the very last line."""
    if not any(_ANY_FRAME.possible(row.text) for row in rows):
        return False
    headings = [index for index, row in enumerate(rows) if _ANY_FRAME.match(row.text)]
    if not headings or _ANY_FRAME.match(_filled(rows[::-1])) is None or len(headings) < 2:
        return False
    finals = [index for index, row in enumerate(rows) if final_line(row.text)]
    return bool(finals) and max(finals) < headings[0]


def in_order(rows: Sequence[Row]) -> list[Row]:
    """The rows, reversed where the tracebacks in them stand upside down (newest line first)."""
    right = wrong = 0
    for index, row in enumerate(rows):
        if "Traceback (most recent call last)" not in row.text:
            continue
        if _ANY_FRAME.match(_filled(rows[index + 1 : index + 4])):
            right += 1
        elif _ANY_FRAME.match(_filled(rows[max(0, index - 3) : index][::-1])):
            wrong += 1
    if wrong > right or (not right and not wrong and _upside_down_without_header(rows)):
        return list(reversed(rows))
    return list(rows)
