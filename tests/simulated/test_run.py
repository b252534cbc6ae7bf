"""``torchdoctor run`` on simulated accelerators: a sick one is found and named, a healthy one is not accused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli import Done, torchdoctor
from tests.simulated.accelerator import PLUGIN, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


def run(folder: Path, *faults: dict[str, Any], devices: int = 1, arguments: tuple[str, ...] = ()) -> Done:
    plan = json.dumps({"devices": devices, "faults": list(faults)})
    return torchdoctor(
        "run", *arguments, "--format", "json", cwd=folder, PYTHONPATH=str(PLUGIN), TORCHDOCTOR_SIMULATED=plan, OMP_NUM_THREADS="1"
    )


def failures(done: Done) -> set[tuple[str, str]]:
    """(check, subject) of every failure."""
    return {(r["check"], f["subject"]) for r in done.json()["results"] for f in r["findings"] if f["status"] == "fail"}


def test_healthy_devices_are_not_accused(tmp_path: Path) -> None:
    done = run(tmp_path, devices=2, arguments=("--expect", "gpus=2"))
    assert done.code == 0, done.out
    assert not failures(done)
    assert done.json()["summary"].startswith("Ready")
    assert {"sim:0", "sim:1", "cpu"} == set(done.json()["facts"]["TrainingRun"])


def test_a_wrong_product_once_in_a_while_names_the_device(tmp_path: Path) -> None:
    done = run(tmp_path, {"kind": "wrong-product", "device": 1, "every": 7}, devices=2)
    assert done.code == 1
    assert {("training-step", "sim:1"), ("llama-forward", "sim:1")} <= failures(done)
    assert {subject for _, subject in failures(done)} == {"sim:1"}


def test_a_nan(tmp_path: Path) -> None:
    done = run(tmp_path, {"kind": "nan", "every": 9})
    assert ("training-step", "sim:0") in failures(done)
    assert "nan-loss" in {f["cause"] for r in done.json()["results"] for f in r["findings"]}


def test_out_of_memory_gets_its_cause_from_the_catalogue(tmp_path: Path) -> None:
    done = run(tmp_path, {"kind": "out-of-memory"})
    result = done.result("training-step")
    assert result["status"] == "fail"
    assert "out of memory" in result["summary"].lower()
    assert done.result("cpu-quota")["status"] == "pass"


def test_a_dtype_that_is_silently_cast(tmp_path: Path) -> None:
    done = run(tmp_path, {"kind": "cast", "dtype": "float64", "to": "float32"})
    assert {("value-round-trip", "sim:0")} <= failures(done)


def test_a_buffer_that_is_left_behind(tmp_path: Path) -> None:
    done = run(tmp_path, {"kind": "left-behind", "dtype": "int64", "elements": 8})
    assert ("module-placement", "sim:0") in failures(done)


def test_a_hang_says_where_and_ends(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.torchdoctor.deadlines]\nllama-run = 4\n")
    done = run(tmp_path, {"kind": "hang", "operator": "aten::silu"}, devices=2)
    result = done.result("llama-forward")
    assert result["status"] == "fail"
    assert "did not finish" in result["findings"][0]["title"]
    assert "simulated_accelerator.py" in result["findings"][0]["title"] or "llama.py" in str(result["findings"][0]["evidence"])
    assert done.result("training-step")["status"] == "pass"
