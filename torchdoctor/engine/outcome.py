"""What became of each probe, whether it answered or died."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "failed", "crashed", "timeout", "not-run"]


@dataclass(frozen=True)
class Outcome:
    """What became of one probe for one subject.

    detail: one sentence for anything but "ok". output: what the process wrote, its last part. stack: faulthandler's stacks where it
    crashed or hung, and where: file, line and function of the innermost frame. note: said also of an "ok", for example after a second try.
    """

    probe: str
    lane: str
    subject: str | None
    state: State
    fact: Any = None
    seconds: float = 0.0
    detail: str = ""
    where: str = ""
    stack: str = ""
    output: str = ""
    note: str = ""


@dataclass
class Outcomes:
    """All outcomes of a run, by fact type name and subject (None for facts that exist once)."""

    by_fact: dict[str, dict[str | None, Outcome]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False
    patient: Mapping[str, str] = field(default_factory=dict)

    def add(self, fact: str, outcome: Outcome) -> None:
        """Record an outcome, in place of an earlier one of the same subject."""
        self.by_fact.setdefault(fact, {})[outcome.subject] = outcome

    def of(self, fact: str) -> Mapping[str | None, Outcome]:
        """The outcomes of a fact type by subject; empty where its probe was not planned."""
        return self.by_fact.get(fact, {})

    def facts(self) -> dict[str, Any]:
        """The facts that were read, as JSON: one object a fact type, or an object by subject."""
        found: dict[str, Any] = {}
        for name, outcomes in self.by_fact.items():
            good = {subject: o.fact for subject, o in outcomes.items() if o.state == "ok"}
            if None in good:
                found[name] = good[None]
            elif good:
                found[name] = good
        return found
