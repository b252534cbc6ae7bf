"""A guess by wording: only for failures that are not ordinary, only where one cause is clearly the most alike."""

from __future__ import annotations

from torchdoctor.diagnose import nearest
from torchdoctor.diagnose.read import read_text
from torchdoctor.model import Cause

TRACE = 'Traceback (most recent call last):\n  File "/srv/app/fit.py", line 9, in <module>\n    go()\n'


def cause(slug: str, *examples: str, consequence: bool = False) -> Cause:
    return Cause(slug, slug, "why", (), (), examples=examples, consequence=consequence)


CAUSES = {
    one.slug: one
    for one in (
        cause("fabric", "RuntimeError: CUDA fabric manager handshake refused by switch partition"),
        cause("stream", "RuntimeError: CUDA stream capture invalidated by legacy dependency"),
        cause("echo", "RuntimeError: CUDA fabric manager handshake refused", consequence=True),
        cause("other", "RuntimeError: tokens do not fit the window"),
    )
}


def guessed(message: str) -> list[str]:
    return [found.cause.slug for found in nearest.guess(read_text(TRACE + message + "\n", "-"), CAUSES)]


def test_the_most_alike_is_a_possibility() -> None:
    (found,) = nearest.guess(read_text(TRACE + "RuntimeError: CUDA fabric manager refused the handshake of a partition\n", "-"), CAUSES)
    assert found.cause.slug == "fabric"
    assert found.strength.name == "WEAK"
    assert "no sign" in found.decided


def test_an_ordinary_exception_is_never_guessed_at() -> None:
    assert guessed("KeyError: 'fabric manager handshake refused by switch partition'") == []


def test_what_is_alike_to_nothing_stays_unknown() -> None:
    assert guessed("RuntimeError: CUDA walrus overflow in tusk unit") == []


def test_between_equals_nothing_is_said() -> None:
    assert guessed("RuntimeError: CUDA stream fabric capture manager handshake invalidated") == []
