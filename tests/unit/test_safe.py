"""Text from outside does nothing to a terminal, a CI system or a page."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchdoctor.report.safe import code_block, code_span, safe, safe_html, safe_json, safe_line, safe_markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://a.example\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\x", "x"),
        ("\x9b2Jcleared", "cleared"),
        ("bell\x07", "bell\\x07"),
        ("back\x08space", "back\\x08space"),
        ("a\rb", "a\\x0db"),
        ("a\r\nb", "a\nb"),
        ("abc\u202edef", "abc\\u202edef"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tab\tstays", "tab\tstays"),
        ("[rank0]: RuntimeError", "[rank0]: RuntimeError"),
        ("c10::Error and at::native", "c10::Error and at::native"),
        ("::error file=a.py::boom", ": :error file=a.py::boom"),
        ("  ::set-output name=x::y", "  : :set-output name=x::y"),
        ("##vso[task.setvariable variable=x]y", "##vso [task.setvariable variable=x]y"),
        ("##[error]boom", "## [error]boom"),
        ("##teamcity[testFailed]", "##teamcity [testFailed]"),
        ("中文 नमस्ते é", "中文 नमस्ते é"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text(alphabet=st.characters(), max_size=80) | st.text(alphabet="\x1b[]0;m\x07\\:#error[]vso gü", max_size=60))
def test_nothing_harmful_is_left_and_twice_is_once(text: str) -> None:
    shown = safe(text)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in shown)
    assert not any(0x7F <= ord(char) <= 0x9F or 0x202A <= ord(char) <= 0x202E or 0xD800 <= ord(char) <= 0xDFFF for char in shown)
    assert "##[" not in shown
    assert "##vso[" not in shown
    assert safe(shown) == shown
    shown.encode("utf-8")


def test_one_line_stays_one_line() -> None:
    assert safe_line("a\n  ::error::b\tc") == "a : :error::b c"


def test_json_keeps_its_data() -> None:
    data = {"text": "##vso[task] ##[error] ok ::error::"}
    written = safe_json(json.dumps(data))
    assert "##vso[" not in written
    assert "##[" not in written
    assert json.loads(written) == data


def test_markdown_has_no_effect() -> None:
    shown = safe_markdown("<img src=x onerror=y> [a](b) @someone `x` #12 *b* _c_ | d")
    assert "<img" not in shown
    assert "@someone" not in shown
    for mark in ("[a]", "*b*", "_c_", "`x`"):
        assert mark not in shown


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    block = code_block("x\n````\n<script>", "text")
    assert block.startswith("`````text\n")
    assert block.endswith("\n`````")


def test_a_span_holds_ticks() -> None:
    assert code_span("a `b`") == "`` a `b` ``"


def test_html_is_escaped() -> None:
    assert safe_html("<b>&\x1b[0m") == "&lt;b&gt;&amp;"
