"""Undo what terminals, browsers and serialisers do to a text: colours, carriage returns, HTML and backslash escapes."""

from __future__ import annotations

import html
from collections.abc import Iterator

from torchdoctor.diagnose.read.lazy import Lazy
from torchdoctor.diagnose.read.row import Row

_ANSI = Lazy(
    r"\x1b(?:\[[0-9;:<=>?]{0,60}[ -/]{0,4}[@-~]|[\]PX^_][^\x07\x1b\n]{0,4000}(?:\x07|\x1b\\)?|[()*+][A-Za-z0-9]|[@-Z\\^_=>78a-z])?"
    r"|\x9b[0-9;?]{0,40}[@-~]",
    "\x1b",
    "\x9b",
)
_WRITTEN_ANSI = Lazy(
    r"(?:\\x1[bB]|\\u001[bB]|\\033|\\e|\^\[|␛|\ufffd)\[[0-9;?]{0,20}[A-Za-z]",
    "\\x1b[",
    "\\x1B[",
    "\\u001",
    "\\033[",
    "\\e[",
    "^[[",
    "␛[",
    "\ufffd[",
)
_BARE_COLOUR = Lazy(r"\[\d{1,3}(?:;\d{1,3}){0,5}m(?!\])", "[0m", "[39m", "[22m")
_OVERSTRIKE = Lazy(r"[^\n]\x08", "\x08")
_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, 0xFEFF, 0x200B])
_PROGRESS = Lazy(r"\d{1,3}%\s{0,3}[|\[━╸#=>]|\d(?:it|s|B|iB)/s|s/it|\d/\d+ \[|━━|[|/\\-]\s*$|^\s*\d{1,3}%|\d+/\d+\s*$|ETA|eta ")
_HTML_SIGN = Lazy(r"&lt;module&gt;|File &(?:quot|#34|#x22);|&(?:#39|#x27|quot|lt|gt|apos|nbsp);", "&")
_TAG = Lazy(r"<(?:br|/?(?:span|pre|code|p|div|b|i|font|li|td|tr))(?:\s[^<>\n]{0,200})?\s?/?>", "<")
_BREAK = Lazy(r"<br(?:\s[^<>\n]{0,40})?\s?/?>|</(?:p|div|li|tr)>", "<br", "</")
_ESCAPED_FRAME = Lazy(r"Traceback \(most recent call last\):?\\{1,8}n|\\{1,8}n\s{0,8}File \\{0,7}[\"']", "\\n")
_SPACED_URL = Lazy(r"%20\S{1,200}%20|%0A|%22\S{0,200}%2C", "%20", "%0A")


def without_colours(text: str) -> str:
    """The text without terminal escapes, real or written out, and without other control characters."""
    text = _ANSI.sub("", text)
    if sum(text.count(form) for form in _WRITTEN_ANSI.literals) > 1 and "[0m" in text:
        text = _WRITTEN_ANSI.sub("", text)
    if _BARE_COLOUR.possible(text):
        text = _BARE_COLOUR.sub("", text)
    text = _OVERSTRIKE.sub("", text)
    return text.translate(_CONTROL)


def without_html(text: str) -> str:
    """The text with HTML entities and tags undone, where it is HTML: entities and no quoted frame of plain text."""
    if "&" not in text and "<br" not in text:
        return text
    entities = len(_HTML_SIGN.compiled.findall(text))
    sure = "&lt;module&gt;" in text or "File &quot;" in text or "File &#34;" in text
    if not sure and (entities < 2 or 'File "' in text) and not (_BREAK.search(text) and ("Traceback" in text or "Error" in text)):
        return text
    text = _BREAK.sub("\x1d", text)
    text = _TAG.sub("", text) if sure or entities > 1 or "\x1d" in text else text
    return html.unescape(text.replace("&nbsp;", " ")).replace("\xa0", " ")


def segments(line: str) -> list[str]:
    """What is worth reading of a line that was overwritten with carriage returns: the last state, and all that is no progress bar."""
    if "\r" not in line:
        return [line]
    parts = [part for part in line.split("\r") if part.strip()]
    if not parts:
        return [""]
    return [part for part in parts[:-1] if not _PROGRESS.search(part)][-200:] + parts[-1:]


def _unescape(text: str) -> str:
    for _ in range(3):
        if not _ESCAPED_FRAME.search(text):
            break
        while "\\\\n" in text:
            text = text.replace("\\\\", "\\")
        text = text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\'", "'").replace("\\\\", "\\")
    return text


def unescaped(row: Row) -> Iterator[Row]:
    """The lines inside a row that holds a traceback with its line breaks written as ``\\n``; the row itself otherwise."""
    if _ESCAPED_FRAME.search(row.text):
        parts = _unescape(row.text).split("\n")
        if len(parts) > 1 and not parts[-1].strip(" '\"}])\\,"):
            parts.pop()  # what closed the string
        for part in parts:
            yield row.piece(part)
    elif _SPACED_URL.search(row.text):
        from urllib.parse import unquote

        for part in unquote(row.text, errors="replace").split("\n"):
            yield row.piece(part)
    elif "\x1d" in row.text:
        for part in row.text.split("\x1d"):
            yield row.piece(part)
    else:
        yield row
