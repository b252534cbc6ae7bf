"""The words of an error about a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``": did you mean nccl?"`` where a known name is close, otherwise an empty string."""
    close = difflib.get_close_matches(name.lower(), sorted(set(known)), n=1, cutoff=0.6)
    return f": did you mean {close[0]}?" if close else ""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> ValueError:
    """The error for a name that is none of ``known``: what is close, and all that is accepted."""
    names = sorted(set(known))
    place = f"{where}: " if where else ""
    close = did_you_mean(name, names) or ":"
    return ValueError(f"{place}unknown {kind} {name!r}{close} accepted: {', '.join(names)}")
