"""A cause of the catalogue as a page to read, and the list of all by family."""

from __future__ import annotations

from collections.abc import Mapping

from torchdoctor.model import Cause, Strength
from torchdoctor.report.layout import BOLD, Page, Terminal
from torchdoctor.report.safe import safe, safe_line
from torchdoctor.template import fill_or

_STRENGTH = {Strength.STRONG: "means it", Strength.FAIR: "usually it", Strength.WEAK: "fits it"}


def explain_cause(cause: Cause, family: str, terminal: Terminal | None = None) -> str:
    """All that the catalogue knows of one cause: what happens, how it shows, what to change."""
    page = Page(terminal or Terminal())
    nothing: Mapping[str, str] = {}
    page.paragraph("Cause", f"{cause.slug}: {safe_line(fill_or(cause.title, nothing))}", BOLD)
    page.paragraph("Family", family.replace("_", " ") + (" (only ever the echo of another failure)" if cause.consequence else ""))
    page.paragraph("Why", safe_line(fill_or(cause.why, nothing)))
    for number, fix in enumerate(cause.fixes, 1):
        page.paragraph("Fix" if number == 1 else "", f"{number}. {safe_line(fill_or(fix.do, nothing))}{_when(fix.when)}", hang=3)
        for command in fix.commands:
            page.verbatim(safe_line(fill_or(command, nothing)))
        if fix.code:
            page.verbatim(safe(fill_or(fix.code, nothing)))
    if cause.wrong_advice:
        page.paragraph("No help here", safe_line(fill_or(cause.wrong_advice, nothing)))
    for index, sign in enumerate(cause.signs):
        page.paragraph("Signs" if index == 0 else "", f"{_STRENGTH[sign.strength]}: {safe_line(sign.pattern)}", hang=2)
    for index, example in enumerate(cause.examples[:2]):
        page.paragraph("Example" if index == 0 else "", "")
        page.verbatim(safe(example.strip("\n")), 0)
    for label, slugs in (("Explains", cause.explains), ("More than", cause.refines)):
        if slugs:
            page.paragraph(label, ", ".join(slugs))
    if cause.decide:
        page.paragraph("To be sure", "")
        page.verbatim(safe_line(fill_or(cause.decide, nothing)), 0)
    if cause.url:
        page.paragraph("More", cause.url)
    return str(page)


def _when(condition: str) -> str:
    return f" (where {' and '.join(condition.split())})" if condition else ""


def list_causes(causes: Mapping[str, Cause], families: Mapping[str, str], terminal: Terminal | None = None) -> str:
    """Every cause with its title, by family."""
    page = Page(terminal or Terminal())
    by_family: dict[str, list[Cause]] = {}
    for slug, cause in causes.items():
        by_family.setdefault(families[slug], []).append(cause)
    for family, members in sorted(by_family.items()):
        page.blank()
        page.lines.append(page.styled(family.replace("_", " "), BOLD))
        width = max(len(cause.slug) for cause in members)
        for cause in sorted(members, key=lambda cause: cause.slug):
            page.lines.append(f"  {cause.slug:<{width}}  {safe_line(fill_or(cause.title, {}, ''))}")
    return str(page)
