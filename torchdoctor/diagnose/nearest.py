"""The causes that a text is most like as a whole: the last thing to offer where nothing in it is known.

Every cause stands for the words of its examples, its name and its title. A word tells the more, the fewer causes use it. Of the failures that
nothing explains, about two in three are named rightly so, and the second and third most alike cause are offered beside the first; so
the answer is "possible" and no more. Exceptions that a program raises on its own, and texts without a failure, are left alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from torchdoctor.diagnose.log import Event, Log
from torchdoctor.diagnose.ordinary import SLUG, as_candidate, strange_failures
from torchdoctor.diagnose.rank import Found
from torchdoctor.diagnose.wording import FIELD
from torchdoctor.model import Cause, Strength

MAX_TEXT = 20_000
"""Characters at the end of each rank's text that are compared."""
LEAST = 1.05
"""Likeness below which the most alike cause is right less than every second time."""
NEAR = 0.85
"""Part of the best likeness from which on another cause is offered too."""
MAX_OFFERED = 3
_WORD = re.compile(r"[a-z_][a-z0-9_]{2,}")
_EVERYWHERE = frozenset(
    "the and for that this with not from are was you your can has have will but one two all any its than then when where which into more only "
    "other what file line usr lib home user root python3 site packages dist local bin opt conda env venv users anaconda3 miniconda3 error "
    "runtimeerror none true false self return import def module".split()
)
"""Words of every English sentence, traceback and path."""


def nearest(log: Log, causes: Iterable[Cause]) -> list[Found]:
    """The causes whose examples use the words of the text, best first; empty where the likeness may be chance."""
    failures = [failure for failure in strange_failures(log) if _tells(failure.event)]
    shown = _words(" ".join(stream.text[-MAX_TEXT:] for stream in log.streams))
    if not failures or not shown & FIELD:
        return []
    ranked = _ranked(shown, [cause for cause in causes if cause.slug != SLUG])
    best = ranked[0][0] if ranked else 0.0
    offered = [cause for likeness, cause in ranked[:MAX_OFFERED] if best >= LEAST and likeness >= NEAR * best]
    return [Found(cause, [as_candidate(cause, failures[0], Strength.WEAK, {})]) for cause in offered]


def _tells(event: Event) -> bool:
    """Whether a failure may be one of ours: not a wrong command line, an own module that is missing, or own code without a message."""
    if event.type in ("argparse", "ModuleNotFoundError"):
        return False
    return bool(event.type) or (bool(event.frames) and not event.frames[-1].own)


def _ranked(shown: set[str], causes: list[Cause]) -> list[tuple[float, Cause]]:
    known = [_words(" ".join((*cause.examples, cause.slug.replace("-", " "), cause.title))) for cause in causes]
    spread = Counter(word for words in known for word in words)

    def weight(words: set[str]) -> float:
        return sum(math.log((len(known) + 1) / (spread[word] + 0.5)) ** 2 for word in words if spread[word])

    whole = math.sqrt(weight(shown))
    scores = [
        (weight(words & shown) / (whole * math.sqrt(math.sqrt(weight(words)))), cause)
        for words, cause in zip(known, causes)
        if words & shown
    ]
    return sorted(scores, key=lambda entry: -entry[0])


def _words(text: str) -> set[str]:
    """The words of a text; what stands between underscores also counts alone, and a plural as its singular."""
    words = set(_WORD.findall(text.lower()))
    words |= {part for word in words for part in word.split("_") if len(part) > 2}
    return {word[:-1] if word.endswith("s") and len(word) > 4 else word for word in words} - _EVERYWHERE
