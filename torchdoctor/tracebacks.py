"""Parts of signs that read tracebacks: one cut off before its message, and the stack that faulthandler writes at a crash."""

from __future__ import annotations

from torchdoctor.model import Fix, Sign, Strength

CRASHED_IN = (
    r"\(most recent call first\): File \"(?P<crash_file>[^\"]{1,300})\", line (?P<crash_line>\d+),? in (?P<crash_function>[\w<>]{1,100})"
)
"""The innermost frame of a dump of faulthandler's."""
CRASH_FIX = Fix(
    "The stack at the crash ends in {crash_function} ({crash_file}, line {crash_line}): the compiled library that this line calls is the one to "
    "look at. Reinstall it in the version that belongs to the installed torch, or do without it once to see whether the crash goes away."
)
"""For causes with a sign that has ``CRASHED_IN``."""
_NO_MESSAGE = r"(?!.{0,500}(?:\w(?:Error|Exception|Failure|Exit)\b[^(}]|File \"[^\"]{1,300}\"))"
"""After the frame neither a message nor a further frame, but for the beginning of one."""


def ends_in(file: str, function: str, strength: Strength = Strength.FAIR, code: str = "") -> Sign:
    """A text that ends with a frame of this function, which has no message after it.

    file: the end of the file's path, with slashes, such as ``torch/serialization.py``; function: a regular expression of its name;
    code: one of the frame's source line, where the function has several ways to end.
    """
    path = file.replace(".", r"\.").replace("/", r"[/\\]")
    shown = rf"(?:{code}).{{0,100}}" if code else r"\S{0,120}(?: \S.{0,300})?"
    before = r".{0,300}" if code else ""
    return Sign(rf"{path}(?:\W{{0,3}} line \d+,?|:\d+,?)? in (?:{function})(?!\w){_NO_MESSAGE}{before}{shown} {{0,20}}$", strength)
