"""Signs for tracebacks that were cut off before their message: many a library function raises only one thing."""

from __future__ import annotations

from torchdoctor.model import Sign, Strength

_NO_MESSAGE = r"(?!.{0,500}(?:\w(?:Error|Exception|Failure|Exit)\b[^(]|File \"))"
"""After the frame neither a message nor a further frame."""


def ends_in(file: str, function: str, strength: Strength = Strength.FAIR, code: str = "") -> Sign:
    """A text that ends with a frame of this function, which has no message after it.

    file: the end of the file's path, with slashes, such as ``torch/serialization.py``; function: a regular expression of its name;
    code: one of the frame's source line, where the function has several ways to end.
    """
    path = file.replace(".", r"\.").replace("/", r"[/\\]")
    shown = rf"{code}.{{0,100}}" if code else r"\S{0,120}(?: \S.{0,300})?"
    before = r".{0,300}" if code else ""
    return Sign(rf"{path}(?:\W{{0,3}} line \d+,?|:\d+)? in (?:{function})(?!\w){_NO_MESSAGE}{before}{shown} {{0,20}}$", strength)
