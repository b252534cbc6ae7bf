"""Regular expressions that are compiled when a line first needs them: compiling all costs more than reading one traceback."""

from __future__ import annotations

import re
from typing import Optional


class Lazy:
    """A pattern with literals of which a text must hold at least one (as written) before the pattern is tried."""

    __slots__ = ("_compiled", "_flags", "_only", "_source", "literals")

    def __init__(self, source: str, *literals: str, flags: int = 0) -> None:
        self._source = source
        self._flags = flags
        self._compiled: Optional[re.Pattern[str]] = None
        self._only = literals[0] if len(literals) == 1 else ""
        self.literals = literals

    @property
    def compiled(self) -> re.Pattern[str]:
        """The compiled pattern."""
        if self._compiled is None:
            self._compiled = re.compile(self._source, self._flags)
        return self._compiled

    def possible(self, text: str) -> bool:
        """Whether a literal of the pattern is in the text."""
        if self._only:
            return self._only in text
        if not self.literals:
            return True
        for literal in self.literals:  # noqa: SIM110 - called for every line, and any() costs twice as much
            if literal in text:
                return True
        return False

    def search(self, text: str, position: int = 0) -> Optional[re.Match[str]]:
        """The first match anywhere."""
        return (self._compiled or self.compiled).search(text, position) if self.possible(text) else None

    def match(self, text: str) -> Optional[re.Match[str]]:
        """The match at the beginning."""
        if not self.literals or self.possible(text):
            return (self._compiled or self.compiled).match(text)
        return None

    def sub(self, replacement: str, text: str) -> str:
        """The text with every match replaced."""
        return self.compiled.sub(replacement, text) if self.possible(text) else text
