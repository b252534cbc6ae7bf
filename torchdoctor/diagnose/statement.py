"""The person's own statement that failed, found in a traceback and parsed even where only its first line is shown."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from torchdoctor.diagnose.log import Event, Frame, Stream
from torchdoctor.diagnose.match import Candidate

MAX_LINES = 40
"""Lines of a call that are read on where the text shows the source further up or down."""
MAX_CODE = 2000
_STANDARD_LIBRARY = re.compile(r"/(?:python|[\w.]{0,20}conda)[^/]{0,20}/lib/[^/]+\.py$", re.IGNORECASE)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Statement:
    """A statement: ``shown`` is its first line as the traceback has it, ``text`` all that is known of it."""

    frame: Frame
    shown: str
    text: str
    tree: ast.stmt
    whole: bool
    """Whether the text is all of the statement: nothing had to be closed."""

    @property
    def calls(self) -> list[ast.Call]:
        """Every call in the statement, outermost and leftmost first."""
        return sorted((node for node in ast.walk(self.tree) if isinstance(node, ast.Call)), key=lambda node: (node.col_offset, -_end(node)))

    def source(self, node: ast.AST) -> str:
        """The text of a node."""
        return ast.get_source_segment(self.text, node) or ast.unparse(node)


def _end(node: ast.Call) -> int:
    return (node.end_lineno or 0) * 100_000 + (node.end_col_offset or 0)


def own_statement(candidate: Candidate) -> Optional[Statement]:
    """The innermost statement of the person's own code in the failure that the candidate lies in."""
    for event in events_of(candidate):
        for frame in reversed(event.frames):
            if frame.own and frame.code and not _STANDARD_LIBRARY.search(frame.path.replace("\\", "/")):
                found = parse(frame, candidate.stream)
                if found:
                    return found
    return None


def events_of(candidate: Candidate) -> list[Event]:
    """The failures that the candidate's matches lie in; where they lie in none, the next one in the text."""
    stream = candidate.stream
    found: list[Event] = []
    for hit in candidate.hits:
        first, last = stream.line_at(hit.start), stream.line_at(max(hit.start, hit.end - 1))
        found += [event for event in stream.events if event.first <= last and first <= event.last and event not in found]
    if not found:
        line = stream.line_at(candidate.start)
        found = [event for event in stream.events if event.frames and abs(event.first - line) < MAX_LINES][:1]
    return found


def parse(frame: Frame, stream: Stream) -> Optional[Statement]:
    """The statement of a frame's code; a call whose arguments are not shown is looked for elsewhere in the text."""
    shown = frame.code.strip()[:MAX_CODE]
    if not shown:
        return None
    tree = _parsed(shown)
    if tree is not None:
        return Statement(frame, shown, shown, tree, True)
    for text in _elsewhere(shown, stream):
        tree = _parsed(text)
        if tree is not None:
            return Statement(frame, shown, text, tree, True)
    text = _closed(shown)
    tree = _parsed(text)
    return Statement(frame, shown, text, tree, False) if tree is not None else None


def _parsed(text: str) -> Optional[ast.stmt]:
    """The one statement that the text is, also the head of a block; None where it is none."""
    for attempt in (text, f"{text} pass", f"{text}\n    pass"):
        try:
            body = ast.parse(attempt).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return body[0] if len(body) == 1 else None
    return None


def _closed(text: str) -> str:
    """The text with its open brackets closed and what was begun left out."""
    stack = _open_brackets(text)
    text = re.sub(r"[\s,=+*/&|.-]+$", "", text)
    return text + "".join(_CLOSING[bracket] for bracket in reversed(stack))


def _open_brackets(text: str) -> list[str]:
    stack: list[str] = []
    quote = ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            stack.append(char)
        elif char in ")]}" and stack:
            stack.pop()
    return stack


def _elsewhere(shown: str, stream: Stream) -> Iterator[str]:
    """The same statement with its further lines, wherever the text shows the source."""
    begin = " ".join(shown.split())
    for index, line in enumerate(stream.lines):
        text = " ".join(line.text.split())
        at = text.find(begin)
        if at < 0:
            continue
        statement = text[at:]
        for further in range(index + 1, min(index + MAX_LINES, len(stream.lines))):
            if not _open_brackets(statement) or len(statement) > MAX_CODE:
                break
            statement += " " + " ".join(stream.lines[further].text.split())
        cut = _upto_close(statement)
        if cut:
            yield cut


def _upto_close(text: str) -> str:
    """The text up to where its brackets are closed for the first time; empty where they never are."""
    depth, quote = 0, ""
    for position, char in enumerate(text[:MAX_CODE]):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0:
                return text[: position + 1]
    return ""
