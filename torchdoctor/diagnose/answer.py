"""From a log to the answer: what was found, in which order, why, and what to change."""

from __future__ import annotations

import re
from dataclasses import replace

from torchdoctor.diagnose import rank, rewrite
from torchdoctor.diagnose.evidence import consequence_quotes, quotes
from torchdoctor.diagnose.fixes import choose, values_of
from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.match import Candidate
from torchdoctor.diagnose.matched import each_fact, matched
from torchdoctor.diagnose.ordinary import all_ordinary, in_job, unrecognised
from torchdoctor.diagnose.place import situation_at
from torchdoctor.diagnose.situation import Situation, holds
from torchdoctor.model import Answer, Confidence, Diagnosis, Explained, Strength
from torchdoctor.template import fill_or

MAX_DIAGNOSES = 5
_CONFIDENCE: dict[Strength, Confidence] = {Strength.STRONG: "confirmed", Strength.FAIR: "likely", Strength.WEAK: "possible"}


def diagnose(log: Log, situation: Situation, notes: tuple[str, ...] = ()) -> Answer:
    """The causes that the log shows, best first, judged with what is known of the machine."""
    ranked, refuted = matched(log, situation)
    if all(one.cause.consequence for one in ranked):
        from torchdoctor.diagnose import otherwise  # with all examples of the catalogue: imported only where no sign tells the root

        whole = otherwise.root_in_part(log, situation)
        ranked = [one for one in whole if not ranked or not one.cause.consequence] or ranked
    found = in_job(ranked, log, situation)
    unknown, ordinary = unrecognised(found, log), all_ordinary(found, log)
    if not found and not ordinary:
        found = otherwise.likest(log, situation)
    diagnoses = [_diagnosis(one, situation_at(one.lead, situation)) for one in found[:MAX_DIAGNOSES]]
    if diagnoses:
        diagnoses[0] = replace(diagnoses[0], ruled_out=tuple(dict.fromkeys(refuted))[:4])
    return Answer(tuple(diagnoses), unknown, _what_was_read(log), (*log.notes, *notes), ordinary)


def _diagnosis(one: rank.Found, situation: Situation) -> Diagnosis:
    cause, lead = one.cause, one.lead
    values = values_of(_told(lead), situation)
    if lead.stream.rank is not None:
        values.setdefault("rank", str(lead.stream.rank))
    fixes = choose(cause.fixes, values, situation)
    code = rewrite.rewrite(cause.patch, lead) if cause.patch else None
    if code and fixes:
        fixes = (replace(fixes[0], code=code), *fixes[1:])
    confirmed = next((condition for condition in cause.confirmed if holds(condition, situation)), "")
    used = [condition for condition in (confirmed, *(fix.when for fix in fixes)) if condition]
    return Diagnosis(
        cause=cause.slug,
        title=fill_or(cause.title, values),
        confidence="confirmed" if confirmed else _CONFIDENCE[one.strength],
        why=fill_or(cause.why, values),
        evidence=quotes(one),
        fixes=fixes,
        facts_used=tuple(dict.fromkeys(fact for condition in used for fact in each_fact(condition, situation))),
        explains=tuple(Explained(other.cause.slug, consequence_quotes(other)) for other in one.explains),
        decided=one.decided,
        decide=fill_or(cause.decide, values) if cause.decide else "",
        wrong_advice=fill_or(cause.wrong_advice, values) if _given(cause.wrong_advice, lead.stream.text) else "",
        consequence=cause.consequence,
    )


def _told(lead: Candidate) -> dict[str, str]:
    """What the matches of all its signs captured; of the same name what the best one did."""
    told = {name: value for hit in reversed(lead.hits) for name, value in hit.groups.items() if value}
    return {**told, **{name: value for name, value in lead.groups.items() if value}}


_SWITCH = re.compile(r"[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+")


def _given(wrong_advice: str, text: str) -> bool:
    """Whether the text gives the advice that does not help: where that names a switch, the text must name it too."""
    switches = _SWITCH.findall(wrong_advice)
    return bool(wrong_advice) and (not switches or any(switch in text for switch in switches))


def _what_was_read(log: Log) -> str:
    """One sentence about the input, for an answer that knows nothing."""
    ranks = sorted({stream.rank for stream in log.streams if stream.rank is not None})
    events = sum(len(stream.events) for stream in log.streams)
    lines = log.total_lines or sum(len(stream.lines) for stream in log.streams)
    words = [f"{lines} line{'s' * (lines != 1)}"]
    if len(log.files) > 1:
        words.append(f"{len(log.files)} files")
    if ranks:
        words.append(f"{len(ranks)} rank{'s' * (len(ranks) != 1)}")
    words.append(f"{events} failure{'s' * (events != 1)} seen")
    return ", ".join(words)
