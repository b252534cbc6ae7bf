"""An answer of ``diagnose`` for a terminal: cause, decisive line, why, fix, what only follows, what it is not."""

from __future__ import annotations

from torchdoctor.model import Answer, Diagnosis, Explained, Fix, Quote
from torchdoctor.report.layout import BOLD, GREEN, RED, YELLOW, Page, Terminal
from torchdoctor.report.safe import safe, safe_line

_HEAD = {"confirmed": "Cause", "likely": "Likely cause", "possible": "Possible cause"}
_WHO = {"user": "", "admin": "needs an administrator", "vendor": "needs the vendor or the cloud provider"}
_RISK = {"safe": "", "restart": "needs a restart", "disruptive": "disrupts other work on the machine"}
MAX_FULL = 3
"""Diagnoses that are shown in full without ``--all``."""
MAX_SHOWN = 280
"""Characters of a quoted line; the JSON has all of it."""


def render(answer: Answer, terminal: Terminal | None = None, show_all: bool = False) -> str:
    """The answer as text of at most the terminal's width; only commands, code and long words are wider."""
    page = Page(terminal or Terminal())
    if not answer.diagnoses:
        _nothing(page, answer)
        return str(page)
    full = answer.diagnoses if show_all else _separate_roots(answer)
    for index, one in enumerate(full):
        if index:
            page.blank()
        _diagnosis(page, one)
    if not show_all:
        _others(page, answer.diagnoses[0], tuple(one for one in answer.diagnoses if one not in full))
    if answer.unrecognised:
        page.paragraph("Unexplained", "failures in the text that no known cause explains:")
        _quotes(page, "", answer.unrecognised[:4])
    for note in answer.notes[:4]:
        page.paragraph("Note", safe_line(note))
    return str(page)


def _separate_roots(answer: Answer) -> tuple[Diagnosis, ...]:
    """The first diagnosis, and those that are more than a possibility and about another failure: a pasted document may hold several."""
    first, *others = answer.diagnoses
    told = {(quote.file, quote.line) for quote in first.evidence}
    more = [
        one
        for one in others
        if one.confidence != "possible" and not one.consequence and not told & {(quote.file, quote.line) for quote in one.evidence}
    ]
    return (first, *more[: MAX_FULL - 1])


def _diagnosis(page: Page, one: Diagnosis) -> None:
    color = YELLOW if one.confidence == "possible" else RED
    page.paragraph(_HEAD[one.confidence], f"{one.cause}: {safe_line(one.title)}", color)
    if one.consequence:
        page.paragraph("", "Only the echo of a failure is in the text; its root is in another log.")
    if one.decided:
        page.paragraph("Decided by", safe_line(one.decided))
    _quotes(page, "Seen", one.evidence[:3])
    page.paragraph("Why", safe_line(one.why))
    if one.wrong_advice:
        page.paragraph("No help here", safe_line(one.wrong_advice))
    for number, fix in enumerate(one.fixes, 1):
        _fix(page, "Fix" if number == 1 else "", number if len(one.fixes) > 1 else 0, fix)
    _consequences(page, one.explains)
    if one.facts_used:
        page.paragraph("Facts", safe_line("; ".join(one.facts_used)))
    for words in one.ruled_out:
        page.paragraph("Not", safe_line(words))


def _fix(page: Page, label: str, number: int, fix: Fix) -> None:
    notes = ", ".join(word for word in (_WHO[fix.who], _RISK[fix.risk]) if word)
    lead = f"{number}. " if number else ""
    page.paragraph(label, lead + safe_line(fix.do) + (f" ({notes})" if notes else ""), GREEN if number < 2 else "", hang=len(lead))
    for command in fix.commands:
        page.verbatim(safe_line(command), 3)
    if fix.code:
        page.verbatim(safe(fix.code), 3)


def _quotes(page: Page, label: str, quotes: tuple[Quote, ...], tail: str = "") -> None:
    for index, quote in enumerate(quotes):
        page.paragraph(label if index == 0 else "", f"{where(quote)}  {shorten(safe_line(quote.text))}{tail}", hang=2)


def _consequences(page: Page, explains: tuple[Explained, ...]) -> None:
    shown = [(echo, quote) for echo in explains for quote in echo.evidence[:1]]
    for index, (echo, quote) in enumerate(shown[:3]):
        text = f"{where(quote)}  {shorten(safe_line(quote.text), 120)}  ← {echo.cause}"
        page.paragraph("Consequence" if index == 0 else "", text, hang=2)
    if len(shown) > 3:
        page.paragraph("", f"and {len(shown) - 3} more")


def _others(page: Page, first: Diagnosis, others: tuple[Diagnosis, ...]) -> None:
    for index, one in enumerate(others):
        line = f" ({where(one.evidence[0])})" if one.evidence else ""
        page.paragraph("Also found" if index == 0 else "", f"{one.cause}: {safe_line(one.title)}{line}", hang=2)
    if others:
        page.paragraph("", "torchdoctor diagnose --all shows them in full.")
    if first.confidence != "confirmed" and first.decide:
        page.paragraph("Unsure?", "this tells:")
        page.verbatim(safe_line(first.decide), 0)


def _nothing(page: Page, answer: Answer) -> None:
    if not answer.unrecognised:
        page.paragraph("No failure", f"found in what was read ({answer.read}).", BOLD)
        for note in answer.notes[:4]:
            page.paragraph("Note", safe_line(note))
        return
    if answer.ordinary:
        page.paragraph(
            "No GPU matter", "The program itself raised this; nothing in the text points to torch, the GPU or the installation.", BOLD
        )
    else:
        page.paragraph("Unknown", "The text shows a failure that no known cause explains.", BOLD)
    _quotes(page, "Seen", answer.unrecognised[:4])
    for note in answer.notes[:4]:
        page.paragraph("Note", safe_line(note))
    page.paragraph("Read", answer.read)
    if answer.ordinary:
        return
    page.paragraph(
        "Where to ask", "the issue tracker of the library that raised it, or https://discuss.pytorch.org; for a text to paste there:"
    )
    page.verbatim("torchdoctor diagnose --format markdown FILE", 0)


def where(quote: Quote) -> str:
    """The place of a line: file (where it is one), line and rank."""
    name = "" if quote.file in ("-", "") else safe_line(quote.file.replace("\\", "/").rsplit("/", 1)[-1]) + " "
    rank = f" [rank {quote.rank}]" if quote.rank is not None else ""
    return f"{name}line {quote.line}{rank}"


def shorten(text: str, most: int = MAX_SHOWN) -> str:
    """The text cut at a length, with an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
