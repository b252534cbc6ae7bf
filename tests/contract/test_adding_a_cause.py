"""The example of docs/adding-a-cause.md does what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torchdoctor.diagnose import rank
from torchdoctor.diagnose.fixes import choose, values_of
from torchdoctor.diagnose.match import match
from torchdoctor.diagnose.read import read_text
from torchdoctor.diagnose.situation import Situation
from torchdoctor.model import Cause
from torchdoctor.template import fill

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-cause.md"


def the_cause() -> Cause:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    (cause,) = names["CAUSES"]
    assert isinstance(cause, Cause)
    return cause


def test_its_example_is_found_and_its_counterexample_is_not() -> None:
    cause = the_cause()
    log = read_text(cause.examples[0], "-")
    (found,) = rank.order(match(log, [cause], Situation()), log)
    assert fill(cause.title, values_of(found.lead.groups, Situation())).endswith("shard 17")
    quiet = read_text(cause.counterexamples[0], "-")
    assert rank.order(match(quiet, [cause], Situation()), quiet) == []


def test_its_fixes_differ_by_facts() -> None:
    cause = the_cause()
    values = {"shard": "17"}
    assert next(fix.do for fix in choose(cause.fixes, values, Situation(os="linux"))) == "Copy shard 17 to a local disk."
    assert len(choose(cause.fixes, values, Situation(os="macos"))) == 1


def test_the_page_is_short() -> None:
    assert len(PAGE.read_text(encoding="utf-8").splitlines()) <= 50
