"""What a log shows where no sign tells a root: read in part, or in other words.

See docs/decisions/messages-in-other-words.md for the order of the steps.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Optional

from torchdoctor.causes import catalogue
from torchdoctor.diagnose.cutoff import completions
from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.matched import matched
from torchdoctor.diagnose.rank import Found
from torchdoctor.diagnose.reworded import in_english, in_known_words
from torchdoctor.diagnose.seams import without_seams
from torchdoctor.diagnose.situation import Situation
from torchdoctor.model import Strength

MAX_WAYS = 3
"""Causes that the rest of a message may mean before nothing is said."""
_TRANSLATION = (Strength.FAIR, "the message is a translation; it was read as the library words it in English")
_OTHER_WORDS = (Strength.WEAK, "no sign of a known cause is in the text; the wording of the failure is most like this one's")


def root_in_part(log: Log, situation: Situation) -> list[Found]:
    """What the log shows with broken words joined, with a message that was cut off completed, or translated back; empty where nothing."""
    joined = without_seams(log)
    found = matched(joined, situation)[0] if joined else []
    if not all(one.cause.consequence for one in found):
        return found
    return _cut_off(log, situation) or _reworded(log, in_english(log, catalogue().causes.values()), situation, _TRANSLATION)


def likest(log: Log, situation: Situation) -> list[Found]:
    """The cause whose message the log's failure is most like: a possibility; empty where no message is like enough."""
    return _reworded(log, in_known_words(log, catalogue().causes.values()), situation, _OTHER_WORDS)[:1]


def _cut_off(log: Log, situation: Situation) -> list[Found]:
    """What the log shows if its last message goes on as it is known to; where that could mean several causes, each as a possibility."""
    ways = [matched(whole, situation)[0] for whole in completions(log, catalogue().causes.values())]
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


def _reworded(log: Log, other: Optional[Log], situation: Situation, how: tuple[Strength, str]) -> list[Found]:
    """What the log shows if its messages are read in other words, no surer than this; values that only those have are left out."""
    found = matched(other, situation)[0] if other else []
    strength, decided = how
    pasted = "\n".join(stream.text for stream in log.streams)
    for one in found:
        one.candidates = [
            replace(each, strength=min(each.strength, strength), groups={k: v for k, v in each.groups.items() if v in pasted})
            for each in one.candidates
        ]
        one.decided = decided
    return found
