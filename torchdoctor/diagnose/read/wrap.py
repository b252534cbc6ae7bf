"""Join lines that a terminal, an editor or a mail program broke at a constant column.

Two ways of breaking are told apart by the headings of frames that they broke: after so many characters, also inside a word
(then a broken line is exactly as long as the column), or between words (then a line is broken where the next word did not fit).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Optional

from torchdoctor.diagnose.read.frames import heading_of
from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.messages import is_stop
from torchdoctor.diagnose.read.row import Row

_USUAL = frozenset(
    (64, 72, 76, 78, 79, 80, 100, 110, 120, 128, 132, 140, 150, 160, 180, 200, 210, 211, 212, 213, 236, 237, 238, 240)
)  # columns at which a single line may be believed to be broken
_START = Lazy(
    r"\s*$|\s{1,12}File [\"“]|\s{2,}|Traceback|\[|\d{4}-\d\d-\d\d|[A-Z]{4,8}[: ]"
    r"|(?:[\w.]{1,80}\.)?[A-Z]\w{1,60}(?:Error|Exception|Warning)\b"
    r"|={2}|-[-\s>]|\*[*\s]|[#+|│╭╰>$%]|\(|During handling|The above exception|[EWIF]\d{4} |srun: |```"
)
_BEGINS = Lazy(r"\s{0,12}(?:File [\"“]|Traceback|(?:[\w.]{1,80}\.)?[A-Z]\w{1,60}(?:Error|Exception|Interrupt)\b)|\s*$|\s{3,}")
_CUT_END = Lazy(
    r"(?:^|\s)\S{1,12} [\"“][^\s\"”]{0,300}$"  # in the path
    r"|(?:\.pyx?|[/\\]\w{1,40}|>)[\"”],?(?:\s\S{1,12})?$"  # behind the path
    r"|[\"”],? \S{1,12} \d{1,7}(?:, (?:in?)?)?$",  # in the number or behind it
    '"',
    "“",
    "”",
)
_WHOLE = Lazy(r"[\"“][^\"”\n]{1,600}[\"”],? ?\S{1,12} \d", '"', "“")
_PROMPT = Lazy(r"\s{0,4}(?:[$#>]|>>>|PS [^>]{1,200}>|\S{1,80}@\S{1,80}[$#]) ")
_NUMBERS = Lazy(r"[\d\s]+")
_TAIL = 340
Measure = Callable[[str], int]


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _broken(before: str, after: str) -> bool:
    """Whether a frame's heading was broken between the two lines."""
    end = before[-_TAIL:]
    if not after.strip() or (before[:2] == after[:2] and after[0] not in '"“') or _BEGINS.match(after) or not _CUT_END.search(end):
        return False
    if end.rstrip().endswith(('"', "”", ",", "in")) or end[-1:].isdigit():
        return after.lstrip()[:1] not in "\"'(" and (end[-1:].isdigit() or not _WHOLE.search(after[:80]))
    return any(_WHOLE.search(f"{end}{glue}{after[:_TAIL]}") for glue in ("", " "))


def _continues(before: str, after: str) -> bool:
    """Whether ``after`` can be the rest of ``before``: it does not look like the start of something."""
    if not after or after[0] in "\t" or _START.match(after) or is_stop(after):
        return False
    return (after[:4] != before[:4] or after[0] in '"“') and _NUMBERS.sub("", after) != _NUMBERS.sub("", before)


def _column(texts: Sequence[str], broken: Sequence[int]) -> Optional[tuple[int, Measure]]:
    """The column, and how it was counted, when the headings were broken after so many characters or bytes."""
    best: Optional[tuple[int, int, Measure]] = None
    broken = [index for index in broken if texts[index].lstrip()[:1] not in ('"', "“")]  # a path that had a line for itself
    for measure in (len, _bytes):
        lengths = Counter(measure(texts[index]) for index in broken)
        if not lengths:
            break
        width, times = lengths.most_common(1)[0]
        same = sum(count for length, count in lengths.items() if length % width == 0)
        alone = times == 1 and len(broken) == 1 and width >= max(map(measure, texts)) - 1
        if width > 38 and 2 * same > len(broken) and (times > 1 or alone) and (best is None or same > best[0]):
            best = same, width, measure
    return best[1:] if best else None


def _hard_joins(texts: Sequence[str], width: int, measure: Measure) -> set[int]:
    full = [i for i, text in enumerate(texts[:-1]) if text and measure(text) % width == 0]
    longer = any(measure(text) > width for text in texts) and measure is len
    joins: set[int] = set()
    for i in full:
        before, after = texts[i], texts[i + 1]
        inside = i - 1 in joins and i - 2 in joins and after.strip()  # the third part of one line and more
        goes_on = (
            inside or _broken(before, after) or _continues(before, after) or (after[:1] in ("=", "-", "*", "+") and before[-1] != after[0])
        )
        near = not longer or any("File " in text or "Traceback" in text for text in texts[max(0, i - 12) : i + 1])
        if goes_on and near:
            joins.add(i)
    return joins


def _soft_column(texts: Sequence[str], broken: Sequence[int]) -> int:
    """The column that explains every broken heading: the line fits, and its next word did not fit."""
    several = [i for i in broken if len(texts[i].split()) > 2]
    if not several:
        return max((len(text) for text in texts if len(text.split()) > 2), default=0)
    low = max((len(texts[i]) for i in several), default=0)
    high = min((len(texts[i]) + len(texts[i + 1].split(None, 1)[0]) for i in several), default=low)
    return min((width for width in _USUAL if low <= width <= high), default=low)


def _soft_joins(texts: Sequence[str], broken: Sequence[int]) -> set[int]:
    """Lines after which the next line's first word would not have fitted."""
    column = _soft_column(texts, broken)
    joins: set[int] = set()
    for i, (before, after) in enumerate(zip(texts, texts[1:])):
        word = after.split(None, 1)[0] if after.strip() else ""
        inside = i - 1 in joins and i - 2 in joins
        if word and len(before) + 1 + len(word) > column and (inside or i in broken or _continues(before, after)):
            joins.add(i)
    return joins


def _plain_joins(texts: Sequence[str]) -> set[int]:
    """Joins where no frame tells: only where the longest lines are all of one length and what follows goes on with them."""
    lengths = Counter(len(text) for text in texts if text)
    width = max(lengths, default=0)
    if not 39 < width < 400 or (lengths[width] < 2 and width not in _USUAL):
        return set()
    full = [i for i, text in enumerate(texts[:-1]) if len(text) == width]
    if len(full) == 1 and _PROMPT.match(texts[full[0]]):
        return set()  # a command, and what it printed
    good = {i for i in full if _continues(texts[i], texts[i + 1])}
    if 2 * len(good) < len(full):
        return set()
    if len(good) == 1:
        good = {i for i in good if heading_of(texts[i]) is None}  # a whole heading that happens to be the longest line
    words = sum(1 for i in good if texts[i][-1].isalnum() and texts[i + 1][0].isalnum())
    return good if (words > 1 or (words and width in _USUAL)) else set()


def unwrap(rows: Sequence[Row]) -> list[Row]:
    """The rows with broken lines joined again. A joined row keeps the number of its first part."""
    texts = [row.text for row in rows]
    broken = [i for i in range(len(texts) - 1) if _broken(texts[i], texts[i + 1])]
    glue = ""
    if not broken:
        joins = _plain_joins(texts)
    elif column := _column(texts, broken):
        joins = _hard_joins(texts, *column)
    else:
        joins, glue = _soft_joins(texts, broken), " "
    if not joins:
        return list(rows)
    joined: list[Row] = []
    for index, row in enumerate(rows):
        if index - 1 in joins and joined:
            whole = " " not in texts[index - 1].strip() and len(texts[index - 1]) > 40  # a word longer than the column
            joined[-1].text += row.text.lstrip() if glue and whole else glue + row.text
        else:
            joined.append(row.piece(row.text))
    return joined
