"""Whatever is read: no crash, valid line numbers, bounded size, and time that grows with the length only."""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchdoctor.diagnose import read as package
from torchdoctor.diagnose import textfacts
from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.read import read, read_text
from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.textfacts import facts_of

PIECES = [
    "Traceback (most recent call last):\n",
    '  File "/srv/job/fit.py", line 7, in run\n    step()\n',
    "RuntimeError: CUDA error: x\n",
    "During handling of the above exception, another exception occurred:\n",
    "[rank1]: ",
    "[rank0]:[E203 04:05:06.7 ProcessGroupNCCL.cpp:1]",
    "(A pid=1, ip=1.2.3.4) ",
    "2024-01-01T00:00:00Z ",
    "3: ",
    "> ",
    "E   ",
    "│ ",
    "╭── Traceback (most recent call last) ──╮\n",
    "│ ❱ 12 │ x │\n",
    "╰──╯\n",
    "<ipython-input-1-0> in f()\n",
    "----> 1 x\n",
    "  + Exception Group Traceback (most recent call last):\n",
    "  +-+---------------- 1 ----------------\n",
    "\x1b[31m",
    "\r",
    "\\n",
    '\\"',
    "&lt;",
    "&quot;",
    "<br>",
    '{"log": "x"}',
    "%20a%20",
    "Fatal Python error: Aborted\n",
    "Current thread 0x1 (most recent call first):\n",
    "  exitcode  : -9 (pid: 1)\n",
    "terminate called after throwing an instance of 'x'\n",
    "  what():  y\n",
    "\n",
    "\n\n",
    " ",
    '"',
    "“",
    "：",
    "\x00",
    "\x1d",
    "é",
    "\u2028",
    "\ud800",
]


def check(log: Log, lines: int) -> None:
    assert log.total_lines <= lines
    for stream in log.streams:
        assert len(stream.starts) == len(stream.lines)
        for line in stream.lines:
            assert 1 <= line.number <= max(1, lines)
        for event in stream.events:
            assert 0 <= event.first <= event.last < len(stream.lines)
            assert event.chain >= 0
            stream.quote(event.first)
        for offset in (0, len(stream.text) // 2, len(stream.text)):
            stream.line_at(offset)
    facts_of(log)


def size(log: Log) -> int:
    return sum(len(line.text) for stream in log.streams for line in stream.lines)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=40))
def test_any_mixture_of_pieces(pieces: list[str]) -> None:
    text = "".join(pieces)
    log = read_text(text)
    check(log, text.count("\n") + 1)
    assert size(log) <= 3 * len(text) + 200


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    log = read([], data)
    check(log, data.count(b"\n") + 1)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_tracebacks(seed: int) -> None:
    dice = random.Random(seed)
    text = "".join(dice.choice(PIECES) for _ in range(200))
    cut = list(text)
    for _ in range(60):
        place = dice.randrange(len(cut))
        cut[place : place + dice.randrange(4)] = dice.choice(PIECES)
    log = read_text("".join(cut))
    check(log, "".join(cut).count("\n") + 1)


REPEATED = [
    "a", " ", "1", "1: ", "[rank3]: ", "[default0]:", "[1,3]<stderr>:", "(A pid=1) ", "> ", "E   ", "| ", "│", "╭─", "node1: ", 'File "',
    'File "x.py", line 1, in f ', '"', "“", "'", "XError: ", "a.", "x.Error", "Traceback (", "Traceback (most recent call last): ", "\x1b[",
    "\x1b]0;", "\\x1b[31m", "[31m[0m", "\\n", "\\\\", '\\n  File \\"', '{"', '{"log": "x"}', "&lt;", "<br>", "%20", "\r", "ERROR: ",
    "2024-01-01T00:00:00Z ", "2024-01-01 00:00:00,000 - INFO - a - ", "E0101 00:00:00.000000 1 a.py:1] ", "[E a.cpp:1] ", "NCCL WARN ",
    "Assertion `", "CUDA error: ", "failed (exitcode: 1) ", "what(): ", "(", "[", "/a/b.py:1 in f ", "Cell In[1], line 1 ", "----> 1 ",
    "+-+---- ", "[pod/", "Nov 22 09:10:11 h u[1]: ", "srun: error: a: task 1: ", "x-1  | ", "--- ", "C:\\a\\b.py", "NVIDIA A100 ",
    "torch 2.1.0 ", "Aa", "_", "🙂", "\x1d", "a.cpp:1:1: error ", "[repeated 2x across cluster]", "-", "=", "── ",
]  # fmt: skip


@pytest.mark.parametrize("piece", REPEATED)
def test_a_long_line_of_what_a_pattern_repeats(piece: str) -> None:
    """A quadratic pattern would need hours for one of these lines of a megabyte."""
    text = piece * (1_000_000 // len(piece)) + "\nRuntimeError: x\n"
    log = read_text(text)
    check(log, text.count("\n") + 1)
    assert size(log) < 3_000_000


def patterns(value: object) -> Iterator[Lazy]:
    if isinstance(value, Lazy):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from patterns(item)
    elif isinstance(getattr(value, "pattern", None), Lazy):
        yield value.pattern


def test_every_pattern_compiles_and_needs_its_literals() -> None:
    """They are compiled when first needed, so that a broken one would show only then."""
    modules = [importlib.import_module(f"{package.__name__}.{module.name}") for module in pkgutil.iter_modules(package.__path__)]
    found = [pattern for module in [*modules, textfacts] for value in vars(module).values() for pattern in patterns(value)]
    assert len(found) > 100
    for pattern in found:
        assert pattern.compiled.groups >= 0
