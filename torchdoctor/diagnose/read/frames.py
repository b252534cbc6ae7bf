"""Recognise the heading of a stack frame in any of the formats that Python tools print, in any language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from torchdoctor.diagnose.read.lazy import Lazy


@dataclass(frozen=True)
class Heading:
    """Where a frame is; ``line`` 0 where only an arrow below will tell, ``indent`` the column the heading began at."""

    path: str
    line: int
    function: str
    indent: int
    style: str  # python, ipython, pytest


_ENGLISH = Lazy(r"(\s{0,40})(?:[>|] ?)?File \"([^\"\n]{1,1000})\", line (\d{1,9})(?:,? in ([^\n]{0,300}?)\s?)?$", 'File "')
_CUT = Lazy(r"()([^\"\n]{1,400}\.pyx?)\", line (\d{1,9})(?:,? in ([^\n]{0,300}?)\s?)?$", '.py", line ')
_QUOTE = Lazy(r"[\"“”„«‘「『]")
_QUOTED = Lazy(
    r"[\"“”„«‘「『]((?:[^\"“”„«»’「」\n]{1,400}\.pyx?)|[/~][^\"“”„«»’「」\n]{1,400}|[A-Za-z]:\\[^\"“”„«»’」\n]{1,400}|<[^<>\"\n]{1,80}>)"
    r"[\"”“»’」』]\s{0,2}[,，、;]?([^\d\"\n]{0,40}?)(\d{1,9})(?!\d)([^\n]{0,4000})$"
)
_LINK = Lazy(r"\[([^\]\n]{1,400})\]\((?:https?|vscode|file|vscode-notebook-cell)[^)\n]{0,600}\)", "](")
_FILE_COLON = Lazy(r"(\s{0,20})File ([^\s\"][^\"\n]{0,400}?):(\d{1,9})(?:, in ([^\n]{1,300}))?\s*$", "File ")
_CELL = Lazy(r"(\s{0,20})(?:Cell|Input) In ?\[(\d{1,6})\](?:, line (\d{1,9}))?(?:, in ([^\n]{1,300}))?\s*$", " In")
_PATH_IN = Lazy(
    r"(\s{0,20})([^\s:\"'()\[\]]{1,400}\.pyx?|<[\w.-]{1,80}>|[A-Za-z]:\\[^:\"\n]{1,300}\.py) in "
    r"([\w.<>]{1,120}(?: line: \d{1,6}>)?)(\([^\n]*)?$",
    " in ",
)
_PATH_LINE_IN = Lazy(
    r"(\s{0,20})([^\s:\"'()\[\]]{1,400}\.pyx?|[A-Za-z]:\\[^:\"\n]{1,300}\.py):(\d{1,9}),? in ([\w.<>]{1,120})(\([^\n]*)?$", " in "
)
_PYTEST = Lazy(
    r"()([^\s:\"'()\[\]]{1,400}\.pyx?):(\d{1,9}): (?:in ([\w.<>]{1,120})|(?:[\w.]{1,100}(?:Error|Exception|Exit|Interrupt))?)\s*$", ".py:"
)
_UNQUOTED = Lazy(r"(\s{0,20})File ([^\s\"]{1,400}\.pyx?),? line (\d{1,9})(?:,? in ([^\n]{1,300}))?\s*$", "File ")
_SIGNS = (".py", 'File "', '"<', "In[", "In [", "“", "<ipython", " in ", "「")
_KEYWORDS = frozenset(
    [
        "return",
        "raise",
        "import",
        "from",
        "with",
        "for",
        "if",
        "elif",
        "else",
        "assert",
        "await",
        "del",
        "yield",
        "while",
        "try",
        "not",
        "lambda",
        "self",
        "print",
        "pass",
        "exec",
        "global",
    ]
)
_WORDS = frozenset(
    [
        "in",
        "en",
        "dans",
        "em",
        "nel",
        "nella",
        "na",
        "no",
        "w",
        "v",
        "i",
        "u",
        "di",
        "da",
        "dalam",
        "pada",
        "trong",
        "at",
        "im",
        "på",
        "i",
        "funktion",
        "function",
        "función",
        "fonction",
        "funzione",
        "func",
        "de",
        "del",
        "la",
        "le",
        "by",
    ]
)
_AFTER = frozenset(["içinde", "içerisinde", "mein", "me", "ichida", "ning", "dā"])
_NAME = Lazy(r"<[\w. :-]{1,40}>|[A-Za-z_][\w.<>]{0,120}")
_JOINED = Lazy(r"[^\x00-\x7f]{1,12}\s?(<\w{1,30}>|[A-Za-z_]\w{0,100})\s?(?:[^\x00-\x7f]{1,12})?")


def _plain_name(text: str) -> str:
    """A function's name without the arguments that IPython adds."""
    name = text.split("(", 1)[0].strip()
    return name or "<module>"


def _split_rest(rest: str) -> tuple[str, str]:
    """Function and code of what follows a frame's line number, whatever word stands for "in"."""
    rest = rest.strip().lstrip(",，、;:. ").strip()
    for mark in ("行目", "行", "번째 줄", "줄"):
        if rest.startswith(mark):
            rest = rest[len(mark) :].lstrip(",，、;: ")
    if not rest:
        return "", ""
    tokens = rest.split(None, 2)
    first = tokens[0]
    second = tokens[1] if len(tokens) > 1 else ""
    if _is_name(first) and first not in _WORDS and (not second.isascii() or second in _AFTER):
        return first, " ".join(tokens[2:])
    if first in _WORDS or (not first.isascii() and not any(c.isascii() and c.isalpha() for c in first)):
        after = rest[len(first) :].strip()
        found = _NAME.match(after)
        if not found:
            return "<module>", after
        behind = after[found.end() :]
        if found[0].startswith("<") or (found[0] not in _KEYWORDS and not _is_code(found[0], behind)):
            behind = behind.strip()
            token, _, tail = behind.partition(" ")
            if token and not token.isascii():
                behind = tail
            return found[0], behind
        return "<module>", after
    joined = _JOINED.match(rest)
    if joined:
        return joined[1], rest[joined.end() :].strip()
    if _is_name(first):
        return first, rest[len(first) :].strip()
    return "", rest


def _is_name(token: str) -> bool:
    found = _NAME.match(token)
    return found is not None and found.end() == len(token)


def _is_code(name: str, behind: str) -> bool:
    """Whether a name with what follows is the user's code and not a function's name alone."""
    after = behind.lstrip()
    return (
        behind[:1] in ("(", "[", ",", ":")
        or (after[:1] == "=" or after[:2] in ("+=", "-=", "*=", "/="))
        or (name.count(".") > 0 and bool(behind[:1] == "("))
    )


def _quoted(text: str) -> Optional[tuple[Heading, str]]:
    """A frame in any language: at most three words, a quoted path, a number."""
    opening = _QUOTE.search(text[:64])
    if not opening:
        return None
    start = opening.start()
    if len(text[:start].split()) > 3:
        return None
    found = _QUOTED.compiled.match(text, start)
    if not found:
        return None
    path, between, number, rest = found[1], found[2], found[3], found[4]
    if not between.strip(" ,") and not path.endswith((".py", ".pyx", ">")):
        return None
    if any(mark in between for mark in "=()[]{}:") or (rest[:1].isascii() and rest[:1].isalnum()) or rest[:1] in ("'", '"', "."):
        return None
    if any(mark in text[:start] for mark in "=([{"):
        return None
    function, code = _split_rest(rest)
    indent = len(text) - len(text.lstrip())
    return Heading(path, int(number), function, indent, "python"), code


def split_heading(text: str) -> tuple[str, str]:
    """A frame's heading in the usual English form, and the code that stood behind it on the same line ("" where none did)."""
    found = _quoted(text)
    if found is None:
        return text, ""
    heading, code = found
    name = f", in {heading.function}" if heading.function else ""
    return f'File "{heading.path}", line {heading.line}{name}', code


def heading_of(text: str) -> Optional[Heading]:
    """The frame whose heading this line is, or None."""
    if len(text) > 6000 or not any(sign in text for sign in _SIGNS):
        return None
    if (found := _ENGLISH.match(text)) or (found := _CUT.match(text)):
        return Heading(found[2], int(found[3]), (found[4] or "").strip(), len(found[1]), "python")
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    if (found := _FILE_COLON.match(text)) or (found := _UNQUOTED.match(text)):
        return Heading(found[2], int(found[3]), _plain_name(found[4] or "<module>"), len(found[1]), "ipython")
    if found := _CELL.match(text):
        return Heading(f"<cell {found[2]}>", int(found[3] or 0), _plain_name(found[4] or "<module>"), len(found[1]), "ipython")
    if found := _PATH_LINE_IN.match(text):
        return Heading(found[2], int(found[3]), found[4], len(found[1]), "ipython")
    if found := _PATH_IN.match(text):
        return Heading(found[2], 0, "<module>" if found[3].startswith("<") else found[3], len(found[1]), "ipython")
    if found := _PYTEST.match(text):
        return Heading(found[2], int(found[3]), found[4] or "", 0, "pytest")
    quoted = _quoted(text)
    return quoted[0] if quoted and not quoted[1] else None
