"""Facts of the text first, then of a report, then of this machine where nothing contradicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from torchdoctor.diagnose import facts
from torchdoctor.diagnose.read import read_text
from torchdoctor.diagnose.situation import Situation

REPORT = {
    "schema": 1,
    "patient": {"python": "3.11.7", "torch": "2.5.1+cu124"},
    "facts": {
        "Host": {"system": "linux", "arch": "x86_64", "container": "docker", "wsl": None},
        "TorchBuild": {"version": "2.5.1+cu124", "build": "cuda", "cuda": "12.4"},
        "NvidiaDriver": {"library": True, "version": "535.104.05", "gpus": []},
        "Devices": {"devices": [{"kind": "cpu"}, {"kind": "cuda", "model": "NVIDIA A10", "capability": "8.6"}]},
        "PythonEnv": {"installer": "uv", "version": "3.11.7"},
    },
}


def report(tmp_path: Path, data: object) -> Path:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_a_report_fills_what_the_text_leaves_open(tmp_path: Path) -> None:
    situation, notes = facts.gather(read_text("RuntimeError: x", "-"), report(tmp_path, REPORT), local=False)
    assert (situation.os, situation.torch_build, situation.cuda, situation.driver) == ("linux", "cuda", "12.4", "535.104.05")
    assert (situation.gpu, situation.capability, situation.installer, situation.container) == ("NVIDIA A10", "8.6", "uv", True)
    assert set(situation.sources.values()) == {"report"}
    assert notes == ()


def test_the_text_is_believed_before_a_report(tmp_path: Path) -> None:
    told = facts.of_report(report(tmp_path, REPORT))
    known = Situation(os="macos", sources={"os": "text"})
    assert facts.merged(known, told, "report").os == "macos"
    assert "os macos, not linux" in facts.contradictions(known, told)


def test_a_report_of_an_older_form_tells_what_it_has(tmp_path: Path) -> None:
    told = facts.of_report(report(tmp_path, {"facts": {"torch_build": {"value": {"version": "2.1.0"}}, "odd": 3}, "patient": None}))
    assert told == {"torch": "2.1.0"}


@pytest.mark.parametrize("data", [[], {"results": []}, {"facts": []}])
def test_what_is_no_report_is_refused(tmp_path: Path, data: object) -> None:
    with pytest.raises(ValueError, match="no report"):
        facts.of_report(report(tmp_path, data))


def test_this_machine_counts_only_where_nothing_contradicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "of_this_machine", lambda: {"os": "linux", "driver": "570.1"})
    monkeypatch.setattr(facts, "facts_of", lambda log: Situation(os="windows"))
    situation, _ = facts.gather(read_text("x", "-"), None, local=True)
    assert (situation.os, situation.driver) == ("windows", None)
    monkeypatch.setattr(facts, "facts_of", lambda log: Situation())
    situation, _ = facts.gather(read_text("x", "-"), None, local=True)
    assert (situation.os, situation.driver, situation.sources["driver"]) == ("linux", "570.1", "machine")
    assert facts.gather(read_text("x", "-"), None, local=False)[0].os is None


def test_architectures_have_two_names() -> None:
    assert not facts.contradictions(Situation(arch="AMD64"), {"arch": "x86_64"})
    assert facts.contradictions(Situation(arch="arm64"), {"arch": "x86_64"})
