"""An answer of ``diagnose`` as Markdown, ready to paste into an issue; nothing in it takes effect as markup or HTML."""

from __future__ import annotations

import re

from torchdoctor import __version__
from torchdoctor.model import Answer, Diagnosis, Fix, Quote
from torchdoctor.report.diagnosis_text import where
from torchdoctor.report.safe import code_block, code_span, safe_line, safe_markdown

_HEAD = {"confirmed": "Cause", "likely": "Likely cause", "possible": "Possible cause"}


def render(answer: Answer) -> str:
    """The answer as one Markdown section for each diagnosis."""
    parts: list[str] = []
    for one in answer.diagnoses:
        parts += _diagnosis(one)
    if not answer.diagnoses:
        parts.append("### Unknown failure" if answer.unrecognised else "### No failure found")
    if answer.unrecognised:
        parts += ["No known cause explains:", _quotes(answer.unrecognised)]
    parts += [f"- {safe_markdown(note)}" for note in answer.notes]
    parts.append(f"Read: {safe_markdown(answer.read)}. torchdoctor {__version__}")
    return "\n\n".join(parts) + "\n"


def _diagnosis(one: Diagnosis) -> list[str]:
    parts = [
        f"### {_HEAD[one.confidence]}: {code_span(one.cause)}",
        safe_markdown(one.title) + ".",
        _quotes(one.evidence),
        safe_markdown(one.why),
    ]
    if one.decided:
        parts.append(f"Decided by: {safe_markdown(one.decided)}.")
    if one.wrong_advice:
        parts.append(f"No help here: {safe_markdown(one.wrong_advice)}")
    parts.append("**Fix**")
    parts += [_fix(number, fix) for number, fix in enumerate(one.fixes, 1)]
    if one.explains:
        parts.append("Consequences: " + ", ".join(code_span(echo.cause) for echo in one.explains))
    if one.facts_used:
        parts.append("Facts used: " + safe_markdown("; ".join(one.facts_used)))
    if one.ruled_out:
        parts.append("Ruled out: " + safe_markdown("; ".join(one.ruled_out)))
    return parts


def _fix(number: int, fix: Fix) -> str:
    parts = [f"{number}. {safe_markdown(fix.do)}"]
    if fix.commands:
        parts.append(_indented(code_block("\n".join(safe_line(command) for command in fix.commands), "sh")))
    if fix.code:
        parts.append(_indented(code_block(fix.code, "diff" if re.search(r"^[+-] ", fix.code, re.MULTILINE) else "python")))
    return "\n\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join("   " + line for line in text.split("\n"))


def _quotes(quotes: tuple[Quote, ...]) -> str:
    return code_block("\n".join(f"{where(quote)}: {safe_line(quote.text)}" for quote in quotes), "text")
