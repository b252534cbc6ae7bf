"""A probe that dies or hangs in a fork of the process that imported torch: named with its signal, and the others' results stand."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli import Done, torchdoctor

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the planted faults use POSIX signals")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Done:
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("forks")
    shutil.copy(HERE / "torch_probes.py", folder)
    return torchdoctor("run", "forks", "--checks-dir", str(folder), "--format", "json", cwd=folder)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("FORK1", ("crashed", "SIGSEGV")),
        ("FORK2", ("did not finish", "in hangs_with_torch")),
        ("FORK4", ("crashed", "SIGABRT")),
    ],
)
def test_names_the_culprit_and_how_it_ended(report: Done, code: str, words: tuple[str, ...]) -> None:
    result = report.result(code)
    assert result["status"] == "error"
    for word in words:
        assert word in result["summary"]


@pytest.mark.parametrize("code", ["FORK3", "FORK5"])
def test_the_others_results_stand(report: Done, code: str) -> None:
    result = report.result(code)
    assert (result["status"], result["summary"]) == ("pass", "sum 3")


def test_the_stack_of_the_dead_is_kept(report: Done) -> None:
    stacks = [e["text"] for f in report.result("FORK1")["findings"] for e in f["evidence"] if e["source"] == "stack"]
    assert any("segfaults_with_torch" in stack for stack in stacks)
