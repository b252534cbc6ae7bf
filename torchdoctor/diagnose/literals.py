"""The literal that every match of a pattern contains: the index over the catalogue.

A small reader of the regular expressions that causes use. It answers "" where it is not sure, which is
slower and never wrong; a contract test compares it with Python's own parser on every pattern.
"""

from __future__ import annotations

import functools

_CLASSES = "dDsSwWbBAZ"
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


@functools.lru_cache(maxsize=None)
def literal_of(pattern: str) -> str:
    """The longest literal, lower case, that every match of the pattern contains ("" where there is none)."""
    pieces: list[str] = []
    current: list[str] = []
    position, size = 0, len(pattern)

    def end_piece() -> None:
        if current:
            pieces.append("".join(current))
            current.clear()

    while position < size:
        char = pattern[position]
        if char == "|":
            return ""
        if char in ".^$":
            end_piece()
            position = _after_quantifier(pattern, position + 1)
            continue
        if char in "[(":
            end_piece()
            position = _after_quantifier(pattern, _after_set(pattern, position) if char == "[" else _after_group(pattern, position))
            continue
        literal: str | None = char
        position += 1
        if char == "\\":
            escaped = pattern[position]
            position += 1
            if escaped.isalnum():
                literal = _CONTROLS.get(escaped)
                if literal is None and escaped not in _CLASSES:
                    return ""
            else:
                literal = escaped
        after = _after_quantifier(pattern, position)
        if after == position:
            current.append(literal) if literal is not None else end_piece()
        else:
            if (
                literal is not None
                and pattern[position] not in "?*"
                and not pattern.startswith("{0", position)
                and pattern[position] == "+"
            ):
                current.append(literal)
            end_piece()
            position = after
    end_piece()
    return max(pieces, key=len, default="").lower()


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


def _after_group(pattern: str, position: int) -> int:
    """The offset behind the group that begins here."""
    depth = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            position += 2
            continue
        if char == "[":
            position = _after_set(pattern, position)
            continue
        depth += (char == "(") - (char == ")")
        position += 1
        if depth == 0:
            return position
    return position


def _after_quantifier(pattern: str, position: int) -> int:
    """The offset behind the quantifier that stands here, or the same offset where there is none."""
    if position >= len(pattern):
        return position
    if pattern[position] in "?*+":
        position += 1
    elif pattern[position] == "{":
        end = pattern.find("}", position)
        body = pattern[position + 1 : end] if end > 0 else ""
        if not body or not all(part.isdigit() or not part for part in body.split(",")) or body.count(",") > 1 or body == ",":
            return position  # a literal brace
        position = end + 1
    else:
        return position
    return position + 1 if pattern.startswith(("?", "+"), position) else position
