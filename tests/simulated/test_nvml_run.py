"""``torchdoctor run`` itself on simulated NVIDIA nodes: a driver that hangs or dies is a finding, never the end of the run."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from tests.cli import torchdoctor
from tests.simulated.nvml import fixtures, scenarios

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the simulated driver is a shared library of Linux")

GPU = ("gpu-reachable", "nvidia-driver-loads", "gpu-memory-errors", "gpu-temperature", "nvlink")


def healthy(name, **answers):
    node = next(s for s in scenarios.healthy() if s.name == name)
    return dataclasses.replace(node, nvml={**node.nvml, **answers})


def run(drivers, scenario, folder, *arguments):
    env = fixtures.environment(drivers, scenario, folder)
    changes = {name: env[name] for name in ("LD_LIBRARY_PATH", "SIMULATED_NVML")}
    (folder / "pyproject.toml").write_text("[tool.torchdoctor.deadlines]\nread-nvidia-driver = 2.0\nread-gpu-state = 2.0\n")
    return torchdoctor("run", *arguments, "--format", "json", cwd=folder, **changes)


def problems(done):
    return {
        (r["check"], f["subject"]): f for r in done.json()["results"] for f in r["findings"] if f["status"] in ("fail", "error", "warn")
    }


def test_a_healthy_node_passes(drivers, tmp_path):
    done = run(drivers, healthy("8xH100"), tmp_path, *GPU)
    assert done.code == 0, done.out
    assert done.result("gpu-reachable")["summary"] == "8 x NVIDIA H100 80GB HBM3"
    assert done.result("nvlink")["summary"] == "144 links of 8 GPUs are up"
    assert len(done.json()["facts"]["GpuState"]) == 8


@pytest.mark.parametrize("end", ["!hang", "!crash", "!abort"])
def test_a_driver_that_hangs_or_dies_while_it_starts_is_a_failure(drivers, tmp_path, end):
    done = run(drivers, healthy("8xH100", init=end), tmp_path, *GPU, "operating-system")
    assert done.code == 1
    found = problems(done)
    assert set(found) == {("nvidia-driver-loads", "")}
    assert "nvmlInit" in str(found["nvidia-driver-loads", ""])
    assert done.result("operating-system")["status"] == "pass"


@pytest.mark.parametrize("end", ["!hang", "!crash"])
def test_a_gpu_that_hangs_the_driver_hides_none_of_the_others(drivers, tmp_path, end):
    done = run(drivers, healthy("4xA100", **{"gpu.2.temperature": end, "gpu.3.temperature": "95"}), tmp_path, *GPU)
    assert done.code == 1
    assert set(problems(done)) == {("gpu-reachable", "gpu:2"), ("gpu-temperature", "gpu:3")}
    assert set(done.json()["facts"]["GpuState"]) == {"gpu:0", "gpu:1", "gpu:3"}


def test_a_lost_gpu_hides_none_of_the_others(drivers, tmp_path):
    done = run(drivers, healthy("8xH100", **{"gpu.3.handle": "!15", "gpu.5.temperature": "88"}), tmp_path, *GPU)
    found = problems(done)
    assert set(found) == {("gpu-reachable", "gpu:3"), ("gpu-temperature", "gpu:5")}
    assert found["gpu-reachable", "gpu:3"]["cause"] == "gpu-lost"


def test_no_library_and_no_gpu_is_no_problem(drivers, tmp_path):
    done = run(drivers, dataclasses.replace(healthy("laptop"), library="none"), tmp_path, "--select", "driver", "--select", "health")
    assert done.code in (0, 3)  # required checks that have nothing to judge are no failure
    assert not [f for f in problems(done).values() if f["status"] == "fail"]


def test_a_snapshot_of_a_sick_node_is_judged_the_same_without_its_driver(drivers, tmp_path):
    sick = healthy("8xH100", **{"gpu.3.rows.pending": "1", "gpu.3.rows.uncorrected": "1", "gpu.6.temperature": "!hang"})
    first = run(drivers, sick, tmp_path, "health", "--save-snapshot", "node.json")
    again = torchdoctor("run", "health", "--snapshot", "node.json", "--format", "json", cwd=tmp_path)
    assert first.code == again.code == 1
    assert problems(first) == problems(again)
    assert {("row-remapping", "gpu:3"), ("gpu-reachable", "gpu:6")} <= set(problems(again))
    assert first.json()["notes"] == again.json()["notes"]
    assert "reset the GPU (gpu:3)" in " ".join(again.json()["notes"])


def test_a_threshold_can_be_set_in_the_configuration(drivers, tmp_path):
    node = healthy("8xH100", **{"gpu.6.temperature": "80"})
    done = run(drivers, node, tmp_path, "gpu-temperature")
    assert done.code == 0
    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write("[tool.torchdoctor.thresholds]\ntemperature-margin = 10\n")
    env = fixtures.environment(drivers, node, tmp_path)
    changes = {name: env[name] for name in ("LD_LIBRARY_PATH", "SIMULATED_NVML")}
    done = torchdoctor("run", "gpu-temperature", "--format", "json", "--fail-on", "warn", cwd=tmp_path, **changes)
    assert done.code == 1
    assert ("gpu-temperature", "gpu:6") in problems(done)


def test_a_threshold_that_does_not_exist_is_wrong_usage(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.torchdoctor.thresholds]\ntemprature-margin = 10\n")
    done = torchdoctor("run", "gpu-temperature", cwd=tmp_path)
    assert done.code == 2
    assert "temperature-margin" in done.err
