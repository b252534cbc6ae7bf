"""The doctor works where little else does: no home, nothing writable, no PATH, strange terminals, closed streams, interrupts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import LIMIT, environment, torchdoctor

RUN = [sys.executable, "-m", "torchdoctor", "run"]

SLOW_CHECK = """
import time
from dataclasses import dataclass
from torchdoctor.api import check, ok, probe

@dataclass(frozen=True)
class Slow:
    value: int = 0

@probe(lane="host", timeout=600)
def slow() -> Slow:
    print("slow has begun", flush=True)
    open({mark!r}, "w").close()
    time.sleep(600)

@check("SLOW1", group="slow")
def slowness(fact: Slow):
    "Slow."
    yield ok("done")
"""


@pytest.mark.parametrize(
    "changes",
    [
        {"HOME": None},
        {"HOME": "/proc/nothing"},
        {"TMPDIR": "/proc/nothing"},
        {"PATH": ""},
        {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "cp1252"},
        {"TERM": "dumb", "NO_COLOR": "1"},
        {"OMP_NUM_THREADS": "nonsense"},
        {"CUDA_VISIBLE_DEVICES": "0,1"},
    ],
    ids=lambda changes: " ".join(f"{k}={v}" for k, v in changes.items()),
)
def test_a_healthy_machine_stays_healthy(tmp_path: Path, changes: dict[str, str | None]) -> None:
    done = torchdoctor("run", cwd=tmp_path, **changes)
    assert done.code == 0, done.out + done.err
    assert "Ready" in done.out
    assert "Traceback" not in done.err


def test_an_nvidia_smi_that_hangs_is_never_run(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    done = torchdoctor("run", "host", "device", cwd=tmp_path, PATH=f"{program.parent}:{os.environ['PATH']}")
    assert done.code == 0


def test_standard_input_may_be_closed(tmp_path: Path) -> None:
    done = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *RUN, "host"], capture_output=True, cwd=tmp_path, env=environment(), timeout=LIMIT)
    assert done.returncode == 0, done.stderr.decode()


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = " ".join(f"'{part}'" for part in [*RUN, "-v", "host"])
    done = subprocess.run(["bash", "-c", f"{command} | head -c 10"], capture_output=True, cwd=tmp_path, env=environment(), timeout=LIMIT)
    assert done.stderr == b""


def test_standard_output_may_be_closed(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *RUN, "host"], stderr=subprocess.PIPE, cwd=tmp_path, env=environment(), timeout=LIMIT
    )
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_prints_what_is_known(tmp_path: Path, number: signal.Signals) -> None:
    mark = tmp_path / "begun"
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "slow.py").write_text(SLOW_CHECK.format(mark=str(mark)))
    arguments = [*RUN, "slow", "host", "--checks-dir", str(tmp_path / "checks"), "--format", "json"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment())
    watcher = subprocess.run(["sh", "-c", f"until [ -e '{mark}' ]; do sleep 0.05; done"], timeout=LIMIT)
    assert watcher.returncode == 0
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, err.decode()
    report = json.loads(out)
    by_name = {r["check"]: r for r in report["results"]}
    assert "interrupted" in by_name["slowness"]["summary"]
    assert report["exit_code"] == 130
    assert b"Traceback" not in err


def test_the_deadline_of_the_whole_run_ends_it(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "slow.py").write_text(SLOW_CHECK.format(mark=str(tmp_path / "begun")))
    done = torchdoctor("run", "slow", "--checks-dir", str(tmp_path / "checks"), "--deadline", "3", "--format", "json", cwd=tmp_path)
    assert done.code == 3
    assert "deadline of 3 s" in done.result("slowness")["summary"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--python", "/no/python"], "no such interpreter"),
        (["nonsense"], "no check, code or group"),
        (["cuda-availible"], "did you mean cuda-available"),
        (["--expect", "gpu=8"], "did you mean gpus"),
        (["--expect", "gpus=many"], "gpus"),
        (["--format", "yaml"], "yaml"),
        (["--output", "junit"], "FORMAT=FILE"),
        (["--deadline", "-1"], "deadline"),
        (["--checks-dir", "/no/folder"], "no such folder"),
        (["--facts", "/no/report.json"], "report.json"),
    ],
)
def test_wrong_usage_is_one_clear_error_and_exit_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = torchdoctor("run", *arguments, cwd=tmp_path)
    assert done.code == 2
    assert words in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def test_a_python_that_is_none_is_said(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho this is no python >&2\nexit 4\n")
    program.chmod(0o755)
    result = torchdoctor("run", "--python", str(program), "--format", "json", cwd=tmp_path).result("torch-import")
    assert result["status"] == "fail"
    assert "exit code 4" in result["summary"]
