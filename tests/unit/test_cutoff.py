"""Pastes that end in the middle of their last message."""

from __future__ import annotations

import pytest

from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.facts import gather
from torchdoctor.diagnose.read import read_text
from torchdoctor.model import Answer


def answer(text: str) -> Answer:
    log = read_text(text)
    situation, notes = gather(log, None, local=False)
    return diagnose(log, situation, notes)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("RuntimeError: Distributed package doesn't have N", "nccl-not-built"),
        ("/tmp/tmpq1/main.c:5:10: fatal error: Python.h: No such f", "python-headers-missing"),
        ("AssertionError: Loading a checkpoint for MP=8 but wo", "model-parallel-mismatch"),
        ("RuntimeError: received 0 items o", "too-many-open-files"),
    ],
)
def test_a_message_is_read_as_it_goes_on(text: str, cause: str) -> None:
    first = answer(f'Traceback (most recent call last):\n  File "/srv/job.py", line 4, in <module>\n    main()\n{text}').diagnoses[0]
    assert first.cause == cause
    assert first.confidence != "confirmed"
    assert "ends in the middle" in first.decided
    assert first.evidence[0].text == text


def test_a_beginning_that_several_causes_have_is_only_possible() -> None:
    said = answer("RuntimeError: expected scalar type Float but")
    assert {d.cause for d in said.diagnoses} == {"dtype-mismatch", "float64-input"}
    assert {d.confidence for d in said.diagnoses} == {"possible"}


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: invalid",
        "RuntimeError: CUDA",
        "KeyError: 'weight'",
        "RuntimeError: the data set is not a",
        "    raise RuntimeError(",
        "INFO loading the tokenizer of the model, warning level 2",
    ],
)
def test_what_begins_like_nothing_known_is_left_alone(text: str) -> None:
    assert not answer(text).diagnoses


def test_a_whole_message_is_not_taken_for_the_beginning_of_another() -> None:
    assert answer("RuntimeError: Distributed package doesn't have NCCL built in").diagnoses[0].confidence == "confirmed"
