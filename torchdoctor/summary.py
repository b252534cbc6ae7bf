"""The sentence that answers the question: will training work here?"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from torchdoctor.model import CheckResult, Finding, Status

WORK = (("training", "a training step"), ("llama", "a Llama forward pass"), ("collective", "a collective"))
"""Part of a check's name, and how the sentence calls what it did. A check counts where it passed."""

_LONGEST = 240  # characters of a title within the sentence
_WORK_GROUPS = ("work", "distributed")
_ORDER = ("install", "device", "placement", "work", "distributed", "host")
"""Groups from cause to consequence: a torch that cannot be imported also fails every check of real work."""


def join_words(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def plural(count: int, one: str, many: str = "") -> str:
    """``1 problem``, ``2 problems``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def _rank(result: CheckResult) -> int:
    return _ORDER.index(result.group) if result.group in _ORDER else len(_ORDER) - (result.group != "gate")


def _first(results: Iterable[CheckResult], status: Status) -> tuple[CheckResult, str] | None:
    """The result of this status nearest to the root cause, and its title."""
    found = sorted((result for result in results if result.status == status), key=_rank)
    if not found:
        return None
    finding: Finding | None = next((f for f in found[0].findings if f.status == status), None)
    title = (finding.title if finding else found[0].summary) or found[0].check
    named = finding and finding.subject and finding.subject not in title
    return found[0], f"{finding.subject}: {title}" if finding and named else title


def _sure(title: str) -> str:
    """A finding's title as the end of a sentence: one line, no full stop, not endless."""
    return textwrap.shorten(title, _LONGEST, placeholder=" ...").strip().removesuffix(".")


def work_done(results: Iterable[CheckResult]) -> list[str]:
    """What real work passed, in words."""
    passed = [r for r in results if r.group in _WORK_GROUPS and r.status in (Status.PASS, Status.INFO, Status.WARN)]
    return [words for part, words in WORK if any(part in result.check for result in passed)]


def _ready(results: Sequence[CheckResult], devices: Sequence[str], counts: Counter[Status]) -> str:
    blind, warned = counts[Status.ERROR], counts[Status.WARN]
    done = work_done(results)
    place = f" on {join_words(devices)}" if devices else ""
    with_warnings = f", with {plural(warned, 'warning')}" if warned else ""
    if any(words in done for _, words in WORK[:2]):  # a collective alone does not show that training works
        sentence = f"Ready{with_warnings}: {join_words(done)} ran{place}"
    elif warned:
        sentence = f"{plural(warned, 'warning')}: {_sure((_first(results, Status.WARN) or (None, ''))[1])}"
    elif counts[Status.PASS] + counts[Status.INFO]:
        also = f", {join_words(done)} ran{place}" if done else ""
        sentence = f"Nothing wrong found: {plural(counts[Status.PASS] + counts[Status.INFO], 'check')} passed{also}"
    else:
        sentence = f"Nothing was judged: {plural(len(results), 'check')} had nothing to look at here"
    return sentence + (f"; {plural(blind, 'check')} could not tell" if blind else "")


def summarise(results: Sequence[CheckResult], devices: Sequence[str] = ()) -> str:
    """One sentence, no full stop. ``devices`` are words for what the real work ran on, such as ``the CPU`` or ``8 x H100``."""
    counts = Counter(result.status for result in results)
    failed = _first(results, Status.FAIL)
    if failed:
        result, title = failed
        opening = {
            "gate": "This machine is not what was expected",
            "distributed": "Training with several processes will fail on this machine",
        }.get(result.group, "Training on this machine will fail")
        return f"{opening}: {_sure(title)}"
    if not results:
        return "Nothing was checked"
    blind = _first([r for r in results if r.group in ("install", "work")], Status.ERROR)
    if blind and not work_done(results):
        return f"Could not tell whether training will work here: {_sure(blind[1])}"
    if counts[Status.ERROR] and not counts[Status.PASS] + counts[Status.INFO] + counts[Status.WARN]:
        return f"Could not tell: {_sure((_first(results, Status.ERROR) or (None, ''))[1])}"
    return _ready(results, devices, counts)
