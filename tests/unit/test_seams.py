"""Messages that a line's end broke inside a word, in texts too short to show the column."""

from __future__ import annotations

import pytest

from tests.diagnosing import answer_to
from torchdoctor.diagnose.read import read_text
from torchdoctor.diagnose.seams import without_seams

WHOLE = "RuntimeError: indices should be either on cpu or on the same device as the indexed tensor (cpu)"


@pytest.mark.parametrize("column", [41, 47, 58, 64, 70])
def test_a_word_broken_in_the_only_message_is_read_whole(column: int) -> None:
    first = answer_to(f"{WHOLE[:column]}\n{WHOLE[column:]}\n").diagnoses[0]
    assert first.cause == "index-on-wrong-device"
    assert first.evidence[0].line in (1, 2)


def test_words_at_the_ends_of_whole_lines_say_nothing_new() -> None:
    text = "KeyError: 'the name of a column that the table does not have\nValueError: could not convert string to float: cuda\n"
    assert answer_to(text).diagnoses == ()


def test_short_lines_stay_apart() -> None:
    assert without_seams(read_text("one line of words\nanother line of words\n")) is None
