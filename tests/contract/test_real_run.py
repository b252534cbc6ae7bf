"""One real run, in every format: the contract holds for what the program really writes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from tests.cli import Done, torchdoctor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def done(folder: Path) -> Done:
    outputs = [f"--output={name}={folder / name}" for name in ("json", "junit", "github", "markdown", "text")]
    return torchdoctor("run", "--format", "json", *outputs, cwd=folder)


def test_the_json_is_valid_and_alone_on_standard_output(done: Done) -> None:
    schema = json.loads(files("torchdoctor.data").joinpath("report.schema.json").read_text())
    jsonschema.validate(done.json(), schema)
    assert done.err == ""


def test_the_real_work_was_done(done: Done) -> None:
    assert done.code == done.json()["exit_code"] == 0
    assert done.json()["verdict"] in ("pass", "warn")
    for check in ("training-step", "mixed-precision-training", "llama-forward", "local-collective", "repeatable"):
        assert done.result(check)["status"] == "pass", done.result(check)
    assert "a training step, a Llama forward pass and a collective" in done.json()["summary"]


def test_junit_has_one_case_a_check(done: Done, folder: Path) -> None:
    names = " ".join(str(case.attrib) for case in ET.parse(folder / "junit").getroot().iter("testcase"))
    assert all(r["check"] in names for r in done.json()["results"])


def test_a_report_is_judged_again_with_the_same_result(done: Done, folder: Path) -> None:
    again = torchdoctor("run", "--facts", str(folder / "json"), "--format", "json", cwd=folder)
    first = {r["check"]: (r["status"], r["summary"]) for r in done.json()["results"]}
    second = {r["check"]: (r["status"], r["summary"]) for r in again.json()["results"]}
    assert second == first


def test_expectations_decide_the_exit_code(folder: Path) -> None:
    report = str(folder / "json")
    assert torchdoctor("run", "--facts", report, "--expect", "torch>=2.0 gloo=true gpus=0", cwd=folder).code == 0
    failed = torchdoctor("run", "--facts", report, "--expect", "gpus=8 nccl=true", cwd=folder)
    assert failed.code == 1
    assert "expected gpus=8, found 0" in failed.out


def test_redaction_leaves_no_name_of_the_machine(folder: Path) -> None:
    text = (folder / "json").read_text()
    report = json.loads(text)
    report["facts"]["Host"]["hostname"] = "gpu-node-17"
    report["facts"]["PythonEnv"]["prefix"] = "/home/ada.lovelace/env"
    (folder / "named.json").write_text(json.dumps(report))
    out = torchdoctor("run", "--facts", str(folder / "named.json"), "--redact", "--format", "json", cwd=folder).out
    assert "gpu-node-17" not in out
    assert "lovelace" not in out
    assert "host-1" in out
