"""Probes that misbehave in every way: each is named with where it was, and takes nobody's result with it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil
import pytest

from tests.cli import Done, torchdoctor

HERE = Path(__file__).parent
ERRORS = {
    "EVIL01": ("raised an error", "a planted error"),
    "EVIL02": ("crashed", "SIGSEGV"),
    "EVIL03": ("crashed", "SIGABRT"),
    "EVIL04": ("crashed", "exit code 0"),
    "EVIL05": ("raised an error", "SystemExit"),
    "EVIL06": ("did not finish", "in hangs_in_python"),
    "EVIL07": ("did not finish", "in hangs_in_c"),
    "EVIL08": ("did not finish", "in ignores_term"),
    "EVIL09": ("crashed", "SIGKILL"),
    "EVIL10": ("did not finish", "in floods"),
    "EVIL14": ("raised an error", "MemoryError"),
    "EVIL16": ("the check itself failed", "a planted mistake"),
}
FINE = {"EVIL11": "value 1", "EVIL12": "value 1", "EVIL15": "value 42"}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the planted faults use POSIX signals")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("evil")
    shutil.copy(HERE / "evil_probes.py", folder)
    return torchdoctor("run", "evil", "--checks-dir", str(folder), "--format", "json", cwd=folder)


@pytest.mark.parametrize("code", ERRORS)
def test_names_the_culprit_and_where_it_was(report: Done, code: str) -> None:
    result = report.result(code)
    assert result["status"] == "error"
    for words in ERRORS[code]:
        assert words in result["summary"]


@pytest.mark.parametrize("code", FINE)
def test_the_others_results_stand(report: Done, code: str) -> None:
    result = report.result(code)
    assert (result["status"], result["summary"]) == ("pass", FINE[code])


def test_nothing_is_left_running(report: Done) -> None:
    pid = int(report.result("EVIL13")["summary"].removeprefix("pid "))
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert any("left behind" in note for note in report.json()["notes"])


def test_the_output_of_the_dead_is_kept(report: Done) -> None:
    sources = [e["source"] for f in report.result("EVIL02")["findings"] for e in f["evidence"]]
    assert "stack" in sources


def test_a_required_check_that_could_not_tell_is_exit_3(report: Done) -> None:
    assert report.code == 3
