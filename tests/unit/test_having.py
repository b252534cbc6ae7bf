"""Which modules of the catalogue a diagnosis imports."""

from __future__ import annotations

import dataclasses

import pytest

from torchdoctor import causes

WITH_NCCL = "distributed package doesn't have nccl built in"


def of(text: str) -> set[str]:
    return set(causes.having(lambda literal: literal in text))


def test_a_text_brings_the_causes_whose_literals_it_holds_and_few_others() -> None:
    assert "nccl-not-built" in of(WITH_NCCL)
    assert len(of(WITH_NCCL)) < len(causes.catalogue().causes) / 4
    assert of("") == set()


def test_a_module_that_changed_since_the_table_was_written_is_always_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    module = causes.catalogue().families["nccl-not-built"]
    changed = {**causes.table(), module: dataclasses.replace(causes.table()[module], size=1, literals=())}
    monkeypatch.setattr(causes, "table", lambda: changed)
    assert "nccl-not-built" in of("")


def test_without_the_table_all_causes_are_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causes, "table", dict)
    assert of("") == set(causes.catalogue().causes)


def test_a_cause_is_found_by_its_slug() -> None:
    cause, family = causes.find("nccl-not-built") or pytest.fail("not found")
    assert (cause.slug, family) == ("nccl-not-built", causes.catalogue().families["nccl-not-built"])
    assert causes.find("no-such-cause") is None
