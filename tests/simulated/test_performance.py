"""Planted slow, wrong, forgetful and tiring devices are found and named among healthy ones, which are not accused.

The simulated devices keep a time of their own, computed from their work, so nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from torchdoctor.checks.attention_backends import attention_backends
from torchdoctor.checks.device_transfers import device_transfers
from torchdoctor.checks.host_transfers import host_transfers
from torchdoctor.checks.matmul_throughput import matmul_throughput
from torchdoctor.checks.memory_bandwidth import memory_bandwidth
from torchdoctor.checks.memory_patterns import memory_patterns
from torchdoctor.checks.numeric_correctness import numeric_correctness
from torchdoctor.checks.sustained_load import sustained_load

from tests.simulated.accelerator import environment, why_not
from torchdoctor.codec import from_json
from torchdoctor.facts import AttentionRun, CorrectnessRun, MemoryPatternRun, PeerRun, SustainedRun, ThroughputRun
from torchdoctor.model import Status
from torchdoctor.testing import run_check

pytestmark = [pytest.mark.skipif(bool(why_not()), reason=why_not() or "available"), pytest.mark.slow]

DEVICES = ("sim:0", "sim:1", "sim:2")
KINDS: dict[str, Any] = {
    "throughput": ThroughputRun,
    "peers": PeerRun,
    "correctness": CorrectnessRun,
    "memory": MemoryPatternRun,
    "attention": AttentionRun,
    "sustained": SustainedRun,
}
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "slow": ("throughput", {"kind": "slow", "factor": 1.6}),
    "slow products": ("throughput", {"kind": "slow", "operator": "aten::mm", "factor": 1.6}),
    "slow link": ("throughput", {"kind": "slow", "operator": "link", "factor": 2.0}),
    "wrong": ("correctness", {"kind": "wrong-product", "every": 5}),
    "nan": ("correctness", {"kind": "nan", "operator": "aten::_softmax", "every": 3}),
    "forgetful": ("memory", {"kind": "bad-memory"}),
    "wrong copies": ("peers", {"kind": "bad-memory", "operator": "aten::copy_"}),
    "wrong attention": ("attention", {"kind": "wrong-product", "every": 3}),
    "tiring": ("sustained", {"kind": "throttle", "operator": "aten::mm", "every": 20, "factor": 4.0}),
    "wrong when warm": ("sustained", {"kind": "wrong-product", "every": 10}),
}


def scenarios() -> list[dict[str, Any]]:
    """Every work healthy on every device, and every fault on the second one."""
    healthy = [{"name": f"{run} {device}", "run": run, "device": device} for run in KINDS for device in DEVICES]
    sick = [{"name": name, "run": run, "device": "sim:1", "faults": [fault]} for name, (run, fault) in FAULTS.items()]
    return [*healthy, *sick]


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """All scenarios, run in one process."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("scenarios.py")), *map(json.dumps, scenarios())],
        env=environment(devices=len(DEVICES)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = {scenario["name"]: KINDS[scenario["run"]] for scenario in scenarios()}
    return {line["name"]: from_json(kinds[line["name"]], line["result"]) for line in lines}


def node(measured: dict[str, Any], run: str, fault: str = "") -> dict[str, Any]:
    """The facts of all devices, with the second one sick."""
    runs = {device: measured[f"{run} {device}"] for device in DEVICES}
    return {**runs, "sim:1": measured[fault]} if fault else runs


@pytest.mark.parametrize(
    ("check", "run"),
    [
        (matmul_throughput, "throughput"),
        (memory_bandwidth, "throughput"),
        (host_transfers, "throughput"),
        (device_transfers, "peers"),
        (numeric_correctness, "correctness"),
        (memory_patterns, "memory"),
        (attention_backends, "attention"),
        (sustained_load, "sustained"),
    ],
)
def test_healthy_devices_are_not_accused(measured: dict[str, Any], check: Any, run: str) -> None:
    result = run_check(check, node(measured, run))
    assert result.status is Status.PASS, result


@pytest.mark.parametrize(
    ("check", "fault", "status"),
    [
        (matmul_throughput, "slow", Status.WARN),
        (memory_bandwidth, "slow", Status.WARN),
        (matmul_throughput, "slow products", Status.WARN),
        (host_transfers, "slow link", Status.WARN),
        (numeric_correctness, "wrong", Status.FAIL),
        (numeric_correctness, "nan", Status.FAIL),
        (memory_patterns, "forgetful", Status.FAIL),
        (device_transfers, "wrong copies", Status.FAIL),
        (attention_backends, "wrong attention", Status.FAIL),
        (sustained_load, "tiring", Status.WARN),
        (sustained_load, "wrong when warm", Status.FAIL),
    ],
)
def test_the_sick_device_is_named(measured: dict[str, Any], check: Any, fault: str, status: Status) -> None:
    result = run_check(check, node(measured, FAULTS[fault][0], fault))
    assert result.status is status, result
    assert {finding.subject for finding in result.findings} == {"sim:1"}


@pytest.mark.parametrize(("check", "fault"), [(memory_bandwidth, "slow products"), (matmul_throughput, "slow link")])
def test_what_is_not_slow_is_not_accused(measured: dict[str, Any], check: Any, fault: str) -> None:
    assert run_check(check, node(measured, "throughput", fault)).status is Status.PASS


def test_measured_in_the_devices_own_time(measured: dict[str, Any]) -> None:
    run: ThroughputRun = measured["throughput sim:0"]
    assert run.timer == "events" and run.model == "Simulated accelerator"
    copies = next(rate for rate in run.rates if rate.key == "copy")
    assert copies.best == pytest.approx(50.0, rel=1e-3)
