"""Selectors and ignores."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchdoctor.engine.select import Ignore, Named, apply_ignores, expired_ignores, matches, parse_ignore, select
from torchdoctor.model import CheckResult, Finding, Status

CHECKS = (
    Named("driver-fits-torch", "TD305", "device"),
    Named("pcie-link", "TD312", "device"),
    Named("nccl-built", "TD601", "distributed"),
    Named("torch-imports", "TD201", "install"),
)
DAY = datetime.date(2026, 6, 1)


def names(*selectors: str, ignores: tuple[Ignore, ...] = ()) -> list[str]:
    return [check.name for check in select(CHECKS, selectors, ignores, DAY).checks]


@pytest.mark.parametrize(
    ("selectors", "wanted"),
    [
        ((), ["driver-fits-torch", "pcie-link", "nccl-built", "torch-imports"]),
        (("nccl-built",), ["nccl-built"]),
        (("TD312",), ["pcie-link"]),
        (("td312",), ["pcie-link"]),
        (("TD3",), ["driver-fits-torch", "pcie-link"]),
        (("device",), ["driver-fits-torch", "pcie-link"]),
        (("install", "TD6"), ["nccl-built", "torch-imports"]),
        (("TD",), ["driver-fits-torch", "pcie-link", "nccl-built", "torch-imports"]),
        (("gate",), []),
    ],
)
def test_selectors(selectors: tuple[str, ...], wanted: list[str]) -> None:
    assert names(*selectors) == wanted


@pytest.mark.parametrize(
    ("selector", "hint"), [("ncl-built", "nccl-built"), ("TD999", "TD"), ("devise", "device"), ("xyzzy", "torchdoctor list")]
)
def test_an_unknown_selector_is_an_error_that_helps(selector: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        select(CHECKS, [selector])


def test_an_unknown_ignore_names_where_it_was_written() -> None:
    with pytest.raises(ValueError, match=r"^pyproject\.toml: ignore: .*did you mean pcie-link"):
        select(CHECKS, (), [parse_ignore("pcie-lnk@gpu:3", where="pyproject.toml: ignore")])


def test_an_ignored_check_does_not_run_until_the_ignore_ends() -> None:
    until = datetime.date(2026, 6, 1)
    ignore = parse_ignore("TD312", "riser", until)
    assert "pcie-link" not in names(ignores=(ignore,))
    assert "pcie-link" in [c.name for c in select(CHECKS, (), [ignore], until + datetime.timedelta(days=1)).checks]


def result(code: str = "TD312", *subjects: str, status: Status = Status.WARN) -> CheckResult:
    findings = tuple(Finding(status, f"{subject} is slow", subject) for subject in subjects)
    return CheckResult("pcie-link", code, "device", status, f"{len(findings)} slow", findings)


def test_a_subject_takes_only_its_findings() -> None:
    filtered = apply_ignores([result("TD312", "gpu:2", "gpu:3")], [parse_ignore("TD312@gpu:3", "riser, ticket 4711")], DAY)
    (left,) = filtered.results
    assert [finding.subject for finding in left.findings] == ["gpu:2"]
    assert left.status is Status.WARN and left.summary == "gpu:2 is slow"
    assert filtered.notes == ("1 ignored: TD312@gpu:3 (riser, ticket 4711)",)


def test_a_check_with_all_findings_ignored_is_skipped_with_the_reason() -> None:
    filtered = apply_ignores([result("TD312", "gpu:2", "gpu:3")], [parse_ignore("pcie-link@gpu:*", "riser")], DAY)
    assert filtered.results[0].status is Status.SKIP
    assert "riser" in filtered.results[0].note
    assert filtered.notes[0].startswith("2 ignored: ")


def test_ignored_checks_are_counted_even_when_they_did_not_run() -> None:
    ignores = [parse_ignore("nccl-built", "no NCCL here"), parse_ignore("TD2")]
    selection = select(CHECKS, (), ignores, DAY)
    filtered = apply_ignores([result("TD312", "gpu:0")], ignores, DAY, selection.ignored)
    assert len(filtered.results) == 1
    assert filtered.notes == ("2 ignored: TD601 (no NCCL here), TD201",)


def test_nothing_ignored_says_nothing() -> None:
    filtered = apply_ignores([result("TD312", "gpu:0")], [parse_ignore("TD312@gpu:7")], DAY)
    assert filtered.notes == () and filtered.results == (result("TD312", "gpu:0"),)


def test_an_ended_ignore_ignores_nothing_and_is_a_finding() -> None:
    ended = parse_ignore("TD312", "riser", datetime.date(2026, 5, 31), "pyproject.toml: ignore")
    assert apply_ignores([result("TD312", "gpu:0")], [ended], DAY).results[0].findings
    told = expired_ignores([ended, parse_ignore("TD601")], DAY)
    assert told is not None and told.status is Status.WARN and len(told.findings) == 1
    assert "2026-05-31" in told.findings[0].title
    assert told.findings[0].evidence[0].source == "pyproject.toml: ignore"
    assert expired_ignores([parse_ignore("TD601")], DAY) is None


@pytest.mark.parametrize("text", ["", "@gpu:3", "TD312@", "  "])
def test_an_incomplete_ignore_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="expected CHECK"):
        parse_ignore(text)


@given(st.text(max_size=20))
def test_any_text_is_a_selector_or_an_error(text: str) -> None:
    try:
        chosen = select(CHECKS, [text]).checks
    except ValueError as error:
        assert repr(text) in str(error)
    else:
        assert all(matches(text, check.name, check.code, check.group) for check in chosen)
