"""Rich's traceback boxes and the margins of exception groups, made plain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.row import Row

_BOTTOM = Lazy(r"\s{0,12}[╰└][─━]{2,400}[╯┘]?\s*$", "╰", "└")
_SIDES = "│┃"
_GUIDE = Lazy(r"[│┊╎]", "│", "┊", "╎")
_LOCATION = Lazy(r"\s{0,4}(\S.{0,400}?):(\d{1,7}) in (\S{1,200})\s*$", " in ")
_LOCATION_ONLY = Lazy(r"\s{0,4}(\S{1,400}\.pyx?):(\d{1,7})\s*$", ".py")
_CODE = Lazy(r"\s{0,3}([❱>]?)\s{0,6}(\d{1,7})(?:\s(.*))?$")
_GROUP_MARK = Lazy(r"\s{0,40}\+(?:-\+)?-{4,80}(?: \S{1,40} -{4,80})?\s*$", "+-")
_GROUP_HEAD = Lazy(r"\s{0,40}\+ Exception Group (Traceback \(most recent call last\):)", "Exception Group")
_GROUP_SIDE = Lazy(r"\s{0,40}\| ?", "|")


def _inside(text: str, sides: str) -> Optional[str]:
    """What stands between the sides of a box, or None for a line that has no left side."""
    text = text.strip()
    if not text or text[0] not in sides:
        return None
    return text[1:-1].rstrip() if len(text) > 1 and text[-1] in sides else text[1:]


def _location(pending: list[str]) -> Optional[tuple[str, str, str]]:
    """Path, line and function of a frame's heading, which the box may have broken over several rows."""
    for glue in ("", " "):
        text = glue.join(part.strip() for part in pending)
        found = _LOCATION.match(text)
        if found:
            return found[1], found[2], found[3]
        only = _LOCATION_ONLY.match(text)
        if only:
            return only[1], only[2], ""
    return None


class _Box:
    """The rows of one box: headings become frame lines, the marked code row follows its frame, other code rows stay as they are."""

    def __init__(self) -> None:
        self.pending: list[Row] = []

    def take(self, row: Row, content: str) -> None:
        plain = _GUIDE.sub(" ", content)
        code = _CODE.match(plain)
        if code and (not self.pending or code[1]):
            self.pending = []
            row.text = f"    {'> ' if code[1] else '  '}{code[2]} {(code[3] or '').rstrip()}"
            return
        row.text = plain.rstrip()
        if not plain.strip():
            self.pending = []
            return
        self.pending.append(row)
        if len(self.pending) > 6:
            self.pending.pop(0)
        place = _location([pending.text for pending in self.pending])
        if place:
            first = self.pending[0]
            first.text = f'  File "{place[0]}", line {place[1]}' + (f", in {place[2]}" if place[2] else "")
            for other in self.pending[1:]:
                other.text = ""
            self.pending = []


def _is_top(text: str) -> bool:
    text = text.strip()
    return text[:1] in "╭┌+" and text[1:2] in "─━-" and text[-1:] in "╮┐+─-"


def _is_code_row(content: Optional[str]) -> bool:
    return content is not None and "│" in content and _CODE.match(_GUIDE.sub(" ", content)) is not None


def open_boxes(rows: Sequence[Row]) -> None:
    """Make, in place, the rows of rich's boxes plain. A box whose top was not copied is known by its code rows."""
    if not any(mark in row.text for row in rows for mark in ("│", "┃", "- Traceback")):
        return
    box: Optional[_Box] = None
    sides = _SIDES
    for index, row in enumerate(rows):
        text = row.text
        if "Traceback" in text and _is_top(text):
            box, sides = _Box(), "|" if text.lstrip()[0] == "+" else _SIDES
            row.text = "Traceback (most recent call last):"
            continue
        if box is not None and (_BOTTOM.match(text) or (sides == "|" and text.lstrip().startswith("+--"))):
            box, row.text = None, ""
            continue
        if box is None and ("│" in text or "┃" in text):
            near = [_inside(other.text, _SIDES) for other in rows[index : index + 12]]
            closes = any(_BOTTOM.match(other.text) for other in rows[index : index + 60])
            if text.lstrip()[0] in "│┃" and closes and any(_is_code_row(content) for content in near):
                box, sides = _Box(), _SIDES
        if box is not None:
            content = _inside(text, sides)
            if content is None:
                box = None
            else:
                box.take(row, content)
        elif _BOTTOM.match(text) and text.strip()[-1:] in "╯┘":
            row.text = ""


_PANEL_TOP = Lazy(r"\s{0,12}[╭┌┏][─━]{2}[^\n]{0,400}[╮┐┓]\s*$", "╭", "┌", "┏")


def open_panels(rows: Sequence[Row]) -> None:
    """Take, in place, the sides off plain text in a frame, so that its broken lines can be joined like any others.

    Rich's tracebacks and tables, which have columns inside, stay as they are.
    """
    if not any("│" in row.text or "┃" in row.text for row in rows):
        return
    for top, row in enumerate(rows):
        if not _PANEL_TOP.match(row.text) or "Traceback" in row.text:
            continue
        contents: list[str] = []
        for other in rows[top + 1 :]:
            content = _between(other.text)
            if content is None:
                break
            contents.append(content)
        _take_off(rows[top + 1 : top + 1 + len(contents)], contents)


def _between(text: str) -> Optional[str]:
    """What stands between two sides, with the spaces that fill it; None where a side is missing or there are columns."""
    text = text.strip()
    if len(text) < 4 or text[0] not in _SIDES or text[-1] not in _SIDES or any(side in text[1:-1] for side in _SIDES):
        return None
    return text[1:-1]


def _take_off(rows: Sequence[Row], contents: Sequence[str]) -> None:
    """Put what stood between the sides in the rows. A line that was cut at a space keeps it, so that it is as long as the column."""
    margin = int(all(content[:1] in ("", " ") for content in contents))
    texts = [content[margin:].rstrip() for content in contents]
    width = max(map(len, texts), default=0)
    for row, text in zip(rows, texts):
        row.text = text.ljust(width) if len(text) == width - 1 else text


def open_groups(rows: Sequence[Row]) -> None:
    """Take, in place, the margins off the tracebacks of an exception group."""
    if not any("Exception Group Traceback" in row.text or "+-+-----" in row.text for row in rows):
        return
    inside = False
    for row in rows:
        head = _GROUP_HEAD.match(row.text)
        if head:
            inside, row.text = True, head[1]
        elif _GROUP_MARK.match(row.text):
            inside = "+-+" in row.text or ("--- " in row.text) or inside
            row.text = "During a group:" if "+-+" in row.text or " -" in row.text else ""
        elif inside:
            side = _GROUP_SIDE.match(row.text)
            if side:
                row.text = row.text[side.end() :]
            elif row.text.strip():
                inside = False


def open_edges(rows: Sequence[Row]) -> None:
    """Take, in place, the right border of a terminal pane (tmux, screen) off where most lines end with the same one."""
    filled = [row for row in rows if row.text.strip()]
    if len(filled) < 3:
        return
    for edge in "x│┃|":
        edged = [row for row in filled if row.text.endswith(f"  {edge}") and row.text[0] not in "|│┃+"]
        if len(edged) > 2 and 2 * len(edged) >= len(filled):
            for row in filled:
                if row.text.endswith(f" {edge}"):
                    row.text = row.text[:-1].rstrip()
