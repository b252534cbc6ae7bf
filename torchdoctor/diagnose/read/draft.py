"""An event while it is being put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from torchdoctor.diagnose.log import Event, EventKind, Frame


@dataclass
class Draft:
    """An ``Event`` in the making. ``level`` is its place in a chain, lower is more inner; ``group`` names the chain."""

    kind: EventKind
    type: str
    message: str
    first: int
    last: int
    frames: list[Frame] = field(default_factory=list)
    level: int = 0
    group: int = 0
    rank: Optional[int] = None
    exit_code: Optional[int] = None
    via: str = ""

    def event(self, lowest: int) -> Event:
        """The finished event; ``lowest`` is the smallest level of its chain."""
        message = " ".join(self.message.split())
        return Event(
            self.kind,
            self.type,
            message,
            self.first,
            self.last,
            tuple(self.frames),
            self.level - lowest,
            self.rank,
            self.exit_code,
            self.via,
        )


def finish(drafts: list[Draft]) -> tuple[Event, ...]:
    """The events in the order of the text, their chains counted from the innermost."""
    lowest: dict[int, int] = {}
    for draft in drafts:
        lowest[draft.group] = min(draft.level, lowest.get(draft.group, draft.level))
    return tuple(draft.event(lowest[draft.group]) for draft in sorted(drafts, key=lambda draft: (draft.first, draft.last)))
