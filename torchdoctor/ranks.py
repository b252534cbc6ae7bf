"""What the messages of several ranks say together: whose they are, who is missing, who differs.

For ``Sign.together`` of the causes. A match names a rank by its group ``at`` where the message tells one, else by ``rank``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

Matches = Sequence[Mapping[str, str]]
Verdict = Union[bool, Mapping[str, str]]
WORDS = frozenset(("who", "odd"))
"""Placeholders that only a comparison of the ranks fills; they need other words to fall back to."""


def listed(ranks: Sequence[int]) -> str:
    """Up to eight ranks, in words."""
    words = ", ".join(str(rank) for rank in ranks[:8])
    return words if len(ranks) <= 8 else f"{words} and {len(ranks) - 8} more"


def rank_of(groups: Mapping[str, str]) -> Optional[int]:
    """Whose message it is, where that is known."""
    told = groups.get("at") or groups.get("rank")
    return int(told) if told else None


def ranks_of(matches: Matches) -> list[int]:
    """The ranks that the messages are of, in order."""
    return sorted({rank for rank in map(rank_of, matches) if rank is not None})


def silent(told: Iterable[int], situation: Any) -> list[int]:
    """The ranks of the job that are not among those which told, as far as its size is known; empty where half of them are silent."""
    told = set(told)
    if not told:
        return []
    size = max(max(told) + 1, situation.world_size or 0, situation.ranks_seen or 0)
    missing = sorted(set(range(size)) - told)
    return missing if len(missing) < len(told) or size == 2 else []  # of two it can only be the other one


def whose(matches: Matches, _: Any) -> Verdict:
    """``who``: the ranks that the messages are of, as the subject of a sentence."""
    ranks = ranks_of(matches)
    local = sorted({int(groups["local"]) for groups in matches if groups.get("local")})
    if not ranks and not local:
        return True
    return {"who": f"Rank {listed(ranks)}" if ranks else f"Local rank {listed(local)}"}


def in_a_rank(matches: Matches, _: Any) -> Verdict:
    """The sign counts only in a rank of a job; ``who`` as in ``whose``."""
    ranks = ranks_of(matches)
    return {"who": f"Rank {listed(ranks)}"} if ranks else False


def odd_one(calls: Mapping[int, str]) -> Optional[int]:
    """The only rank whose call differs from that of all others, of three or more."""
    counted = Counter(calls.values())
    if len(calls) < 3 or len(counted) != 2:
        return None
    rare, times = counted.most_common()[-1]
    return next(rank for rank, call in calls.items() if call == rare) if times == 1 else None
