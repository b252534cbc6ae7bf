"""Checks are found without a list; a broken file is one entry and not the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from torchdoctor.engine.discover import discover
from torchdoctor.engine.plan import PlanError, plan

CHECK = """
from torchdoctor.api import check, ok
from torchdoctor.facts import Host

@check("{code}", group="mine")
def {name}(host: Host):
    "A check of my own."
    yield ok(host.hostname)
"""


def test_every_built_in_check_has_a_code_a_group_and_a_page() -> None:
    found = discover(plugins=False)
    assert not found.broken
    assert len(found.checks) > 30
    for check in found.checks:
        assert check.code.startswith("TD") and check.code[2:].isdigit()
        assert check.doc.strip() and check.title.endswith(".")
        assert "Why:" in check.doc
    codes = [check.code for check in found.checks]
    assert codes == sorted(set(codes))


def test_every_check_can_be_planned() -> None:
    found = discover(plugins=False)
    assert (
        {p.name for p in plan(found, found.checks, "quick")}
        < {p.name for p in plan(found, found.checks, "default")}
        < {p.name for p in plan(found, found.checks, "full")}
    )


def test_a_folder_of_checks_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CHECK.format(code="MY001", name="my_check"))
    (tmp_path / "_helper.py").write_text("raise SystemExit")
    found = discover([tmp_path], plugins=False)
    assert any(check.name == "my-check" for check in found.checks)
    assert not found.broken


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import does_not_exist\n", "does_not_exist"),
        ("import sys; sys.exit(3)\n", "SystemExit: 3"),
        (CHECK.format(code="TD101", name="another"), "TD101 another is taken by"),
        ("from torchdoctor.api import check\n@check('MY2', group='g')\ndef f(x: Unknown):\n    pass\n", "Unknown"),
    ],
)
def test_a_broken_file_is_one_entry(tmp_path: Path, source: str, words: str) -> None:
    (tmp_path / "bad.py").write_text(source)
    found = discover([tmp_path], plugins=False)
    assert len(found.broken) == 1
    assert words in found.broken[0].error
    assert len(found.checks) > 30


def test_a_folder_that_is_missing_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder of checks"):
        discover([tmp_path / "none"], plugins=False)


def test_a_fact_that_nothing_reads_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lost.py").write_text(
        "from torchdoctor.api import check\nclass Lost: pass\n@check('MY3', group='g')\ndef lost(x: Lost):\n    'A.'\n"
    )
    found = discover([tmp_path], plugins=False)
    with pytest.raises(PlanError, match="lost needs Lost"):
        plan(found, [c for c in found.checks if c.name == "lost"], "default")


COMMANDS = (
    ["--help"],
    ["list"],
    ["list", "causes"],
    ["explain", "TD101"],
    ["explain", "nccl-not-built"],
    ["diagnose", "--no-local-facts", "-"],
    ["run", "host"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_imports_torch_into_the_doctors_process(command: list[str]) -> None:
    code = "import sys\nfrom torchdoctor.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    print('torch' in sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *command], input="RuntimeError: x", capture_output=True, text=True)
    assert done.stderr.strip().splitlines()[-1] == "False"


def test_a_plugin_that_imports_torch_is_refused_with_the_reason(tmp_path: Path) -> None:
    from tests.cli import torchdoctor

    (tmp_path / "greedy.py").write_text("import torch\n")
    done = torchdoctor("run", "operating-system", "--checks-dir", str(tmp_path), "--format", "json", cwd=tmp_path)
    broken = next(r for r in done.json()["results"] if r["code"] == "TD000")
    assert "import it inside the probe's body" in broken["summary"]


def test_descriptions_without_import_agree_with_the_checks() -> None:
    from torchdoctor.engine.describe import descriptions

    imported = {(c.name, c.code, c.group, c.doc.strip(), c.title) for c in discover(plugins=False).checks}
    assert {(d.name, d.code, d.group, d.doc.strip(), d.title) for d in descriptions()} == imported
