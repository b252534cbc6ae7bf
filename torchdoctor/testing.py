"""For the tests of checks: judge a check over facts that the test makes, without a machine, a probe or a mock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchdoctor.codec import to_json
from torchdoctor.declare import Check
from torchdoctor.engine.judge import judge
from torchdoctor.engine.outcome import Outcome, Outcomes, State
from torchdoctor.model import CheckResult, Fix


def no_catalogue(_text: str) -> tuple[str | None, str, tuple[Fix, ...]]:
    """Explains nothing: a check's test sees what the check itself says."""
    return None, "", ()


def run_check(check: Check, *facts: Any, died: Mapping[type, tuple[State, str]] | None = None) -> CheckResult:
    """The result of a check over these facts, through the same judgement as in a run.

    A fact is an instance of its type, or a mapping from subject to instance for a probe that runs once for each subject.
    ``died`` gives fact types whose probe did not answer, with the state and the detail of its end.
    """
    outcomes = Outcomes()
    for fact in facts:
        subjects = fact if isinstance(fact, Mapping) else {None: fact}
        for subject, value in subjects.items():
            name = type(value).__name__
            outcomes.add(name, Outcome(name, "test", subject, "ok", fact=to_json(value)))
    for kind, (state, detail) in (died or {}).items():
        outcomes.add(kind.__name__, Outcome(kind.__name__, "test", None, state, detail=detail))
    return judge(check, outcomes, no_catalogue)
