"""Make text from outside harmless before it reaches a terminal, a CI log or a Markdown page.

What people paste, file names and messages of other programs may hold terminal escapes, direction
controls, or words that a CI system takes for commands. Every renderer passes such text through here.
"""

from __future__ import annotations

import html
import re

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]"  # CSI: colours, cursor movement
    r"|\x1b[\]PX^_][^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)?"  # OSC (links, titles), DCS, SOS, PM, APC
    r"|\x9b[0-?]{0,64}[ -/]{0,8}[@-~]"  # CSI as one C1 character
    r"|\x1b[ -/]{0,4}[0-~]?"  # two-character escapes, or a lone one
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")
_GITHUB = re.compile(
    r"(?<![\w>)\]}]):(?=:(?:error|warning|notice|debug|group|endgroup|add-mask|add-path|add-matcher|remove-matcher"
    r"|set-output|set-env|save-state|stop-commands|echo)[ :])",
    re.IGNORECASE,
)
_HASHES = re.compile(r"##(\w{0,32})(?=\[)")
_OPENED = re.compile(r"(##\w{0,32})\[")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~!@&])")


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def safe(text: str) -> str:
    """The text without escape sequences; other controls become visible escapes, CI commands get a space.

    Line breaks and tabs stay. Applying it twice changes nothing further.
    """
    text = _SEQUENCES.sub("", text.replace("\r\n", "\n"))
    text = _CONTROLS.sub(_visible, text)
    return _HASHES.sub(r"##\1 ", _GITHUB.sub(": ", text))


def safe_line(text: str) -> str:
    """The text as one line: runs of white space become one space."""
    return " ".join(safe(text).split())


def safe_json(rendered: str) -> str:
    """Rendered JSON with the words a CI system acts on written as escapes: the data stays the same."""
    return _OPENED.sub(r"\1\\u005b", rendered)


def safe_markdown(text: str) -> str:
    """The text for the prose of a Markdown page: no markup, HTML, link or mention of it takes effect."""
    return (
        _MARKDOWN.sub(r"\\\1", safe_line(text))
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
        .replace("\\&", "&amp;")
        .replace("\\@", "@\u2060")
    )


def code_block(text: str, language: str = "") -> str:
    """The text as a fenced block whose fence is longer than any in the text."""
    text = safe(text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def code_span(text: str) -> str:
    """The text as an inline code span; HTML in it stays text."""
    text = safe_line(text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if "`" in text else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def safe_html(text: str) -> str:
    """The text for an HTML or XML page."""
    return html.escape(safe(text))
