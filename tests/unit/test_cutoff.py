"""Pastes that end in the middle of their last message."""

from __future__ import annotations

import pytest

from tests.diagnosing import answer_to


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("RuntimeError: Distributed package doesn't have N", "nccl-not-built"),
        ("RuntimeError: stack expects each tensor to be eq", "collate-unequal-size"),
        ("AssertionError: Loading a checkpoint for MP=8 but wo", "model-parallel-mismatch"),
    ],
)
def test_a_message_is_read_as_it_goes_on(text: str, cause: str) -> None:
    first = answer_to(f'Traceback (most recent call last):\n  File "/srv/job.py", line 4, in <module>\n    main()\n{text}').diagnoses[0]
    assert first.cause == cause
    assert first.confidence != "confirmed"
    assert "ends in the middle" in first.decided
    assert first.evidence[0].text == text


@pytest.mark.parametrize(
    "below",
    [
        "W0101 09:00:02.114000 81 torch/distributed/elastic/multiprocessing/api.py:900] Sending process 82 closing signal SIGTERM",
        "job-1 exited with code 1",
        "srun: error: node7: task 0: Exited with exit code 1\nme@node7:~$",
    ],
)
def test_what_a_launcher_writes_below_the_cut_line_does_not_hide_it(below: str) -> None:
    said = answer_to(f"RuntimeError: Distributed package doesn't have N\n{below}\n").diagnoses
    assert said[0].cause == "nccl-not-built"
    assert said[0].evidence[0].text == "RuntimeError: Distributed package doesn't have N"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("ffers on device cuda:0 (device_ids[0]) but found one of them on device: cuda:2\nsrun: done", "data-parallel-wrong-device"),
        ("mpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.\n\nleaving", "numpy-requires-grad"),
    ],
)
def test_a_text_that_begins_in_the_middle_of_a_message_is_read_as_it_began(text: str, cause: str) -> None:
    first = answer_to(text).diagnoses[0]
    assert first.cause == cause
    assert first.evidence[0].text == text.splitlines()[0]


@pytest.mark.parametrize(
    "text",
    [
        "tory: 'data/train.csv'\nend of the log",
        "ing the tokenizer of the model for the second time\nepoch 1 loss 0.3",
        "    main()\n  File \"/srv/app.py\", line 3, in main\nKeyError: 'walrus'",
        "the model was saved, all keys match, memory 10 GiB\ndone",
    ],
)
def test_a_first_line_that_no_message_holds_is_left_alone(text: str) -> None:
    assert not answer_to(text).diagnoses


def test_a_beginning_that_several_causes_have_is_only_possible() -> None:
    said = answer_to("RuntimeError: expected scalar type Float but")
    assert {d.cause for d in said.diagnoses} == {"dtype-mismatch", "float64-input"}
    assert {d.confidence for d in said.diagnoses} == {"possible"}


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: invalid",
        "RuntimeError: CUDA",
        "KeyError: 'weight'",
        "RuntimeError: the data set is not a",
        "ImportError: cannot import name 'walrus_",
        "fit.py: error: the following arguments ar",
        "KeyError: 'Non-existent config ke",
        "    raise RuntimeError(",
        "INFO loading the tokenizer of the model, warning level 2",
    ],
)
def test_what_begins_like_nothing_known_is_left_alone(text: str) -> None:
    assert not answer_to(text).diagnoses


def test_a_whole_message_is_not_taken_for_the_beginning_of_another() -> None:
    assert answer_to("RuntimeError: Distributed package doesn't have NCCL built in").diagnoses[0].confidence == "confirmed"
