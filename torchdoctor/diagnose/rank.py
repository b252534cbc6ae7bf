"""Order the causes that were found: roots before consequences, then by what speaks for each.

Nothing here knows a cause by name but the two that exist for jobs of several ranks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Optional

from torchdoctor.diagnose.literals import literal_of
from torchdoctor.diagnose.log import Log
from torchdoctor.diagnose.match import Candidate
from torchdoctor.diagnose.place import MESSAGE, OUTSIDE, SOURCE, WARNING, is_information, place_of
from torchdoctor.model import Cause, Strength


@dataclass
class Found:
    """One cause with all it was found by: ``lead`` decides its place, ``candidates`` holds every rank's, lead first."""

    cause: Cause
    candidates: list[Candidate]
    explains: list[Found] = field(default_factory=list)
    decided: str = ""

    @property
    def lead(self) -> Candidate:
        """The candidate that speaks most for the cause."""
        return self.candidates[0]

    @property
    def strength(self) -> Strength:
        """Of its best sign."""
        return self.lead.strength


def _lead_key(candidate: Candidate) -> tuple[int, int, int, int]:
    hit = candidate.hits[0] if candidate.hits else None
    place = place_of(candidate.stream, hit) if hit else OUTSIDE
    return (
        -candidate.strength,
        -place,
        candidate.stream.lines[candidate.stream.line_at(candidate.start)].number,
        candidate.stream.rank or 0,
    )


def fold(candidates: Iterable[Candidate]) -> dict[str, Found]:
    """One entry for each cause, whatever the number of ranks that show it."""
    by_slug: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_slug.setdefault(candidate.cause.slug, []).append(candidate)
    return {slug: Found(group[0].cause, sorted(group, key=_lead_key)) for slug, group in by_slug.items()}


def order(candidates: Sequence[Candidate], log: Log) -> list[Found]:
    """The causes, best first; each consequence sits in ``explains`` of the root it belongs to."""
    found = fold(candidates)
    if not any(stream.events for stream in log.streams):
        found = {slug: one for slug, one in found.items() if one.strength > Strength.WEAK and not _is_remark(one)}
    _drop_source(found)
    _drop_refined(found)
    roots = _sink_consequences(found)
    keys = {one.cause.slug: _root_key(one) for one in roots}
    roots.sort(key=lambda one: keys[one.cause.slug])
    if len(roots) > 1:
        roots[0].decided = _decided(keys[roots[0].cause.slug], keys[roots[1].cause.slug])
    elif roots and roots[0].explains:
        roots[0].decided = "the other failures follow from it"
    return roots


def _drop_source(found: dict[str, Found]) -> None:
    """Leave out what only stands in source code that the text shows, where a failure's message tells another cause."""
    places = {slug: best_place(one) for slug, one in found.items()}
    if any(place == MESSAGE and not found[slug].cause.consequence for slug, place in places.items()):
        for slug in [slug for slug, place in places.items() if place == SOURCE]:
            del found[slug]


def _drop_refined(found: dict[str, Found]) -> None:
    """Leave out each general cause that a more specific one replaces."""
    gone = {
        slug
        for one in found.values()
        for slug in one.cause.refines
        if slug in found and slug != one.cause.slug and one.strength >= min(found[slug].strength, Strength.FAIR)
    }
    for slug in gone:
        if any(other not in gone for other, one in found.items() if slug in one.cause.refines):
            del found[slug]


def is_bystander(one: Found) -> bool:
    """Whether a cause rests on warnings or information alone, which do no harm where something else ended the program."""
    return best_place(one) == WARNING or _is_remark(one)


def _is_remark(one: Found) -> bool:
    """Whether a cause rests on lines that tell no failure: nothing ended a program that wrote no more than these.

    Such are details for debugging, and information and warnings that say little (a hang shows in information alone).
    """
    hits = [(candidate.stream, hit) for candidate in one.candidates for hit in candidate.hits]
    if all(is_information(stream, hit, verbose=True) for stream, hit in hits):
        return True
    return one.strength < Strength.STRONG and all(is_information(stream, hit) or place_of(stream, hit) == WARNING for stream, hit in hits)


def best_place(one: Found) -> int:
    """The most telling place where a sign of the cause matched."""
    return max(place_of(candidate.stream, hit) for candidate in one.candidates for hit in candidate.hits)


def _sink_consequences(found: dict[str, Found]) -> list[Found]:
    """The causes that nothing else found explains; what they explain is put under them."""
    under: dict[str, Found] = {}
    for one in sorted(found.values(), key=_root_key):
        for slug in one.cause.explains:
            other = found.get(slug)
            if other is None or other is one or slug in under or _explained_by(one, other, under):
                continue
            if one.strength > Strength.WEAK or other.cause.consequence:
                under[slug] = one
    free = [one for slug, one in found.items() if slug not in under]
    roots = [one for one in free if not one.cause.consequence]
    echoes = [one for one in free if one.cause.consequence]
    if all(is_bystander(one) and one.strength < Strength.STRONG for one in roots):
        roots, echoes = _without_root(roots, echoes)
    for slug, one in found.items():
        if slug in under:
            _top(under[slug], under).explains.append(one)
    for echo in echoes:
        _root_of(echo, roots).explains.append(echo)
    return roots


def _without_root(bystanders: list[Found], echoes: list[Found]) -> tuple[list[Found], list[Found]]:
    """Where only echoes (and warnings beside them) were found, the most telling echo stands for the unseen root."""
    echoes = sorted(echoes, key=_root_key)
    return ([*echoes[:1], *bystanders], echoes[1:]) if echoes else (bystanders, [])


def _root_of(echo: Found, roots: list[Found]) -> Found:
    """The root that an echo belongs to: the last one above it in its rank's text, else the best."""
    above = [
        (candidate.start, -index, root)
        for index, root in enumerate(roots)
        for candidate in root.candidates
        if candidate.stream is echo.lead.stream and candidate.start < echo.lead.start
    ]
    return max(above, key=lambda entry: entry[:2])[2] if len(roots) > 1 and above else min(roots, key=_root_key)


def _explained_by(one: Found, other: Found, under: dict[str, Found]) -> bool:
    """Whether ``one`` is already, directly or not, listed under ``other`` (causes may explain each other)."""
    current: Optional[Found] = one
    while current is not None:
        if current is other:
            return True
        current = under.get(current.cause.slug)
    return False


def _top(one: Found, under: dict[str, Found]) -> Found:
    while one.cause.slug in under:
        one = under[one.cause.slug]
    return one


LAST_RESORT = ("torchrun-child-failed",)
"""Said only where nothing else is in the text: a summary of a launcher, which tells the least of all echoes."""
_REASONS = (
    "warnings alone did not end the program",
    "the launcher's summary only repeats it",
    "the stronger sign",
    "in the failure's own message",
    "the earliest failure",
    "the longest matching words",
)


def _root_key(one: Found) -> tuple[int, ...]:
    lead = one.lead
    place = max((place_of(lead.stream, hit) for hit in lead.hits if hit.strength == lead.strength), default=OUTSIDE)
    line = lead.stream.lines[lead.stream.line_at(lead.start)].number
    length = max((len(literal_of(hit.sign.pattern)) for hit in lead.hits), default=0)
    weight = 2 * lead.strength + place
    return (int(is_bystander(one)), int(one.cause.slug in LAST_RESORT), -weight, -place, line, -length)


def _decided(first: tuple[int, ...], second: tuple[int, ...]) -> str:
    for reason, left, right in zip(_REASONS, first, second):
        if left != right:
            return reason
    return ""
