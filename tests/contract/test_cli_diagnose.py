"""The command line of ``diagnose``, ``explain`` and ``list``, run as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MEMORY = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 7.79 GiB total capacity)\n"


def run(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80", **environment}
    command = [sys.executable, "-m", "torchdoctor", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", env=env, timeout=120)


def test_standard_input_is_read_where_nothing_is_named() -> None:
    done = run("diagnose", text=MEMORY)
    assert done.returncode == 0
    assert "cuda-oom" in done.stdout
    assert not done.stderr


def test_a_file_a_folder_and_several(tmp_path: Path) -> None:
    (tmp_path / "rank0.log").write_text("step 1\n")
    (tmp_path / "rank1.log").write_text(MEMORY)
    for arguments in ([str(tmp_path)], [str(tmp_path / "rank0.log"), str(tmp_path / "rank1.log")]):
        said = json.loads(run("diagnose", "--format", "json", *arguments).stdout)
        assert said["diagnoses"][0]["cause"].startswith("cuda-oom")
        assert said["diagnoses"][0]["evidence"][0]["file"].endswith("rank1.log")


def test_any_bytes_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"\xff\xfe\x00\xd8" + bytes(range(256)))
    assert run("diagnose", str(tmp_path / "a.log")).returncode in (0, 1)


def test_output_for_a_console_that_knows_ascii_only() -> None:
    done = run("diagnose", text="कुछ\n" + MEMORY, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "torchdoctor", "list", "causes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert b"Traceback" not in errors
    assert b"BrokenPipe" not in errors


@pytest.mark.parametrize(
    "arguments", [("diagnose", "--format", "xml"), ("diagnose", "/no/such/file"), ("explain", "no-such-cause"), ("nonsense",)]
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert not done.stdout
    assert "Traceback" not in done.stderr


def test_explain_and_list() -> None:
    shown = run("explain", "cuda-oom").stdout
    assert all(label in shown for label in ("Cause", "Why", "Fix", "Signs", "Example"))
    assert "cuda-oom " in run("list", "causes").stdout
    assert "Did you mean cuda-oom" in run("explain", "cuda-om").stderr


def test_redaction_goes_through_all_of_the_answer(tmp_path: Path) -> None:
    text = (
        'Traceback (most recent call last):\n  File "/home/jane.roe/fit.py", line 3, in <module>\n    x.cuda()\n'
        + MEMORY.strip()
        + " for jane.roe\n"
    )
    for form in ("json", "text", "markdown"):
        assert "jane.roe" not in run("diagnose", "--redact", "--format", form, text=text).stdout


def test_neither_torch_nor_rich_is_imported() -> None:
    code = "import sys; from torchdoctor.cli import main; main(['diagnose', '-'], standalone_mode=False); print(sorted({'torch', 'rich', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], input=MEMORY, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1:] == ["[]"] or "[]" in done.stdout
