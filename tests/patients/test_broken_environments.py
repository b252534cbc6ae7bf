"""The doctor examines environments that are broken on disk, and names what is broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli import Done, torchdoctor
from tests.patients import build

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the environments are built of symbolic links")


def run(environment: Path, *arguments: str, **env: str | None) -> Done:
    return torchdoctor("run", *arguments, "--python", str(environment), "--format", "json", cwd=environment, **env)


def causes(done: Done) -> set[str]:
    return {f["cause"] for r in done.json()["results"] for f in r["findings"] if f["cause"]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a whole torch; tests that only add to it share it."""
    return build.with_torch(tmp_path_factory.mktemp("patients") / "whole")


def test_a_whole_one_is_ready_and_needs_nothing_of_torchdoctors(whole: Path) -> None:
    done = run(whole)
    assert done.code == 0
    assert done.json()["summary"].startswith("Ready")
    assert not (build.site_packages(whole) / "torchdoctor").exists()


@pytest.mark.parametrize(("size", "words"), [(100, "libtorch_cpu.so"), (4096, "SIGBUS")])
def test_a_truncated_library(tmp_path: Path, size: int, words: str) -> None:
    environment = build.with_torch(tmp_path / "env")
    build.replace_by_copy(build.site_packages(environment) / "torch" / "lib" / "libtorch_cpu.so", size)
    done = run(environment)
    assert done.code == 1
    assert words in done.result("torch-import")["summary"]
    assert "cut off" in done.result("torch-files")["summary"]
    assert "torch-install-broken" in causes(done)


def test_a_missing_library(tmp_path: Path) -> None:
    environment = build.with_torch(tmp_path / "env")
    (build.site_packages(environment) / "torch" / "lib" / "libc10.so").unlink()
    done = run(environment)
    assert "libc10.so" in done.result("torch-import")["summary"]
    assert "is missing" in done.result("torch-files")["summary"]


def test_companions_of_another_torch(tmp_path: Path) -> None:
    environment = build.with_torch(tmp_path / "env")
    build.distribution(environment, "torchvision", "0.15.2", ("torch (==2.0.1)", "numpy"))
    build.distribution(environment, "transformers", "9.0", ('torch>=99 ; extra == "torch"',))
    result = run(environment, "companions").result("companions")
    assert {f["subject"] for f in result["findings"]} == {"pkg:torchvision", "pkg:transformers"}
    assert "torchvision==0.28.0" in str(result["findings"])


def test_a_second_copy_and_leftovers_of_torch(tmp_path: Path) -> None:
    environment = build.with_torch(tmp_path / "env")
    other = tmp_path / "other"
    (other / "torch-1.2.3.dist-info").mkdir(parents=True)
    (build.site_packages(environment) / "~orch").mkdir()
    result = run(environment, "torch-files", PYTHONPATH=str(other)).result("torch-files")
    assert {f["cause"] for f in result["findings"]} == {"conda-pip-torch-mix", None}


def test_an_autoloaded_backend_that_fails(tmp_path: Path) -> None:
    environment = build.with_torch(tmp_path / "env")
    site = build.site_packages(environment)
    (site / "sick_backend.py").write_text("def load():\n    raise RuntimeError('sick backend: driver not found')\n")
    build.distribution(environment, "sick_backend", "1.0")
    (site / "sick_backend-1.0.dist-info" / "entry_points.txt").write_text("[torch.backends]\nsick = sick_backend:load\n")
    done = run(environment)
    result = done.result("torch-import")
    assert result["status"] == "fail"
    assert "sick" in result["summary"]
    assert any("TORCH_DEVICE_BACKEND_AUTOLOAD" in str(f["fixes"]) for f in result["findings"])


def test_a_working_directory_that_hides_modules(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("from torch import *\n")
    done = torchdoctor("run", "--python", str(whole), "--format", "json", cwd=tmp_path)
    assert "random.py" in done.result("shadowing-files")["summary"]
    assert "shadowed-module" in causes(done)


def test_start_files_that_change_defaults(whole: Path, tmp_path: Path) -> None:
    start = tmp_path / "start"
    start.mkdir()
    (start / "sitecustomize.py").write_text(
        "import sys\n"
        "class Later:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch.hub':\n"
        "            import torch; torch.set_default_dtype(torch.float64)\n"
        "sys.meta_path.insert(0, Later())\n"
    )
    result = run(whole, "default-settings", PYTHONPATH=str(start)).result("default-settings")
    assert "float64" in result["summary"]


def test_stale_launch_variables_are_named_before_anything_waits(whole: Path) -> None:
    done = run(whole, WORLD_SIZE="4", RANK="9", LOCAL_RANK="7", MASTER_ADDR="localhost", MASTER_PORT="29500")
    assert done.code == 1
    assert "RANK=9 is not below WORLD_SIZE=4" in str(done.result("launch-variables"))
    assert done.result("local-collective")["status"] == "pass"


def test_an_interface_that_does_not_exist(whole: Path) -> None:
    done = run(whole, GLOO_SOCKET_IFNAME="eth99")
    assert done.result("socket-interfaces")["status"] == "fail"
    assert done.result("local-collective")["status"] == "fail"
    assert "gloo-wrong-interface" in causes(done)
