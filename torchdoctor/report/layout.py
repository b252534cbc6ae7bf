"""Labelled paragraphs for terminals: a label column, wrapped prose, and lines that are never wrapped."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from dataclasses import dataclass, field
from typing import TextIO

from torchdoctor.report.terminal import UNICODE, Terminal
from torchdoctor.report.terminal import terminal_of as of_stream

__all__ = ["BOLD", "GREEN", "RED", "YELLOW", "Page", "Terminal", "columns", "terminal_of"]

LABEL = 15
"""Width of the label column."""


def terminal_of(stream: TextIO | None = None) -> Terminal:
    """The abilities of a stream (standard output by default); 80 columns where it is no terminal."""
    stream = stream or sys.stdout
    return of_stream(stream.isatty(), stream.encoding, os.environ, shutil.get_terminal_size((80, 24)).columns)


@dataclass
class Page:
    """Collects lines; ``str(page)`` is the text."""

    terminal: Terminal
    lines: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = "\n".join(line.rstrip() for line in self.lines)
        if self.terminal.glyphs is not UNICODE:
            for char, plain in _PLAIN.items():
                text = text.replace(char, plain)
        return self.terminal.fit(text)

    def paragraph(self, label: str, text: str, style: str = "", hang: int = 0) -> None:
        """A wrapped paragraph behind a label; ``hang`` indents its further lines."""
        room = max(20, self.terminal.width - LABEL)
        first = True
        for line in _wrap(text, room, hang) or [""]:
            shown = self.styled(line, style) if first or style == _BOLD else line
            self.lines.append(self._label(label if first else "") + shown)
            first = False

    def verbatim(self, text: str, indent: int = 3) -> None:
        """A line to copy: on its own, never wrapped."""
        for line in text.split("\n"):
            self.lines.append(" " * (LABEL + indent) + line)

    def blank(self) -> None:
        """An empty line, never two."""
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def styled(self, text: str, style: str) -> str:
        """The text in a style, where the terminal has colours."""
        return f"\x1b[{style}m{text}\x1b[0m" if style and self.terminal.colour else text

    def _label(self, label: str) -> str:
        return self.styled(label, _DIM) + " " * max(1, LABEL - len(label)) if label else " " * LABEL


_DIM, _BOLD, RED, GREEN, YELLOW = "2", "1", "31", "32", "33"
BOLD = _BOLD
_PLAIN = {"←": "<-", "…": "...", "✗": "x", "✓": "ok", "·": "-", "–": "-", "’": "'", "×": "x", "≥": ">=", "≤": "<=", "→": "->"}


def columns(text: str) -> int:
    """The columns that a text takes: wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 0 if unicodedata.combining(char) else 1 for char in text)


def _wrap(text: str, width: int, hang: int) -> list[str]:
    if columns(text) > len(text):
        width = max(10, width * len(text) // columns(text))
    return textwrap.wrap(text, width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False)
