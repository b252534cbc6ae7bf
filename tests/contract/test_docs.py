"""The documentation is true: its example runs, its pages are up to date, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import torchdoctor

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_of_a_check_works(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "adding-a-check.md").read_text(encoding="utf-8")
    source = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert source is not None
    (tmp_path / "clock.py").write_text(source[1], encoding="utf-8")
    done = torchdoctor("run", "MY001", "--checks-dir", str(tmp_path), "--format", "json", cwd=tmp_path)
    result = done.result("clock-is-set")
    assert (done.code, result["status"], result["summary"]) == (0, "pass", "the clock is set")


def test_the_example_of_a_check_fails_where_it_should(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "adding-a-check.md").read_text(encoding="utf-8")
    source = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert source is not None
    (tmp_path / "clock_check.py").write_text(source[1], encoding="utf-8")
    code = (
        "from clock_check import Clock, clock_is_set\n"
        "from torchdoctor.testing import run_check\n"
        "print(run_check(clock_is_set, Clock(0.0)).status.word)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "fail\n", done.stderr


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, "scripts/make_docs.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["README.md", "docs/adding-a-check.md", "docs/adding-a-cause.md"])
def test_commands_that_are_named_exist(name: str) -> None:
    from torchdoctor.cli import COMMANDS

    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|[`\s/])torchdoctor ([a-z][a-z-]+)", text, re.MULTILINE))
    assert named <= {*COMMANDS, "run", "finds", "is", "in"} | set(COMMANDS), named


def test_the_table_of_literals_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, "scripts/make_signs_table.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or "run python scripts/make_signs_table.py"
