"""A recorded run is judged again with the same result, dead probes included; what is no record says so."""

from __future__ import annotations

import json

import pytest

from tests.cli import torchdoctor
from torchdoctor.cli import snapshot
from torchdoctor.engine.outcome import Outcome, Outcomes
from torchdoctor.model import Patient
from torchdoctor.report.redact import Redactor

CHECKS = '''
"""A check whose probe dies."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from torchdoctor.api import Findings, check, fail, ok, probe


@dataclass(frozen=True)
class Dead:
    value: int


@dataclass(frozen=True)
class Alive:
    home: str


@probe(lane="host", timeout=20)
def read_dead() -> Dead:
    ctypes.string_at(0)
    return Dead(1)


@probe(lane="host", timeout=20)
def read_alive() -> Alive:
    return Alive("/home/ada/data")


@check("XX901", group="host")
def dead(fact: Dead) -> Findings:
    yield ok("never")


@check("XX902", group="host")
def alive(fact: Alive) -> Findings:
    yield fail(f"{fact.home} is in the way", [("here", fact.home)])
'''


def told(done):
    """A report without its times."""
    report = done.json()
    for key in ("seconds", "started"):
        report.pop(key)
    for result in report["results"]:
        result.pop("seconds")
    return report


def test_the_same_result_on_another_day(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.py").write_text(CHECKS)
    arguments = ("run", "dead", "alive", "operating-system", "--checks-dir", "own", "--format", "json")
    first = torchdoctor(*arguments, "--save-snapshot", "node.json", cwd=tmp_path)
    again = torchdoctor(*arguments, "--snapshot", "node.json", cwd=tmp_path)
    assert first.code == again.code == 1
    assert told(first) == told(again)
    dead = first.result("dead")
    assert dead["status"] == "error"
    assert "SIGSEGV" in dead["summary"]


def test_a_redacted_snapshot_names_nobody(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.py").write_text(CHECKS)
    arguments = ("run", "alive", "--checks-dir", "own", "--format", "json")
    torchdoctor(*arguments, "--redact", "--save-snapshot", "node.json", cwd=tmp_path)
    text = (tmp_path / "node.json").read_text()
    assert "/home/ada" not in text
    assert "/home/user-1/data" in torchdoctor(*arguments, "--snapshot", "node.json", cwd=tmp_path).result("alive")["summary"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kind": "torchdoctor snapshot", "schema": 99}', '{"schema": 1, "verdict": "pass"}', "[" * 100000]
)
def test_what_is_no_snapshot_is_refused(tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"other\.json"):
        snapshot.load(file)
    done = torchdoctor("run", "--snapshot", str(file))
    assert done.code == 2
    assert "Traceback" not in done.err


def test_an_unknown_state_is_refused(tmp_path):
    file = tmp_path / "node.json"
    outcomes = Outcomes(patient={"python": "3.12"})
    outcomes.add("Host", Outcome("read-host", "host", None, "ok", fact={"system": "linux"}))
    snapshot.save(file, snapshot.Snapshot(outcomes, Patient("/usr/bin/python3", "named"), "2026-01-31T12:00:00Z", {"os": "linux"}))
    assert snapshot.load(file).outcomes == outcomes
    data = json.loads(file.read_text())
    data["outcomes"][0]["state"] = "well"
    file.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="unknown state"):
        snapshot.load(file)


def test_the_recording_options_exclude_each_other(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    done = torchdoctor("run", "--snapshot", "a.json", "--save-snapshot", "b.json", cwd=tmp_path)
    assert done.code == 2


def test_a_redactor_goes_through_keys_and_values():
    data = Redactor(users=["charlotte"]).data({"libraries": {"/home/charlotte/lib.so": "charlotte"}})
    assert data == {"libraries": {"/home/user-1/lib.so": "user-1"}}
