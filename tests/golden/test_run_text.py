"""The text of ``run``, to the byte. After a wanted change: TORCHDOCTOR_GOLDEN=write pytest tests/golden/test_run_text.py"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.sample_reports import HEALTHY, SICK
from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Report, Status
from torchdoctor.report import text
from torchdoctor.report.terminal import Terminal, terminal_of, wants_colour

HERE = Path(__file__).parent
ANSI = re.compile(r"\x1b\[[0-9;]*m")

CASES = {
    "run_healthy": (HEALTHY, Terminal(), {}),
    "run_healthy_verbose": (HEALTHY, Terminal(), {"verbose": True}),
    "run_sick": (SICK, Terminal(), {}),
    "run_sick_ascii": (SICK, Terminal(encoding="ascii"), {}),
    "run_sick_wide": (SICK, Terminal(width=120), {}),
    "run_sick_colour": (SICK, Terminal(colour=True), {}),
    "run_sick_verbose": (SICK, Terminal(), {"verbose": True}),
    "run_sick_quiet": (SICK, Terminal(), {"quiet": True}),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    report, terminal, options = CASES[name]
    shown = text.render(report, terminal, **options) + "\n"
    file = HERE / f"{name}.txt"
    if os.environ.get("TORCHDOCTOR_GOLDEN") == "write":
        file.write_text(shown, encoding="utf-8", newline="\n")
    assert shown == file.read_text(encoding="utf-8")


def test_a_healthy_machine_takes_two_lines_of_eighty_columns() -> None:
    lines = text.render(HEALTHY).splitlines()
    assert len(lines) == 2
    assert all(len(line) <= 80 for line in lines)


def test_a_healthy_machine_says_nothing_when_quiet() -> None:
    assert text.render(HEALTHY, quiet=True) == ""


@pytest.mark.parametrize("width", [60, 80, 120])
def test_only_commands_exceed_the_width(width: int) -> None:
    commands = [command for result in SICK.results for finding in result.findings for fix in finding.fixes for command in fix.commands]
    shown = text.render(SICK, Terminal(width=width), verbose=True).splitlines()
    long = [line for line in shown if len(line) > width]
    assert all(line.strip() in commands or line.lstrip().startswith("File ") for line in long)
    assert [line.strip() for line in shown if line.strip() in commands] == commands  # whole, on lines of their own


def test_colour_only_adds_colour() -> None:
    coloured = text.render(SICK, Terminal(colour=True))
    assert "\x1b[" in coloured
    assert ANSI.sub("", coloured) == text.render(SICK, Terminal())


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "no-such-encoding", None])
def test_every_encoding_can_be_written(encoding: str | None) -> None:
    shown = text.render(SICK, Terminal(encoding=encoding), verbose=True)
    shown.encode(encoding if encoding not in ("no-such-encoding", None) else "utf-8")


def test_every_status_has_a_word_and_not_only_a_colour() -> None:
    shown = text.render(SICK, Terminal(), verbose=True)
    for word in ("ok", "skip", "info", "warn", "could not tell", "fail"):
        assert re.search(rf"^  . {word} ", shown, re.MULTILINE), word


def test_text_from_outside_is_harmless() -> None:
    evil = "\x1b]0;owned\x07[red]x[/red] \x1b[2J::error::y ##vso[task.complete]"
    finding = Finding(Status.FAIL, evil, evil, (Evidence(evil, evil + "\n" + evil),), (Fix(evil, (evil,), code=evil),), evil)
    results = (CheckResult(evil, evil, evil, Status.FAIL, evil, (finding,), 0.0, evil),)
    shown = text.render(Report("0.1.0", "", 0.0, "fail", evil, 1, HEALTHY.patient, {"machine": evil}, results, (evil,)))
    assert "\x1b" not in shown and "\x07" not in shown
    assert "::error" not in shown and "##vso[" not in shown
    assert "[red]x[/red]" in shown  # not taken for markup


def test_a_fix_that_several_findings_share_is_said_once() -> None:
    fix = (Fix("unset the variable", ("unset CUDA_VISIBLE_DEVICES",)),)
    findings = (Finding(Status.FAIL, "gpus are hidden", fixes=fix), Finding(Status.FAIL, "names are wrong", fixes=fix))
    result = CheckResult("visible", "TD1", "device", Status.FAIL, "", findings)
    shown = text.render(Report("0.1.0", "", 0.0, "fail", "x", 1, HEALTHY.patient, {}, (result,)))
    assert "gpus are hidden" in shown and "names are wrong" in shown
    assert shown.count("unset CUDA_VISIBLE_DEVICES") == 1


def test_a_problem_without_a_fix_says_so() -> None:
    assert "no known fix" in text.render(SICK)


@pytest.mark.parametrize(
    ("tty", "environ", "wanted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"FORCE_COLOR": "0"}, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(tty: bool, environ: dict[str, str], wanted: bool) -> None:
    assert wants_colour(tty, environ) is wanted


def test_width_follows_a_terminal_within_limits() -> None:
    assert [terminal_of(True, "utf-8", {}, columns).width for columns in (20, 100, 400)] == [60, 100, 120]
    assert terminal_of(False, "utf-8", {}, 400).width == 80
