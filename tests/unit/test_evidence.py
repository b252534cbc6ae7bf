"""The lines that are shown as evidence."""

from __future__ import annotations

import json

import pytest

from tests.diagnosing import answer_to
from torchdoctor.report.diagnosis_json import render

MESSAGE = "RuntimeError: Distributed package doesn't have NCCL built in"


@pytest.mark.parametrize("prefix", ["[rank3]: ", "E   ", "worker-1  | ", "> "])
def test_a_machine_gets_the_line_as_it_stands_and_a_person_without_its_prefix(prefix: str) -> None:
    lines = ("Traceback (most recent call last):", '  File "/srv/go.py", line 4, in <module>', "    main()", MESSAGE)
    answer = answer_to("".join(f"{prefix}{line}\n" for line in lines))
    assert answer.diagnoses[0].evidence[0].text == MESSAGE
    shown = json.loads(render(answer))["diagnoses"][0]["evidence"][0]
    assert (shown["line"], shown["text"]) == (4, " ".join(f"{prefix}{MESSAGE}".split()))


def test_colours_never_reach_the_machine_format() -> None:
    shown = json.loads(render(answer_to(f"\x1b[31m{MESSAGE}\x1b[0m\n")))["diagnoses"][0]["evidence"]
    assert [quote["text"] for quote in shown] == [MESSAGE]


def test_the_exception_inside_a_workers_one_is_quoted() -> None:
    text = (
        "[rank0]: KeyError: Caught KeyError in DataLoader worker process 2.\n[rank0]: Original Traceback (most recent call last):\n"
        '[rank0]:   File "/srv/data.py", line 9, in __getitem__\n[rank0]:     row["caption"]\n[rank0]: KeyError: \'caption\'\n'
        "[rank1]: Traceback (most recent call last):\n"
    )
    first = answer_to(text).diagnoses[0]
    assert first.cause == "user-error-in-rank"
    assert first.evidence[0].text == "KeyError: 'caption'"


@pytest.mark.parametrize("passed_on", ["2026-01-02 03:04:05,678 - ERROR - {}", 'level=DEBUG msg="load" error="{}"', "[ERROR] {}"])
def test_an_error_that_a_service_passes_on_as_a_detail_is_a_failure(passed_on: str) -> None:
    text = f"[2026-01-02 03:04:05.678 +0000] DEBUG: [service stderr]: {passed_on.format(MESSAGE)}\n"
    assert [one.cause for one in answer_to(text).diagnoses] == ["nccl-not-built"]
