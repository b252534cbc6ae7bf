"""Join lines that a terminal or an editor broke at a constant column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from torchdoctor.diagnose.read.frames import heading_of
from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.messages import is_stop
from torchdoctor.diagnose.read.row import Row

_USUAL = frozenset((64, 72, 76, 78, 79, 80, 100, 110, 120, 128, 132, 140, 150, 160, 180, 200, 210, 211, 212, 213, 236, 237, 238, 240))
_START = Lazy(
    r"\s*$|\s{1,12}File [\"“]|\s{2,}|Traceback|\[|\d{4}-\d\d-\d\d|[A-Z]{4,8}[: ]|(?:[\w.]{1,80}\.)?[A-Z]\w{1,60}(?:Error|Exception|Warning)\b"
    r"|={2}|-[-\s>]|\*[*\s]|[#+|│╭╰>$%]|\(|During handling|The above exception|[EWIF]\d{4} |srun: |```"
)
_OPEN_FRAME = Lazy(r"\s{0,12}File [\"“][^\"”]{0,400}(?:[\"”](?:,(?: (?:l(?:i(?:n(?:e(?: \d{0,7})?)?)?)?)?)?)?)?$", "File ")
_BEGINS = Lazy(r"\s{0,12}(?:File [\"“]|Traceback|(?:[\w.]{1,80}\.)?[A-Z]\w{1,60}(?:Error|Exception|Interrupt)\b)|\s*$|\s{3,}")
_FILE = Lazy(r"\s{0,12}File [\"“]", "File ")


def _continues(before: str, after: str) -> bool:
    """Whether ``after`` can be the rest of ``before``: it does not look like the start of something."""
    if not after or after[0] in "\t" or _START.match(after) or is_stop(after):
        return False
    return after[:4] != before[:4]


def _broken_frame(texts: Sequence[str], index: int) -> bool:
    """Whether the line is the first part of a frame's heading, and the next line can be its second part."""
    return _OPEN_FRAME.match(texts[index]) is not None and _BEGINS.match(texts[index + 1]) is None


def _widths(texts: Sequence[str]) -> list[int]:
    """Columns at which lines may have been broken, likeliest first."""
    lengths = Counter(len(text) for text in texts if text)
    frames = Counter(len(text) for i, text in enumerate(texts[:-1]) if 39 < len(text) < 260 and _broken_frame(texts, i))
    found = [width for width, _ in frames.most_common(2)]
    longest = max(lengths, default=0)
    if 39 < longest < 400 and longest not in found and (lengths[longest] > 1 or longest in _USUAL):
        found.append(longest)
    return found


def _joinable(texts: Sequence[str], width: int) -> set[int]:
    """Indices of full lines whose next line goes on with them; empty where that would join too much that is separate."""
    full = [i for i, text in enumerate(texts) if len(text) == width and i + 1 < len(texts)]
    good = {i for i in full if _continues(texts[i], texts[i + 1]) or _broken_frame(texts, i)}
    longer = sum(1 for text in texts if len(text) > width)
    sure = sum(1 for i in full if _broken_frame(texts, i))
    if sure:
        good |= {i for i in full if texts[i + 1][:1] in ("=", "-", "*", "+") and texts[i][-1] != texts[i + 1][0]}
        return {i for i in good if any(_FILE.match(text) for text in texts[max(0, i - 12) : i + 1])} if longer else good
    if longer or not good or 2 * len(good) < len(full):
        return set()
    if len(good) == 1:
        good = {i for i in good if heading_of(texts[i]) is None}  # a whole heading that happens to be the longest line
    words = sum(1 for i in good if texts[i][-1].isalnum() and texts[i + 1][0].isalnum())
    return good if (words > 1 or (words and width in _USUAL)) else set()


def unwrap(rows: Sequence[Row]) -> list[Row]:
    """The rows with broken lines joined again. A joined row keeps the number of its first part."""
    texts = [row.text for row in rows]
    for width in _widths(texts):
        joins = _joinable(texts, width)
        if not joins:
            continue
        joined: list[Row] = []
        for index, row in enumerate(rows):
            if index - 1 in joins and joined:
                joined[-1].text += row.text
            else:
                joined.append(row.piece(row.text))
        return joined
    return list(rows)
