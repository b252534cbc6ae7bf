"""Texts of the catalogue with placeholders: ``{name}``, ``{name|other words}``; ``{{`` and ``}}`` are braces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Optional

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w+)(?:\|([^{}]*))?\}")
_PLAIN = re.compile(r"[\w.+/:=@,%~\-\\]{1,120}")


class Unfilled(Exception):
    """A placeholder without a value and without other words."""


def fill(template: str, values: Mapping[str, str], plain: bool = False) -> str:
    """The template with its placeholders filled; ``plain`` takes only values that a shell leaves alone.

    Raises Unfilled where a plain placeholder has no value.
    """

    def one(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        value: Optional[str] = values.get(found[1])
        if value is not None and plain and not _PLAIN.fullmatch(value):
            value = None
        if value is None:
            value = found[2]
        if value is None:
            raise Unfilled(found[1])
        return value

    return _PLACEHOLDER.sub(one, template)


def fill_or(template: str, values: Mapping[str, str], otherwise: str = "") -> str:
    """The filled template; where a value is missing, the template with that placeholder's name in its place."""
    try:
        return fill(template, values)
    except Unfilled:
        return otherwise or _PLACEHOLDER.sub(lambda m: m[0][0] if m[0] in ("{{", "}}") else values.get(m[1], m[2] or f"<{m[1]}>"), template)


def placeholders(template: str) -> list[tuple[str, bool]]:
    """Each placeholder of the template, and whether it has other words to fall back to."""
    return [(m[1], m[2] is not None) for m in _PLACEHOLDER.finditer(template) if m[1]]
