"""Put the steps of reading together: text to cleaned rows, rows to streams with their events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Optional

from torchdoctor.diagnose.log import Event, Log, Stream, make_stream
from torchdoctor.diagnose.read.boxes import open_boxes, open_edges, open_groups, open_panels
from torchdoctor.diagnose.read.draft import Draft, finish
from torchdoctor.diagnose.read.escapes import segments, unescaped, without_colours, without_html
from torchdoctor.diagnose.read.guess import strip_guessed
from torchdoctor.diagnose.read.jsonl import unpacked
from torchdoctor.diagnose.read.oneline import in_order, split_oneline
from torchdoctor.diagnose.read.prefix import split_garbled, strip_sure
from torchdoctor.diagnose.read.row import Row
from torchdoctor.diagnose.read.signals import failures
from torchdoctor.diagnose.read.traces import Traces
from torchdoctor.diagnose.read.wrap import unwrap

MAX_LINE, MAX_LAYERS = 128 << 10, 4
_CONTINUES = (
    "nccl",
    "Last error:",
    "frame #",
    "Exception raised from ",
    "  what():",
    "socketProgress",
    "For debugging consider",
    "Compile with",
)


def _bounded(text: str) -> str:
    """A line of bounded length: the middle of a longer one is left out."""
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE // 2]} ... {text[-MAX_LINE // 2 :]}"


def physical_rows(text: str, name: str, first: int = 1) -> list[Row]:
    """The lines of a text as they stand, numbered from ``first``, colours and overwritten parts removed."""
    cleaned = without_html(without_colours(text)).split("\n")
    raws = text.split("\n")
    if len(raws) != len(cleaned):
        raws = cleaned
    rows: list[Row] = []
    for number, (raw, line) in enumerate(zip(raws, cleaned), first):
        line = line[:-1] if line.endswith("\r") else line
        rows.extend(Row(number, _bounded(part), _bounded(raw), file=name) for part in segments(line))
    return rows


def _single_spaced(rows: list[Row]) -> list[Row]:
    """The rows without the blank one that follows every line of a double-spaced text."""
    filled = [index for index, row in enumerate(rows) if row.text.strip()]
    if len(filled) < 4 or any(after - before < 2 for before, after in zip(filled, filled[1:])):
        return rows
    return [row for index, row in enumerate(rows) if row.text.strip() or (index and not rows[index - 1].text.strip())]


def clean_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows with every layer around the program's own words undone, the outermost first."""
    open_panels(rows)
    parts = unwrap(rows)
    for row in parts:
        row.text = row.text.rstrip()
    for _ in range(MAX_LAYERS):
        before = [row.text for row in parts]
        parts = [inner for record in unpacked(parts) for inner in unescaped(record)]
        for row in parts:
            strip_sure(row)
        if not strip_guessed(parts) and len(parts) == len(before) and all(row.text == text for row, text in zip(parts, before)):
            break
    parts = [piece for row in parts for piece in split_garbled(row)]
    for row in parts:
        strip_sure(row)
    parts = unwrap(_single_spaced(parts))
    open_boxes(parts)
    open_groups(parts)
    open_edges(parts)
    return in_order([piece for row in parts for piece in split_oneline(row)])


def _keep_together(rows: Sequence[Row]) -> None:
    """Give lines without a prefix that go on from a rank's native message the same rank, in place."""
    before: Optional[Row] = None
    for row in rows:
        if row.rank is None and before is not None and before.rank is not None and row.text.startswith(_CONTINUES):
            row.rank, row.host, row.process = before.rank, before.host, before.process
        if row.text.strip():
            before = row


def _key(row: Row, by_process: bool) -> tuple[Optional[int], Optional[str]]:
    if row.rank is not None:
        return row.rank, None
    return None, row.process if by_process else None


def _interleaved(rows: Sequence[Row]) -> bool:
    """Whether lines of several processes alternate, so that each has to be read by itself."""
    names = [row.process for row in rows if row.process is not None and row.text.strip()]
    switches = sum(1 for before, after in zip(names, names[1:]) if before != after)
    return switches > 2 * len(set(names)) and len(set(names)) > 1


def _by_writer(rows: Sequence[Row]) -> Iterable[tuple[Optional[int], list[Row]]]:
    """Rows of each rank (or process), in the order in which the writers first appear; the rest first."""
    _keep_together(rows)
    by_process = _interleaved(rows)
    groups: dict[tuple[Optional[int], Optional[str]], list[Row]] = {}
    for row in rows:
        groups.setdefault(_key(row, by_process), []).append(row)
    ranked = [key for key in groups if key != (None, None)]
    if len(ranked) < 2:
        return [(ranked[0][0] if len(groups) == 1 and ranked else None, list(rows))]
    order = ([(None, None)] if (None, None) in groups else []) + sorted(ranked, key=lambda key: (key[0] is None, key[0] or 0))
    return [(key[0], groups[key]) for key in order]


def events_of(texts: Sequence[str]) -> list[Draft]:
    """Every failure in the lines of one writer."""
    traces = Traces(texts)
    return traces.drafts + [_grouped(draft, -1 - index) for index, draft in enumerate(failures(texts, traces.taken))]


def _grouped(draft: Draft, group: int) -> Draft:
    draft.group = group
    return draft


def _placed(event: Event, rows: Sequence[Row]) -> Event:
    """The event with the rank of its line, where the event itself does not tell."""
    rank = event.rank if event.rank is not None else rows[event.first].rank
    if rank == event.rank:
        return event
    from dataclasses import replace

    return replace(event, rank=rank)


def stream_of(rows: Sequence[Row], rank: Optional[int], host: Optional[str] = None) -> Stream:
    """One stream of cleaned rows."""
    events = finish(events_of([row.text for row in rows]))
    hosts = {row.host for row in rows if row.host}
    return make_stream(
        tuple(row.line() for row in rows),
        tuple(_placed(event, rows) for event in events),
        rank,
        host or (hosts.pop() if len(hosts) == 1 else None),
    )


def streams_of(rows: Sequence[Row]) -> tuple[Stream, ...]:
    """The streams of cleaned rows: one for each rank where several wrote."""
    return tuple(stream_of(group, rank) for rank, group in _by_writer(rows))


def count_lines(text: str) -> int:
    """How many lines a text has; a last one without a line break counts."""
    return text.count("\n") + (0 if text.endswith("\n") or not text else 1)


def read_text(text: str, name: str = "-") -> Log:
    """The log of one text. Never raises."""
    return Log(streams_of(clean_rows(physical_rows(text, name))), count_lines(text), (name,))
