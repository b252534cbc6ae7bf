"""Where no sign matched a failure that is no ordinary one: the cause whose examples are worded most alike, as a mere possibility.

Words count by how few causes use them. It never speaks of exceptions of the program itself, and says that it guessed.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.match import Candidate, Hit
from torchdoctor.diagnose.ordinary import Failure, failures, is_ordinary
from torchdoctor.diagnose.rank import Found
from torchdoctor.model import Cause, Sign, Strength

ALIKE = 0.5
"""Cosine of the weighted words from which on a guess is worth telling: of a hundred real failures that are guessed at so, four are wrong."""
LEAD = 1.1
"""How much better than the next cause the best has to be."""
FIELD = frozenset(
    "torch cuda nccl gloo gpu gpus nvidia tensor tensors cudnn cublas cusparse triton inductor dynamo transformers accelerate deepspeed mps rocm hip xpu "
    "xformers bitsandbytes flash_attn flash dataloader rank ranks ddp fsdp peft vllm safetensors tokenizer autocast backward grad nvcc ninja".split()
)
"""Words of this field: without one in common, an error is as likely of something else altogether."""
_WORD = re.compile(r"[A-Za-z_]{3,60}")
MAX_TEXT = 6000


def guess(log: Log, causes: Mapping[str, Cause]) -> list[Found]:
    """At most one cause, weak; nothing where all that failed is ordinary or nothing is alike enough."""
    strange = [failure for failure in failures(log) if not is_ordinary(failure.event)]
    if not strange:
        return []
    failure = strange[0]
    shown = _words(_text(failure))
    best = _alike(shown, causes)
    if not best:
        return []
    hit = _hit(failure)
    candidate = Candidate(causes[best], Strength.WEAK, failure.stream, hit.start, hit.end, hit.groups, (hit,))
    found = Found(causes[best], [candidate])
    found.decided = "no sign of a known cause is in the text; the wording of the failure is most like this one's"
    return [found]


def _text(failure: Failure) -> str:
    """The failure's type, its message and the innermost code."""
    event = failure.event
    code = " ".join(f"{frame.function} {frame.code}" for frame in event.frames[-2:])
    return f"{event.type} {event.message} {code}"[:MAX_TEXT]


def _words(text: str) -> frozenset[str]:
    found = set()
    for word in _WORD.findall(text.lower()):
        found.add(word)
        found.update(part for part in word.split("_") if len(part) > 2)
    return frozenset(found)


def _alike(shown: frozenset[str], causes: Mapping[str, Cause]) -> str:
    """The slug of the cause with the most similar example, or empty; a counterexample that is as similar speaks against it."""
    examples = {slug: [_words(example[:MAX_TEXT]) for example in cause.examples] for slug, cause in causes.items() if not cause.consequence}
    spread: Counter[str] = Counter()
    for words in examples.values():
        spread.update(frozenset().union(*words))
    weight = {word: math.log((len(examples) + 1) / (count + 0.5)) for word, count in spread.items()}

    def score(words: frozenset[str]) -> float:
        both = words & shown
        if len(both) < 3 or not both & FIELD:
            return 0.0
        sizes = [sum(weight.get(word, 0.0) for word in side) for side in (words, shown)]
        return sum(weight.get(word, 0.0) for word in both) / math.sqrt(sizes[0] * sizes[1]) if all(sizes) else 0.0

    scores = sorted(((max(map(score, each), default=0.0), slug) for slug, each in examples.items()), reverse=True)
    (first, slug), (second, _) = (*scores, (0.0, ""), (0.0, ""))[:2]
    if first < ALIKE or first < LEAD * second:
        return ""
    against = max((score(_words(text[:MAX_TEXT])) for text in causes[slug].counterexamples), default=0.0)
    return slug if first > LEAD * against else ""


def _hit(failure: Failure) -> Hit:
    start = failure.stream.starts[failure.index]
    end = start + len(" ".join(failure.stream.lines[failure.index].text.split()))
    return Hit(Sign(failure.event.type or "error"), Strength.WEAK, start, end, {})
