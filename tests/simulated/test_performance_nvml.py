"""The sustained run beside the simulated driver: an overheating GPU is named, a healthy node at work is not accused, a used GPU is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from torchdoctor.checks.sustained_load import sustained_load

from tests.simulated.nvml import fixtures, scenarios
from torchdoctor.codec import from_json
from torchdoctor.facts import SustainedRun
from torchdoctor.model import Status
from torchdoctor.testing import run_check

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the simulated driver is a shared library of Linux"),
    pytest.mark.slow,
]


def watched(drivers: dict[str, Path], folder: Path, name: str) -> dict[str, Any]:
    """Runs and busy words by device, in a scenario."""
    scenario = next(s for s in (*scenarios.healthy(), *scenarios.faults()) if s.name == name)
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulated.watched"],
        env={**fixtures.environment(drivers, scenario, folder), "OMP_NUM_THREADS": "1"},
        cwd=fixtures.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def judged(found: dict[str, Any]) -> Any:
    return run_check(sustained_load, {device: from_json(SustainedRun, one["run"]) for device, one in found.items()})


def test_a_healthy_node_at_work(drivers, tmp_path):
    found = watched(drivers, tmp_path, "8xH100 at work")
    result = judged(found)
    assert result.status is Status.PASS, result
    assert "cuda:7 600 TFLOP/s" in result.summary and "up to 68 C" in result.summary
    sample = found["cuda:0"]["run"]["samples"][0]
    assert (sample["clock_sm"], sample["power"], sample["memory_temperature"], sample["reasons"]) == (1755, 696.0, 78, 4)
    assert found["cuda:0"]["run"]["replays"] == 0
    assert "100 % busy" in found["cuda:0"]["busy"]


@pytest.mark.parametrize(
    ("name", "subject", "cause"),
    [
        ("thermal slowdown by the hardware", "cuda:5", "gpu-throttled-thermal"),
        ("too hot", "cuda:7", "gpu-throttled-thermal"),
        ("power brake", "cuda:5", "gpu-throttled-power"),
    ],
)
def test_the_gpu_that_slows_down_is_named(drivers, tmp_path, name, subject, cause):
    result = judged(watched(drivers, tmp_path, name))
    assert result.status is Status.WARN, result
    assert {(finding.subject, finding.cause) for finding in result.findings} == {(subject, cause)}


def test_a_gpu_that_others_use_is_left_alone(drivers, tmp_path):
    found = watched(drivers, tmp_path, "another process holds memory")
    busy = {device: one["busy"] for device, one in found.items() if one["busy"]}
    assert busy == {"cuda:0": "the GPU is in use by 1 process (--busy-ok runs it all the same)"}
