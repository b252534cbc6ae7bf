"""What the place that text goes to can show: columns, colours, glyphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torchdoctor.model import Status


@dataclass(frozen=True)
class Glyphs:
    """One character a status, and the separator between parts of a line."""

    ok: str
    skip: str
    info: str
    warn: str
    error: str
    fail: str
    dot: str

    def of(self, status: Status) -> str:
        """The glyph of a status."""
        return (self.ok, self.skip, self.info, self.warn, self.error, self.fail)[status]


UNICODE = Glyphs("✓", "-", "i", "!", "?", "✗", "·")
ASCII = Glyphs("+", "-", "i", "!", "?", "x", "|")

WORDS = {
    Status.PASS: "ok",
    Status.SKIP: "skip",
    Status.INFO: "info",
    Status.WARN: "warn",
    Status.ERROR: "could not tell",
    Status.FAIL: "fail",
}


@dataclass(frozen=True)
class Terminal:
    """Where text goes: ``width`` in columns, ``encoding`` of the stream (None: any character may be written)."""

    width: int = 80
    colour: bool = False
    encoding: str | None = None

    @property
    def glyphs(self) -> Glyphs:
        """The glyphs that the encoding has."""
        try:
            "".join(vars(UNICODE).values()).encode(self.encoding or "utf-8")
        except (UnicodeEncodeError, LookupError):
            return ASCII
        return UNICODE

    def fit(self, text: str) -> str:
        """The text with every character that the encoding lacks as an escape such as ``\\u2713``."""
        try:
            encoding = self.encoding or "utf-8"
            return text.encode(encoding, "backslashreplace").decode(encoding)
        except LookupError:
            return text.encode("ascii", "backslashreplace").decode("ascii")


def wants_colour(tty: bool, environ: Mapping[str, str]) -> bool:
    """NO_COLOR forbids; FORCE_COLOR (not 0) demands; otherwise a terminal that is not dumb has colours."""
    if environ.get("NO_COLOR"):
        return False
    forced = environ.get("FORCE_COLOR", "")
    if forced:
        return forced.lower() not in ("0", "false")
    return tty and environ.get("TERM", "").lower() not in ("dumb", "unknown")


def terminal_of(tty: bool, encoding: str | None, environ: Mapping[str, str], columns: int = 80) -> Terminal:
    """The abilities of a stream: is it a terminal, its encoding, the environment, its columns (60 to 120 are used)."""
    return Terminal(min(max(columns, 60), 120) if tty else 80, wants_colour(tty, environ), encoding)
