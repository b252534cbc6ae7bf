"""The index over patterns: shorter than possible where unsure, never wrong."""

from __future__ import annotations

import re

import pytest

from torchdoctor.diagnose.literals import bounded, literal_of


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("out of memory", "out of memory"),
        (r"Out Of Memory\. Tried", "out of memory. tried"),
        (r"colou?r of things", "r of things"),
        (r"abc(?:def)?ghij", "ghij"),
        (r"one|two", ""),
        (r"(?:one|two) ranks", " ranks"),
        (r"[a-z]+error: x{2}yz", "error: x"),
        (r"ab+cdef", "cdef"),
        (r"aabb+c", "aabb"),
        (r"lib\S+\.so: undefined", ".so: undefined"),
        (r"brace {x} stays", "brace {x} stays"),
        (r"a{0,3}bcd", "bcd"),
        (r"[]x]abcd", "abcd"),
        (r"[^]x]abcd", "abcd"),
        (r"\d+ bytes\b", " bytes"),
        (r"end$", "end"),
        (r"\x41bcd", "bcd"),
    ],
)
def test_the_longest_literal(pattern: str, literal: str) -> None:
    assert literal_of(pattern) == literal


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        (r"\S+x", r"\S{1,9}x"),
        (r"a*?b", r"a{0,9}?b"),
        (r"a{3,}b", r"a{3,9}b"),
        (r"a{2,5}", r"a{2,5}"),
        (r"[+*]\+", r"[+*]\+"),
        (r"(?:ab)+", r"(?:ab){1,9}"),
    ],
)
def test_every_repetition_gets_a_bound(pattern: str, written: str) -> None:
    assert bounded(pattern, 9) == written
    re.compile(written)
