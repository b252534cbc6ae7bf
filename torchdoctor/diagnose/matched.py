"""The causes whose signs are in a log, judged by the facts and put in order."""

from __future__ import annotations

from typing import Optional

from torchdoctor.causes import having
from torchdoctor.diagnose import rank
from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.match import Candidate, literals_in, match, refuted_by
from torchdoctor.diagnose.place import situation_at
from torchdoctor.diagnose.situation import Situation
from torchdoctor.model import Strength


def matched(log: Log, situation: Situation) -> tuple[list[rank.Found], list[str]]:
    """The causes whose signs are in the log, best first, and those that a fact rules out, with that fact."""
    allowed: list[Candidate] = []
    refuted: list[str] = []
    held = literals_in(log)
    for candidate in match(log, having(held).values(), situation, held):
        here = situation_at(candidate, situation)
        condition = refuted_by(candidate.cause, here)
        if not condition:
            allowed.append(candidate)
        elif candidate.strength > Strength.WEAK:
            refuted.append(f"{candidate.cause.slug} ({_facts(condition, here)})")
    return rank.order(allowed, log), refuted


_SAID_BY = {"text": "the text", "report": "the report", "machine": "this machine"}


def each_fact(condition: str, situation: Situation) -> list[str]:
    """The facts that the terms of a condition were judged by."""
    facts = []
    for term in condition.split():
        name = term.split("=")[0].split("<")[0].split(">")[0].rstrip("!")
        value: Optional[object] = getattr(situation, name, None)
        if value is not None:
            source = situation.sources.get(name, "text")
            facts.append(f"{name.replace('_', ' ')}: {value} (from {_SAID_BY.get(source, source)})")
    return facts


def _facts(condition: str, situation: Situation) -> str:
    return ", ".join(each_fact(condition, situation)) or condition
