"""Real failures, graded: runs where a folder of cases is at hand (TORCHDOCTOR_CORPUS), skips where none is.

A case is a folder with ``input.txt`` (or ``input.txt.gz``) and ``case.json``: the cause, others that are equally
right (``also``), what a right fix must mention, and the decisive line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from torchdoctor.diagnose.answer import diagnose
from torchdoctor.diagnose.facts import gather
from torchdoctor.diagnose.read import read
from torchdoctor.model import Answer

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


@pytest.fixture(scope="module")
def graded() -> list[tuple[dict[str, Any], Answer]]:
    return [(json.loads((folder / "case.json").read_text(encoding="utf-8")), answer_to(folder)) for folder in CASES]


def share(graded: list[tuple[dict[str, Any], Answer]], right: Any) -> float:
    positive = [(case, answer) for case, answer in graded if case["cause"] != "none"]
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


def test_the_root_cause_comes_first(graded: list[tuple[dict[str, Any], Answer]]) -> None:
    assert share(graded, first_is_right) >= 97


def test_the_fix_says_what_a_right_fix_says(graded: list[tuple[dict[str, Any], Answer]]) -> None:
    assert share(graded, fix_is_right) >= 93


def test_the_decisive_line_is_shown(graded: list[tuple[dict[str, Any], Answer]]) -> None:
    assert share(graded, evidence_is_right) >= 95


def test_nothing_is_claimed_of_ordinary_errors(graded: list[tuple[dict[str, Any], Answer]]) -> None:
    claimed = {case["id"]: answer.diagnoses[0].cause for case, answer in graded if case["cause"] == "none" and answer.diagnoses}
    assert not claimed
