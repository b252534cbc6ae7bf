"""Real failures, graded: runs where a folder of cases is at hand (TORCHDOCTOR_CORPUS), skips where none is.

A case is a folder with ``input.txt`` (or ``input.txt.gz``) and ``case.json``: the cause, others that are equally
right (``also``), what a right fix must mention, and the decisive line.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.facts import gather
from torchdoctor.diagnose.read import read
from torchdoctor.model import Answer
from torchdoctor.report import diagnosis_json

FOLDER = Path(os.environ.get("TORCHDOCTOR_CORPUS") or Path(__file__).parents[1] / "corpus")
CASES = sorted(path.parent for path in FOLDER.glob("*/case.json"))
pytestmark = pytest.mark.skipif(not CASES, reason="no corpus: set TORCHDOCTOR_CORPUS to a folder of cases")


def squeeze(text: str) -> str:
    return " ".join(text.split()).lower()


def answer_to(folder: Path) -> Answer:
    packed = folder / "input.txt.gz"
    log = read([str(packed if packed.exists() else folder / "input.txt")])
    situation, notes = gather(log, None, local=False)
    return diagnose(log, situation, notes)


@dataclass(frozen=True)
class Graded:
    """Every case with what was answered, and those that the reader failed on, with the error."""

    answers: tuple[tuple[dict[str, Any], Answer], ...]
    crashed: dict[str, str]


@functools.cache
def graded() -> Graded:
    """All cases, answered in this process. A case that crashes counts as wrong and as a crash, and hides no other."""
    answers: list[tuple[dict[str, Any], Answer]] = []
    crashed: dict[str, str] = {}
    for folder in CASES:
        case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        try:
            answer = answer_to(folder)
            json.loads(diagnosis_json.render(answer))
        except Exception as error:
            crashed[case["id"]], answer = repr(error)[:200], Answer(())
        answers.append((case, answer))
    return Graded(tuple(answers), crashed)


def share(right: Callable[[dict[str, Any], Answer], bool]) -> float:
    """Percent of the cases with a cause that are right; the others' names are printed, which pytest shows where it is too low."""
    positive = [(case, answer) for case, answer in graded().answers if case["cause"] != "none"]
    wrong = [case["id"] for case, answer in positive if not right(case, answer)]
    print(f"wrong: {wrong}")
    return 100 * (1 - len(wrong) / max(1, len(positive)))


def first_is_right(case: dict[str, Any], answer: Answer) -> bool:
    return bool(answer.diagnoses) and answer.diagnoses[0].cause in {case["cause"], *case["also"]}


def fix_is_right(case: dict[str, Any], answer: Answer) -> bool:
    if not first_is_right(case, answer):
        return False
    fixes = squeeze(" ".join(f"{fix.do} {' '.join(fix.commands)} {fix.code or ''}" for fix in answer.diagnoses[0].fixes))
    return all(any(squeeze(word) in fixes for word in words) for words in case["fix_must_mention"])


def evidence_is_right(case: dict[str, Any], answer: Answer) -> bool:
    wanted = squeeze(case["evidence"])
    shown = [squeeze(quote.text) for quote in answer.diagnoses[0].evidence] if first_is_right(case, answer) else []
    return any(text and (text in wanted or wanted in text) for text in shown)


FLOORS = {first_is_right: 97, fix_is_right: 93, evidence_is_right: 95}
"""Percent of the cases; to be raised when the reader gets better, never lowered."""


@pytest.mark.parametrize(("right", "floor"), FLOORS.items(), ids=lambda value: getattr(value, "__name__", str(value)))
def test_enough_answers_are_right(right: Callable[[dict[str, Any], Answer], bool], floor: float) -> None:
    assert share(right) >= floor


def test_nothing_is_claimed_of_ordinary_errors() -> None:
    claimed = {case["id"]: answer.diagnoses[0].cause for case, answer in graded().answers if case["cause"] == "none" and answer.diagnoses}
    assert not claimed


def test_no_case_crashes_the_reader() -> None:
    assert not graded().crashed
