"""A line on its way from raw text to a cleaned ``Line``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from torchdoctor.diagnose.log import Line
from torchdoctor.diagnose.read.lazy import Lazy

_STRONG = Lazy(
    r"\s{0,12}(?:(?:[╭┌][─━]{2,200} )?Traceback [(（][^()（）\n]{3,60}[)）]|\S{1,12} [\"“][^\"”\n]{1,400}[\"”], ?\S{1,12} \d)",
    "Traceback ",
    '", ',
    "”, ",
)


@dataclass
class Row:
    """A line being cleaned. ``number`` is the physical line it began on, ``process`` the name of who wrote it."""

    number: int
    text: str
    raw: str = ""
    rank: Optional[int] = None
    host: Optional[str] = None
    time: Optional[str] = None
    process: Optional[str] = None
    file: str = "-"

    def piece(self, text: str) -> Row:
        """A part of this row, with the same origin."""
        return Row(self.number, text, self.raw, self.rank, self.host, self.time, self.process, self.file)

    def line(self) -> Line:
        """The finished line."""
        return Line(self.file, self.number, self.text, self.raw, self.time, self.rank, self.host)


def is_strong(text: str) -> bool:
    """Whether the text begins a traceback or a frame: proof that what stood before it was a prefix."""
    return _STRONG.match(text) is not None
