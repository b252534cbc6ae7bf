"""Expectations: reading and judging."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchdoctor.expect import KEYS, Expectation, bytes_of, judge, merge, met, parse, parse_table, version_of
from torchdoctor.model import Status


def texts(*arguments: str) -> list[str]:
    return [expectation.text for expectation in parse(arguments)]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("cuda=true gpus=8", "nccl=true"), ["cuda=true", "gpus=8", "nccl=true"]),
        (("torch >= 2.4  python>=3.10",), ["torch>=2.4", "python>=3.10"]),
        (("torch>=2.4,<3",), ["torch>=2.4", "torch<3"]),
        (("min_memory=40GB",), ["min-memory=40GB"]),
        (("CUDA>=12.4",), ["cuda>=12.4"]),
        (("gpus==8",), ["gpus==8"]),
        ((), []),
    ],
)
def test_reading(arguments: tuple[str, ...], wanted: list[str]) -> None:
    assert texts(*arguments) == wanted


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("ncll=true", "did you mean nccl"),
        ("frobnicate=1", "accepted: bf16"),
        ("gpus", "KEY=VALUE"),
        ("nccl", "nccl=true"),
        ("gpus=eight", "whole number"),
        ("gpus=-1", "whole number"),
        ("bf16=maybe", "=true or =false"),
        ("bf16>=1", "=true or =false"),
        ("cuda>=true", "goes with '='"),
        ("torch=new", "not a version"),
        ("cuda=yep", "nor true or false"),
        ("min-memory=40", "40GB"),
        ("min-memory<40GB", "'=' or '>='"),
        ("torch>=2.4,", "cannot read"),
        ("=8", "KEY=VALUE"),
    ],
)
def test_what_means_nothing_is_an_error_that_helps(argument: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse([argument])


def test_a_table_reads_like_the_arguments() -> None:
    table = {"gpus": 8, "nccl": True, "torch": ">=2.4, <3", "min-memory": "40 GB", "mps": False}
    wanted = ["gpus=8", "nccl=true", "torch>=2.4", "torch<3", "min-memory=40GB", "mps=false"]
    assert [expectation.text for expectation in parse_table(table, "pyproject.toml: expect")] == wanted


@pytest.mark.parametrize("table", [{"torch": 2.4}, {"gpus": [8]}, {"gpu": 8}, {"torch": ""}])
def test_a_wrong_table_names_its_place(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^pyproject\.toml: expect"):
        parse_table(table, "pyproject.toml: expect")


def test_a_stronger_place_replaces_key_by_key() -> None:
    merged = merge(parse(["gpus=8 torch>=2.4,<3 nccl=true"]), parse(["torch>=2.6"]))
    assert [expectation.text for expectation in merged] == ["gpus=8", "nccl=true", "torch>=2.6"]


@pytest.mark.parametrize(
    ("text", "observed", "wanted"),
    [
        ("cuda=true", True, True),
        ("cuda=true", "12.8", True),
        ("cuda=true", False, False),
        ("cuda=false", False, True),
        ("cuda>=12.4", "12.8", True),
        ("cuda>=12.4", "12.10", True),
        ("cuda>=12.4", "11.8", False),
        ("cuda>=12.4", False, False),
        ("cuda>=12.4", True, None),
        ("cuda=12", "12.8", True),
        ("torch=2.4", "2.4.1+cu121", True),
        ("torch==2.4.1", "2.4", False),
        ("torch>=2.10", "2.9.1", False),
        ("torch<3", "2.13.0+cpu", True),
        ("torch>2.4", "2.4.0", False),
        ("torch>=2.4", "unreadable", None),
        ("torch>=2.4", None, None),
        ("driver>=550", "550.54.15", True),
        ("gpus=8", 8, True),
        ("gpus=8", 4, False),
        ("gpus>=2", 4, True),
        ("gpus=0", 0, True),
        ("min-memory=40GB", 42_300_000_000, True),
        ("min-memory=40GiB", 42_300_000_000, False),
        ("min-host-memory>=1TB", 10**12, True),
        ("bf16=true", None, None),
    ],
)
def test_judging_one(text: str, observed: object, wanted: bool | None) -> None:
    (expectation,) = parse([text])
    assert met(expectation, observed) is wanted


def test_a_mismatch_fails_with_both_sides_as_evidence() -> None:
    result = judge(parse(["gpus=8 nccl=true"], "pyproject.toml: expect"), {"gpus": 4, "nccl": True}, {"gpus": "torch"})
    assert (result.check, result.code, result.group, result.status) == ("expectations", "TD001", "gate", Status.FAIL)
    (finding,) = result.findings
    assert finding.title == "expected gpus=8, found 4"
    assert [(seen.source, "4" in seen.text or "8" in seen.text) for seen in finding.evidence] == [
        ("pyproject.toml: expect", True),
        ("torch", True),
    ]


def test_what_is_not_known_is_neither_pass_nor_failure() -> None:
    result = judge(parse(["gpus=8 nccl=true"]), {"gpus": 8})
    assert result.status is Status.ERROR
    assert "nccl=true" in result.summary


def test_what_is_as_expected_passes_and_says_what() -> None:
    result = judge(parse(["gpus=8 torch>=2.4"]), {"gpus": 8, "torch": "2.13.0"})
    assert result.status is Status.PASS and not result.findings
    assert "gpus=8 torch>=2.4" in result.summary


@given(st.sampled_from(sorted(KEYS)), st.sampled_from(["=", "==", ">=", "<=", ">", "<"]), st.text(max_size=12))
def test_any_value_is_accepted_or_refused_with_its_key(key: str, operator: str, value: str) -> None:
    try:
        found = parse([f"{key}{operator}{value}"])
    except ValueError as error:
        assert str(error)
    else:
        assert all(met(expectation, observed) in (True, False, None) for expectation in found for observed in (None, True, False, 7, "2.4"))


@given(st.text(max_size=60))
def test_reading_never_fails_otherwise(text: str) -> None:
    try:
        found = parse([text])
    except ValueError:
        return
    assert [again.text for again in parse([e.text for e in found])] == [e.text for e in found]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=4), st.lists(st.integers(0, 10**6), min_size=1, max_size=4))
def test_versions_compare_as_numbers(left: list[int], right: list[int]) -> None:
    a, b = ".".join(map(str, left)), ".".join(map(str, right))
    width = max(len(left), len(right))
    padded = [numbers + [0] * (width - len(numbers)) for numbers in (left, right)]
    assert met(Expectation("torch", ">=", b), a) is (padded[0] >= padded[1])
    assert met(Expectation("torch", "<", b), a) is (padded[0] < padded[1])
    assert version_of(a) == tuple(left)


@pytest.mark.parametrize(("text", "wanted"), [("1kB", 1000), ("1KiB", 1024), ("1.5GB", 1_500_000_000), ("2TiB", 2 * 1024**4), ("7B", 7)])
def test_sizes(text: str, wanted: int) -> None:
    assert bytes_of(text) == wanted
