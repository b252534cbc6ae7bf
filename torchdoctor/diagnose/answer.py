"""From a log to the answer: what was found, in which order, why, and what to change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Optional

from torchdoctor.causes import catalogue
from torchdoctor.diagnose import rank, rewrite
from torchdoctor.diagnose.cutoff import completions
from torchdoctor.diagnose.evidence import consequence_quotes, quotes
from torchdoctor.diagnose.fixes import choose, values_of
from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.match import Candidate, match, refuted_by
from torchdoctor.diagnose.nearest import nearest
from torchdoctor.diagnose.ordinary import all_ordinary, in_job, unrecognised
from torchdoctor.diagnose.place import situation_at
from torchdoctor.diagnose.reworded import in_english, in_known_words
from torchdoctor.diagnose.seams import without_seams
from torchdoctor.diagnose.situation import Situation, holds
from torchdoctor.model import Answer, Cause, Confidence, Diagnosis, Explained, Strength
from torchdoctor.template import fill_or

MAX_DIAGNOSES = 5
MAX_WAYS = 3  # causes that the rest of a message may mean before nothing is said
_CONFIDENCE: dict[Strength, Confidence] = {Strength.STRONG: "confirmed", Strength.FAIR: "likely", Strength.WEAK: "possible"}


def diagnose(log: Log, situation: Situation, notes: tuple[str, ...] = ()) -> Answer:
    """The causes that the log shows, best first, judged with what is known of the machine."""
    causes = catalogue().causes
    ranked, refuted = _matched(log, situation, causes)
    if all(one.cause.consequence for one in ranked):
        joined = without_seams(log)
        whole = _matched(joined, situation, causes)[0] if joined else []
        ranked = ranked if all(one.cause.consequence for one in whole) else whole
    if all(one.cause.consequence for one in ranked):
        whole = _cut_off(log, situation, causes) or _reworded(log, in_english(log, causes.values()), situation, causes, _TRANSLATION)
        ranked = [one for one in whole if not ranked or not one.cause.consequence] or ranked
    found = in_job(ranked, log, situation, causes)
    unknown, ordinary = unrecognised(found, log), all_ordinary(found, log)
    if not found and not ordinary:
        found = _reworded(log, in_known_words(log, causes.values()), situation, causes, _OTHER_WORDS)[:1] or _nearest(
            log, situation, causes
        )
    diagnoses = [_diagnosis(one, situation_at(one.lead, situation)) for one in found[:MAX_DIAGNOSES]]
    if diagnoses:
        diagnoses[0] = replace(diagnoses[0], ruled_out=tuple(dict.fromkeys(refuted))[:4])
    return Answer(tuple(diagnoses), unknown, _what_was_read(log), (*log.notes, *notes), ordinary)


def _matched(log: Log, situation: Situation, causes: Mapping[str, Cause]) -> tuple[list[rank.Found], list[str]]:
    """The causes whose signs are in the log, best first, and those that a fact rules out, with that fact."""
    allowed: list[Candidate] = []
    refuted: list[str] = []
    for candidate in match(log, causes.values(), situation):
        here = situation_at(candidate, situation)
        condition = refuted_by(candidate.cause, here)
        if not condition:
            allowed.append(candidate)
        elif candidate.strength > Strength.WEAK:
            refuted.append(f"{candidate.cause.slug} ({_facts(condition, here)})")
    return rank.order(allowed, log), refuted


def _cut_off(log: Log, situation: Situation, causes: Mapping[str, Cause]) -> list[rank.Found]:
    """What the log shows if its last message goes on as it is known to; where that could mean several causes, each as a possibility."""
    ways = [_matched(whole, situation, causes)[0] for whole in completions(log, causes.values())]
    leads = [way[0] for way in ways if way]
    often = Counter(one.cause.slug for one in leads)
    if not leads or len(leads) < len(ways) or len(often) > MAX_WAYS:
        return []
    strength = Strength.FAIR if len(often) == 1 else Strength.WEAK
    firsts = {one.cause.slug: one for one in leads}
    for one in firsts.values():
        one.candidates = [replace(each, strength=strength) for each in one.candidates]
        one.decided = "the text ends in the middle of this message; it was read as it is known to go on"
    return [firsts[slug] for slug, _ in often.most_common()]


_TRANSLATION = (Strength.FAIR, "the message is a translation; it was read as the library words it in English")
_OTHER_WORDS = (Strength.WEAK, "no sign of a known cause is in the text; the wording of the failure is most like this one's")


def _reworded(
    log: Log, other: Optional[Log], situation: Situation, causes: Mapping[str, Cause], how: tuple[Strength, str]
) -> list[rank.Found]:
    """What the log shows if its messages are read in other words, no surer than this; values that only those have are left out."""
    found = _matched(other, situation, causes)[0] if other else []
    strength, decided = how
    pasted = "\n".join(stream.text for stream in log.streams)
    for one in found:
        one.candidates = [
            replace(each, strength=min(each.strength, strength), groups={k: v for k, v in each.groups.items() if v in pasted})
            for each in one.candidates
        ]
        one.decided = decided
    return found


def _nearest(log: Log, situation: Situation, causes: Mapping[str, Cause]) -> list[rank.Found]:
    """The causes that the text as a whole is most like, as possibilities."""
    found = [one for one in nearest(log, causes.values()) if not refuted_by(one.cause, situation)]
    for one in found:
        one.decided = "no sign of a known cause is in the text; its words are most like this one's"
    return found


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
        facts_used=tuple(dict.fromkeys(fact for condition in used for fact in _each_fact(condition, situation))),
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


_SAID_BY = {"text": "the text", "report": "the report", "machine": "this machine"}


def _each_fact(condition: str, situation: Situation) -> list[str]:
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
    return ", ".join(_each_fact(condition, situation)) or condition


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
