"""``torchdoctor run --full`` of the performance group: announced, told what it may do, and the sick device named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli import torchdoctor
from tests.simulated.accelerator import PLUGIN, why_not

PLUG_IN = """
from __future__ import annotations

from dataclasses import dataclass

from torchdoctor.api import Findings, check, info, probe


@dataclass(frozen=True)
class Told:
    busy_ok: bool


@probe(lane="patient", full=True)
def told(*, busy_ok: bool = False) -> Told:
    return Told(busy_ok)


@check("XX901", group="plug")
def was_told(fact: Told) -> Findings:
    yield info(f"busy_ok is {fact.busy_ok}")
"""


@pytest.mark.parametrize(("arguments", "told"), [((), "False"), (("--busy-ok",), "True")])
def test_probes_are_told_the_options_they_ask_for(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    (tmp_path / "was_told.py").write_text(PLUG_IN)
    done = torchdoctor("run", "--full", "was-told", "--checks-dir", str(tmp_path), "--format", "json", *arguments, cwd=tmp_path)
    assert done.result("was-told")["summary"] == f"busy_ok is {told}", done.err
    assert "--busy-ok" in done.err and "minutes" in done.err


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "available")
def test_a_forgetful_device_is_named(tmp_path: Path) -> None:
    plan = json.dumps({"devices": 2, "faults": [{"kind": "bad-memory", "device": 1}]})
    done = torchdoctor(
        "run",
        "--full",
        "memory-patterns",
        "--format",
        "json",
        cwd=tmp_path,
        PYTHONPATH=str(PLUGIN),
        TORCHDOCTOR_SIMULATED=plan,
        OMP_NUM_THREADS="1",
    )
    result = done.result("memory-patterns")
    assert done.code == 1 and [finding["subject"] for finding in result["findings"]] == ["sim:1"]
    assert done.json()["facts"]["MemoryPatternRun"]["sim:0"]["wrong"] == 0


def test_without_full_nothing_is_measured(tmp_path: Path) -> None:
    done = torchdoctor("run", "matmul-throughput", "--format", "json", cwd=tmp_path)
    assert done.result("matmul-throughput")["status"] == "skip"
    assert "ThroughputRun" not in done.json()["facts"]
