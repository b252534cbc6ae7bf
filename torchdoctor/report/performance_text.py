"""What was measured under ``--full``, as tables and bars for a terminal: a pure function from a report's facts to lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torchdoctor.report.safe import safe_line
from torchdoctor.report.terminal import Terminal
from torchdoctor.work.peaks import peak_of
from torchdoctor.work.spread import figure

Table = Mapping[str, Mapping[str, float]]
"""By device, by column."""

PRODUCTS = ("float32", "tf32", "bfloat16", "float16", "float64")
MOVES = {
    "copy": "copy",
    "triad": "triad",
    "host-to-device pinned": "to device",
    "device-to-host pinned": "to host",
    "host-to-device pageable": "to (pageable)",
    "device-to-host pageable": "from (pageable)",
}
SHARE = "% of peak"
BLOCK, PLAIN = "█", "#"
MOST_BARS = 40  # columns


def lines(facts: Mapping[str, Any], terminal: Terminal) -> list[str]:
    """Tables of speeds, bars where there is something to compare, and the sustained run; empty where nothing was measured."""
    runs = _runs(facts, "ThroughputRun")
    products = _with_share(runs, _rates(runs, {f"matmul {dtype}": dtype for dtype in PRODUCTS}))
    moves = _rates(runs, MOVES)
    peers = _peers(facts)
    targets = tuple(sorted({target for row in peers.values() for target in row}, key=lambda name: (len(name), name)))
    blocks = [
        list(_table("products, TFLOP/s", products, (*PRODUCTS, SHARE), terminal.width)),
        list(_table("memory, GB/s", moves, tuple(MOVES.values()), terminal.width)),
        list(_table("sent to, GB/s", peers, targets, terminal.width)),
        list(_table("under load", _load(facts), ("TFLOP/s", "C at most", "W at most", "MHz at least"), terminal.width)),
    ]
    for title, table, column in (
        ("bfloat16 products", products, "bfloat16"),
        ("memory, triad", moves, "triad"),
        ("host to device", moves, "to device"),
    ):
        blocks.append(list(_bars(title, {device: row[column] for device, row in table.items() if column in row}, terminal)))
    found: list[str] = []
    for block in filter(None, blocks):
        found += ["", *block] if found else block
    return ["Measured", *found] if found else []


def _runs(facts: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    given = facts.get(name)
    return {safe_line(device): run for device, run in given.items() if isinstance(run, Mapping)} if isinstance(given, Mapping) else {}


def _rates(runs: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> Table:
    """The best figures by device and column."""
    found: dict[str, dict[str, float]] = {}
    for device, run in runs.items():
        for rate in run.get("rates") or ():
            column = names.get(f"{rate['name']} {rate['variant']}".strip())
            if column and rate.get("best"):
                found.setdefault(device, {})[column] = float(rate["best"])
    return found


def _with_share(runs: Mapping[str, Mapping[str, Any]], products: Table) -> Table:
    """With the share of the model's peak in its fastest half precision, where the table knows the model."""
    found = {}
    for device, row in products.items():
        peak = peak_of(runs[device].get("model"))
        shares = [row[dtype] / peak.figures[dtype] for dtype in ("bfloat16", "float16") if peak and dtype in row and dtype in peak.figures]
        found[device] = {**row, SHARE: 100 * max(shares)} if shares else row
    return found


def _peers(facts: Mapping[str, Any]) -> Table:
    """The matrix of pairs: from the device of the row to that of the column."""
    found: dict[str, dict[str, float]] = {}
    for device, run in _runs(facts, "PeerRun").items():
        for peer in run.get("peers") or ():
            if peer["rate"].get("best"):
                found.setdefault(device, {})[safe_line(str(peer["target"]))] = float(peer["rate"]["best"])
    return found


def _load(facts: Mapping[str, Any]) -> Table:
    """The sustained runs: usual speed, highest temperature and power, lowest clock."""
    found: dict[str, dict[str, float]] = {}
    for device, run in _runs(facts, "SustainedRun").items():
        samples = run.get("samples") or ()
        if not samples:
            continue
        speeds = sorted(float(sample["tflops"]) for sample in samples)
        row = {"TFLOP/s": speeds[len(speeds) // 2]}
        for column, key, worst in (("C at most", "temperature", max), ("W at most", "power", max), ("MHz at least", "clock_sm", min)):
            values = [float(sample[key]) for sample in samples if sample.get(key)]
            if values:
                row[column] = worst(values)
        found[device] = row
    return found


def _table(title: str, table: Table, columns: Sequence[str], width: int) -> Iterator[str]:
    """A row a device; columns that nobody has are left out, and those that do not fit come below."""
    used = [column for column in columns if any(column in row for row in table.values())]
    if not used:
        return
    first = max(len(title), *(len(device) for device in table)) + 2
    wide = {column: max(len(column), *(len(_cell(row.get(column))) for row in table.values())) + 2 for column in used}
    while used:
        shown: list[str] = []
        while used and (not shown or 2 + first + sum(wide[c] for c in (*shown, used[0])) <= width):
            shown.append(used.pop(0))
        yield "  " + title.ljust(first) + "".join(column.rjust(wide[column]) for column in shown)
        for device, row in table.items():
            yield "  " + device.ljust(first) + "".join(_cell(row.get(column)).rjust(wide[column]) for column in shown)


def _cell(value: float | None) -> str:
    return "-" if value is None else figure(value)


def _bars(title: str, values: Mapping[str, float], terminal: Terminal) -> Iterator[str]:
    """A bar a device, the fastest one full. Nothing to compare, no bars; the CPU is no measure for a GPU."""
    values = {device: value for device, value in values.items() if device != "cpu"}
    if len(values) < 2:
        return
    block = BLOCK if _can_show(BLOCK, terminal) else PLAIN
    label = max(len(device) for device in values)
    room = max(8, min(MOST_BARS, terminal.width - label - 14))
    top = max(values.values())
    yield f"  {title}"
    for device, value in values.items():
        yield f"  {device.ljust(label)}  {(block * max(1, round(room * value / top))).ljust(room)}  {figure(value)}"


def _can_show(text: str, terminal: Terminal) -> bool:
    try:
        text.encode(terminal.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
