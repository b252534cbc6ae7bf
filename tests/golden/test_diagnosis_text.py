"""Answers of ``diagnose`` to the letter: 80 columns, with and without characters beyond ASCII, Markdown.

Set TORCHDOCTOR_GOLDEN=write to write them anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from torchdoctor.model import Answer, Diagnosis, Explained, Fix, Quote
from torchdoctor.report import diagnosis_markdown, diagnosis_text
from torchdoctor.report.layout import Terminal

FOLDER = Path(__file__).parent / "diagnosis"
LONG = "pip install --force-reinstall torch==2.6.0 torchvision==0.21.0 --index-url https://download.pytorch.org/whl/cu124"

FULL = Diagnosis(
    cause="driver-too-old",
    title="The NVIDIA driver is older than this torch needs",
    confidence="likely",
    why="A torch wheel brings its own CUDA runtime; the driver comes from the machine and must not be older. "
    "A wheel of an older CUDA runs on the driver that is there.",
    evidence=(
        Quote(
            "logs/rank1.log",
            214,
            "RuntimeError: The NVIDIA driver on your system is too old (found version 11040). " + "Update it. " * 30,
            1,
        ),
        Quote("-", 3, "[rank0] not markup \x1b[31mred\x1b[0m ::error::x ##vso[task] \u202e中文 → <b>", None),
    ),
    fixes=(
        Fix("Install a torch build for CUDA 11.8, which this driver can run.", (LONG,)),
        Fix("Update the driver to 550 or newer.", ("sudo apt-get install nvidia-driver-550",), who="admin", risk="restart"),
        Fix("Use what is there.", code="# train.py, line 7\n+ device = pick()\n  model.to(device)"),
    ),
    facts_used=("os: linux (from the text)", "driver: 470.57 (from the report)"),
    explains=(
        Explained("torchrun-child-failed", (Quote("-", 981, "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:", 0),)),
    ),
    decided="in the failure's own message",
    ruled_out=("nccl-not-built (os: linux (from the text))",),
    decide="nvidia-smi --query-gpu=driver_version --format=csv",
    wrong_advice="The link of the message leads to drivers for desktops.",
)
SECOND = Diagnosis(
    "cuda-oom",
    "The GPU ran out of memory",
    "possible",
    "It does not fit.",
    (Quote("-", 9, "CUDA out of memory", 2),),
    (Fix("Use less memory."),),
)
ANSWERS = {
    "full": Answer((FULL, SECOND), (Quote("-", 1000, "ValueError: something else"),), "1000 lines", ("A note.",)),
    "consequence": Answer(
        (Diagnosis("torchrun-child-failed", "A rank failed", "confirmed", "w", (Quote("-", 1, "x"),), (Fix("Look."),), consequence=True),)
    ),
    "unknown": Answer((), (Quote("-", 12, "RuntimeError: CUDA error: never seen"),), "20 lines, 1 failure seen"),
    "ordinary": Answer((), (Quote("-", 12, "KeyError: 'x'"),), "20 lines, 1 failure seen", ordinary=True),
    "healthy": Answer((), (), "20 lines, 0 failures seen"),
}


def compare(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("TORCHDOCTOR_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ANSWERS)
def test_text(name: str) -> None:
    compare(f"{name}.txt", diagnosis_text.render(ANSWERS[name], Terminal(80)) + "\n")


@pytest.mark.parametrize(
    ("name", "terminal", "show_all"),
    [
        ("full_ascii", Terminal(80, encoding="ascii"), False),
        ("full_wide", Terminal(100), False),
        ("full_colour", Terminal(80, colour=True), False),
        ("full_all", Terminal(80), True),
    ],
)
def test_other_terminals(name: str, terminal: Terminal, show_all: bool) -> None:
    compare(f"{name}.txt", diagnosis_text.render(ANSWERS["full"], terminal, show_all) + "\n")


@pytest.mark.parametrize("name", ["full", "unknown", "healthy"])
def test_markdown(name: str) -> None:
    compare(f"{name}.md", diagnosis_markdown.render(ANSWERS[name]))


def test_nothing_but_commands_and_code_is_wider_than_the_terminal() -> None:
    text = diagnosis_text.render(ANSWERS["full"], Terminal(80))
    wide = [line for line in text.splitlines() if len(line) > 80 and " " in line.strip()]
    assert [line.strip() for line in wide] == [LONG]


def test_ascii_is_ascii() -> None:
    assert diagnosis_text.render(ANSWERS["full"], Terminal(80, encoding="ascii")).isascii()


def test_what_was_pasted_has_no_effect() -> None:
    for text in (diagnosis_text.render(ANSWERS["full"], Terminal(80)), diagnosis_markdown.render(ANSWERS["full"])):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "##vso[" not in text
        assert "::error::" not in text
        assert "[rank0] not markup" in text
