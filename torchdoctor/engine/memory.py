"""End a worker before it takes the machine's last memory."""

from __future__ import annotations

from collections.abc import Iterable

from torchdoctor.engine import platforms
from torchdoctor.engine.session import Session

SHARE = 0.9  # of the memory available at the start that the workers together may use


class MemoryWatch:
    """Knows how much the workers may use together, from what was free when the run began."""

    def __init__(self) -> None:
        self.limit = int(platforms.available_memory() * SHARE)

    def culprit(self, sessions: Iterable[Session]) -> tuple[Session, int] | None:
        """The busy session whose worker uses most, and its bytes, where all together are above the limit; else None."""
        sizes = [(platforms.resident_bytes([s.worker.pid]), s) for s in sessions if s.current and s.worker]
        if sum(size for size, _ in sizes) <= self.limit:
            return None
        size, session = max(sizes, key=lambda pair: pair[0])
        return session, size
