"""What facts of every area are made of."""

from __future__ import annotations

import traceback
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """An exception of the patient's own torch, as data: ``type`` is the class name, ``traceback`` the whole text."""

    type: str
    message: str
    traceback: str = ""


MESSAGE_LIMIT = 4000
TRACEBACK_LIMIT = 8000


def failure_of(error: BaseException) -> Failure:
    """An exception as data; long messages and tracebacks lose their middle."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    text = "".join(traceback.format_exception(kind, error, error.__traceback__))
    return Failure(name, shorten(str(error), MESSAGE_LIMIT), shorten(text, TRACEBACK_LIMIT))


def shorten(text: str, limit: int) -> str:
    """The text, less its middle where it is longer than so many characters."""
    return text if len(text) <= limit else f"{text[: limit // 2]}\n[...]\n{text[-limit // 2 :]}"
