"""A real older torch from the package index: a CUDA build on a machine without a driver, with a NumPy that it cannot use."""

from __future__ import annotations

import platform
import sys

import pytest

from tests.cli import Done, torchdoctor
from tests.patients import build

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or platform.machine() != "x86_64", reason="the wheel is one for Linux on x86-64"
    ),
    pytest.mark.skipif(sys.version_info[:2] > (3, 12), reason="torch 2.2 has no wheel for this Python"),
]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("old") / "env"
    why_not = build.installed(folder, "torch==2.2.2", "numpy>=2")
    if why_not:
        pytest.skip(f"torch 2.2.2 could not be installed: {why_not}")
    return torchdoctor("run", "--python", str(folder), "--format", "json", cwd=folder)


def test_a_numpy_that_is_too_new_is_named(done: Done) -> None:
    result = done.result("numpy-bridge")
    assert done.code == 1
    assert (result["status"], result["findings"][0]["cause"]) == ("fail", "numpy2-abi")


def test_a_missing_driver_is_a_fact_where_there_is_no_gpu(done: Done) -> None:
    result = done.result("cuda-available")
    assert result["status"] == "info"
    assert done.json()["facts"]["TorchBuild"]["cuda"] == "12.1"


def test_its_requirements_are_met_and_it_works(done: Done) -> None:
    assert done.result("torch-requirements")["status"] == "pass"
    for check in ("training-step", "llama-forward", "local-collective", "module-placement"):
        assert done.result(check)["status"] == "pass", done.result(check)
