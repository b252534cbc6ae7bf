"""Every machine format against its contract."""

from __future__ import annotations

import dataclasses
import json
import re
import xml.etree.ElementTree as ElementTree
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sample_reports import EMPTY, HEALTHY, SICK, report
from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Patient, Report, Status
from torchdoctor.report import github, json_report, junit, markdown
from torchdoctor.report.redact import Redactor

SCHEMA: dict[str, Any] = json.loads(resources.files("torchdoctor.data").joinpath("report.schema.json").read_text(encoding="utf-8"))
REPORTS = {"healthy": HEALTHY, "sick": SICK, "redacted": Redactor().report(SICK)}

words = st.text(max_size=20)
findings = st.builds(
    Finding,
    st.sampled_from(Status),
    words,
    words,
    st.lists(st.builds(Evidence, words, words), max_size=2).map(tuple),
    st.lists(st.builds(Fix, words, st.lists(words, max_size=2).map(tuple)), max_size=2).map(tuple),
    st.none() | words,
)
names = st.text(min_size=1, max_size=10)
results = st.builds(
    CheckResult,
    names,
    names,
    names,
    st.sampled_from(Status),
    words,
    st.lists(findings, max_size=2).map(tuple),
    st.sampled_from([0.0, 0.25, 3.5]),
    words,
)
reports = st.lists(results, max_size=3).map(lambda found: dataclasses.replace(SICK, results=tuple(found)))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", REPORTS)
def test_json_is_valid(name: str) -> None:
    jsonschema.validate(json.loads(json_report.render(REPORTS[name])), SCHEMA)


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"verdict": "fine"}, {"exit_code": 7}, {"started": "yesterday"}, {"patient": {}}, {"results": [{}]}]
)
def test_the_schema_refuses_what_is_wrong(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json_report.to_data(HEALTHY), **change}, SCHEMA)


def test_json_knows_no_nan() -> None:
    odd = dataclasses.replace(HEALTHY, facts={"loss": float("nan"), "most": float("inf"), "path": Path("/x"), "bytes": (1, 2)})
    assert json.loads(json_report.render(odd))["facts"] == {"loss": "nan", "most": "inf", "path": "/x", "bytes": [1, 2]}


def test_a_report_that_was_written_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json_report.render(SICK), encoding="utf-8")
    assert json_report.load(file) == SICK


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"schema": 1}', '{"schema": 99}', '{"schema": 1, "diagnoses": []}', "[" * 100_000, "\x00"],
)
def test_a_file_that_is_no_report_is_an_error_with_its_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"odd\.json"):
        json_report.load(file)


def test_properties_of_later_versions_are_passed_over() -> None:
    data = json_report.to_data(SICK)
    data["later"] = data["results"][0]["later"] = data["patient"]["later"] = 1
    assert json_report.from_data(data) == SICK


@settings(max_examples=50, deadline=None)
@given(reports)
def test_whatever_a_check_says_every_format_holds(made: Report) -> None:
    data = json.loads(json_report.render(made))
    jsonschema.validate(data, SCHEMA)
    cases = ElementTree.fromstring(junit.render(made)).findall(".//testcase")
    assert len(cases) == len(made.results)
    lines = github.render(made).split("\n")
    assert len(lines) <= github.MOST + 2
    assert all(line.startswith(("::error title=", "::warning title=")) for line in lines if line.startswith("::"))
    assert len(markdown.render(made).encode("utf-8")) < 60_000


def test_junit_has_one_case_a_check_with_time_and_outcome() -> None:
    suite = ElementTree.fromstring(junit.render(SICK)).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [f"{r.code} {r.check}" for r in SICK.results]
    assert [float(case.get("time") or -1) for case in cases] == [round(r.seconds, 3) for r in SICK.results]
    kinds = {case.get("name", ""): next(iter(case)).tag for case in cases}
    assert kinds["TD305 driver-fits-torch"] == "failure"
    assert kinds["TD640 nccl-all-reduce"] == "error"
    assert kinds["TD310 mps-usable"] == "skipped"
    assert kinds["TD312 pcie-link"] == "system-out"
    numbers = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": str(len(SICK.results)), "failures": "1", "errors": "1", "skipped": "1"}


def test_junit_counts_warnings_as_failures_where_they_fail_the_gate() -> None:
    suite = ElementTree.fromstring(junit.render(SICK, Status.WARN)).find("testsuite")
    assert suite is not None and suite.get("failures") == "2" and suite.get("errors") == "1"


def many(count: int) -> Report:
    made = [
        CheckResult(f"check-{n}", f"TD{n:03}", "host", Status.WARN if n % 2 else Status.FAIL, f"problem {n}", (), 0.0) for n in range(count)
    ]
    return report(tuple(made))


def test_github_shows_the_ten_worst_and_counts_the_rest() -> None:
    lines = github.render(many(15)).split("\n")
    kinds = [line.split(" ")[0] for line in lines if line.startswith("::")]
    assert kinds == ["::error"] * 8 + ["::warning"] * 2
    assert lines[10].startswith("+5 more")
    assert len(lines) == 12


def test_github_says_nothing_about_a_healthy_machine_but_the_verdict() -> None:
    assert github.render(HEALTHY).startswith("torchdoctor: Ready: ")
    assert "\n" not in github.render(HEALTHY)


def test_github_escapes_what_its_commands_are_made_of() -> None:
    finding = Finding(Status.FAIL, "100% of a,b:c\r\n::warning::x", "", (Evidence("env", "a\nb"),))
    shown = github.render(report((CheckResult("a,b:c%", "TD1", "host", Status.FAIL, "", (finding,)),))).split("\n")
    assert shown[0].startswith("::error title=TD1 a%2Cb%3Ac%25::100%25 of a,b:c%0A")
    assert "::warning" not in shown[0]
    assert len(shown) == 2


def test_markdown_stays_under_the_limit_and_keeps_the_worst() -> None:
    blob = "x" * 3000 + "\n`````\n" + "y" * 3000
    made = [
        CheckResult(f"check-{n}", f"TD{n}", "host", status, "big", (Finding(status, f"finding {n}", "", (Evidence("log", blob),) * 3),))
        for n, status in enumerate([Status.WARN] * 40 + [Status.FAIL])
    ]
    shown = markdown.render(dataclasses.replace(report(tuple(made)), facts={"big": ["z" * 50] * 5000}))
    assert len(shown.encode("utf-8")) < 60_000
    assert "finding 40" in shown and "more, left out" in shown
    assert shown.count("<details>") == shown.count("</details>")


def test_markdown_takes_nothing_for_markup() -> None:
    evil = "</details><script>x</script> @everyone [a](http://x) | `tick` #1\n```\n# title"
    made = CheckResult(
        "c", "TD1", "host", Status.FAIL, evil, (Finding(Status.FAIL, evil, "", (Evidence(evil, evil),), (Fix(evil, (evil,)),)),)
    )
    shown = markdown.render(dataclasses.replace(report((made,)), facts={"x": evil}))
    outside, fence = [], ""
    for line in shown.split("\n"):
        stripped = line.strip()
        if fence:
            fence = "" if stripped == fence else fence
        elif stripped.startswith("```"):
            fence = stripped[: len(stripped) - len(stripped.lstrip("`"))]
        else:
            outside.append(line)
    assert not fence, "every code block is closed"
    prose = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", "\n".join(outside))
    assert "<script>" not in prose and "@everyone" not in prose and "[a](" not in prose
    assert prose.count("</details>") == prose.count("<details>") == 2


def test_an_empty_report_can_be_shown_in_every_format() -> None:
    jsonschema.validate(json.loads(json_report.render(EMPTY)), SCHEMA)
    assert "0 checks" in github.render(EMPTY) and "0 checks" in markdown.render(EMPTY)
    assert ElementTree.fromstring(junit.render(EMPTY)).find("testsuite") is not None


def test_a_patient_without_torch_is_null() -> None:
    bare = dataclasses.replace(SICK, patient=Patient("python", "PATH", None, None))
    data = json.loads(json_report.render(bare))
    jsonschema.validate(data, SCHEMA)
    assert data["patient"]["torch"] is None
