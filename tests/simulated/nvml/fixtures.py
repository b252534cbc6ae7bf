"""What the tests of the simulated driver share: the built libraries, the observed facts of a scenario, and the judgement over them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.simulated.nvml.build import build
from tests.simulated.nvml.scenarios import Scenario
from torchdoctor.codec import to_json
from torchdoctor.declare import Check
from torchdoctor.engine.discover import discover
from torchdoctor.engine.judge import judge
from torchdoctor.engine.outcome import Outcome, Outcomes
from torchdoctor.facts import Thresholds
from torchdoctor.gpu_tables import thresholds
from torchdoctor.model import CheckResult
from torchdoctor.testing import no_catalogue

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of the simulated libraries: new, old, none."""
    folders, why_not = build(tmp_path_factory.mktemp("nvml"))
    if why_not:
        pytest.skip(f"no simulated driver: {why_not}")
    return folders


def environment(drivers: dict[str, Path], scenario: Scenario, folder: Path) -> dict[str, str]:
    """The environment in which the scenario's driver is the one that is found."""
    return {**os.environ, "LD_LIBRARY_PATH": str(drivers[scenario.library]), "SIMULATED_NVML": str(scenario.write(folder))}


def observe(drivers: dict[str, Path], scenario: Scenario, folder: Path) -> dict[str, Any]:
    """What the real probes read from the scenario's driver, in a process of their own."""
    command = [sys.executable, "-m", "tests.simulated.nvml.observe"]
    if "container" not in scenario.host:
        command.append("--sees-processes")
    done = subprocess.run(command, env=environment(drivers, scenario, folder), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def gpu_checks() -> list[Check]:
    """All checks of NVIDIA's driver and of GPU health that need no torch."""
    elsewhere = {"Devices", "SysfsGpus"}
    checks = discover(plugins=False).checks
    return [c for c in checks if c.group in ("driver", "health") and not elsewhere & {need.fact.__name__ for need in c.needs.values()}]


def outcomes_of(observed: dict[str, Any], scenario: Scenario) -> Outcomes:
    """The observed facts together with the rest of the machine."""
    outcomes = Outcomes()
    driver = {**observed["NvidiaDriver"], "kernel_module": scenario.kernel_module}
    outcomes.add("NvidiaDriver", Outcome("read-nvidia-driver", "host", None, "ok", fact=driver))
    for subject, state in observed["GpuState"].items():
        outcomes.add("GpuState", Outcome("read-gpu-state", "host", subject, "ok", fact=state))
    for fact in (scenario.machine(), scenario.bus(), scenario.files(), scenario.kernel_log(), Thresholds(thresholds())):
        name = type(fact).__name__
        outcomes.add(name, Outcome(name, "host", None, "ok", fact=to_json(fact)))
    return outcomes


def results(outcomes: Outcomes) -> list[CheckResult]:
    """What all GPU checks say."""
    return [judge(check, outcomes, no_catalogue) for check in gpu_checks()]
