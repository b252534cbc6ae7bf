"""The literal that every match of a pattern contains: the index over the catalogue.

A small reader of the regular expressions that causes use. It answers "" where it is not sure, which is
slower and never wrong; a contract test compares it with Python's own parser on every pattern.
"""

from __future__ import annotations

import functools
import re

_ESCAPED = re.compile(r"\\(x..|u.{4}|U.{8}|\d+|.)", re.DOTALL)
_SET = re.compile(r"\[\^?\]?[^\]]*\]")
_GROUP = re.compile(r"\([^()]*\)")
_CASED = re.compile(r"\(\?-i:([^()|?*+{]*)\)(?![?*{])")
"""A part in which capitals count; it is a literal like any other."""
_BREAK = re.compile(r"[^\0](?=[?*]|\{0)|[\0.^$?*+]|\{\d*,?\d*\}")
"""Where a run of literals ends: a character that may be left out, a class, a quantifier."""
_HIDDEN = 0xE000
_SHOWN = {_HIDDEN + code: code for code in range(128)}


@functools.cache
def literal_of(pattern: str) -> str:
    """The longest literal, lower case, that every match of the pattern contains ("" where there is none)."""
    text = _ESCAPED.sub(_hide, pattern) if "\\" in pattern else pattern
    if "(?-i:" in text:
        text = _CASED.sub("\0\\1\0", text)
    if "[" in text:
        text = _SET.sub("\0", text)
    while "(" in text:  # innermost groups first; what is in them may be left out or be an alternative
        text, found = _GROUP.subn("\0", text)
        if not found:
            return ""
    if "|" in text:
        return ""
    return max(_BREAK.split(text), key=len).translate(_SHOWN).lower()


def _hide(escaped: re.Match[str]) -> str:
    """An escaped punctuation mark as a private character, so that it is not read as syntax; any class as NUL."""
    char = escaped[1]
    return "\0" if char[0].isalnum() else chr(_HIDDEN + ord(char)) if ord(char) < 128 else char


def bounded(pattern: str, most: int) -> str:
    """The pattern with ``+``, ``*`` and ``{n,}`` written as repetitions of at most ``most``."""
    parts: list[str] = []
    position, size = 0, len(pattern)
    while position < size:
        char = pattern[position]
        if char == "\\":
            step = pattern[position : position + 2]
        elif char == "[":
            step = pattern[position : _after_set(pattern, position)]
        elif char == "(" and pattern.startswith("(?", position):
            step = "(?"
        elif char in "+*":
            parts.append(f"{{{int(char == '+')},{most}}}")
            position += 1
            continue
        elif (
            char == "{"
            and pattern[position + 1 : pattern.find("}", position)].rstrip(",").isdigit()
            and pattern[pattern.find("}", position) - 1] == ","
        ):
            least = pattern[position + 1 : pattern.find(",", position)]
            parts.append(f"{{{least},{max(most, int(least))}}}")
            position = pattern.find("}", position) + 1
            continue
        else:
            step = char
        parts.append(step)
        position += len(step)
    return "".join(parts)


def _after_set(pattern: str, position: int) -> int:
    """The offset behind the character set that begins here."""
    position += 1
    if pattern.startswith("^", position):
        position += 1
    first = position
    while position < len(pattern) and (pattern[position] != "]" or position == first):
        position += 2 if pattern[position] == "\\" else 1
    return position + 1
