"""A check as a page to read, and the list of all by group. The text is the check's own docstring."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from torchdoctor.report.layout import BOLD, Page, Terminal
from torchdoctor.report.safe import safe, safe_line

GATE = {
    "TD001": ("expectations", "gate", "What was expected of this machine, with --expect or in the configuration, is so."),
    "TD002": ("ignores", "gate", "No ignore of the configuration has passed its end date."),
}
"""The results that the gate adds itself: code, name, group, what it tells."""

_LABELLED = re.compile(r"^(Why|Seen as|Not this|Source|Thresholds?): (.*)$")


class Described(Protocol):
    """What a check must tell of itself to be listed."""

    @property
    def name(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def doc(self) -> str: ...
    @property
    def title(self) -> str: ...


def sections(doc: str) -> list[tuple[str, str]]:
    """A check's docstring as (label, paragraph): the first is its title, labels are "Why", "Seen as" and their like."""
    found: list[tuple[str, str]] = []
    lines = doc.strip().splitlines()
    for line in lines:
        labelled = _LABELLED.match(line.strip())
        if labelled:
            found.append((labelled[1], labelled[2]))
        elif not line.strip():
            found.append(("", ""))
        elif found and found[-1][1]:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        else:
            found.append(("", line.strip()))
    return [(label, text) for label, text in found if text]


def explain_check(check: Described, where: str = "", terminal: Terminal | None = None) -> str:
    """All that a check says of itself, and how to run it alone. ``where`` is the file it was read from."""
    page = Page(terminal or Terminal())
    page.paragraph("Check", f"{check.code} {check.name} ({check.group})", BOLD)
    for label, text in sections(check.doc):
        page.paragraph(label, safe_line(text))
    page.paragraph("Run it alone", "")
    page.verbatim(f"torchdoctor run -v {check.name}", 0)
    if where:
        page.paragraph("Source file", safe(where))
    return str(page)


def explain_gate(code: str, terminal: Terminal | None = None) -> str:
    """The page of a result that the gate adds itself."""
    name, group, text = GATE[code]
    page = Page(terminal or Terminal())
    page.paragraph("Check", f"{code} {name} ({group})", BOLD)
    page.paragraph("", text)
    return str(page)


def list_checks(checks: Iterable[Described], terminal: Terminal | None = None) -> str:
    """Every check with its code and title, by group."""
    page = Page(terminal or Terminal())
    by_group: dict[str, list[tuple[str, str, str]]] = {}
    for code, (name, group, text) in GATE.items():
        by_group.setdefault(group, []).append((code, name, text))
    for check in checks:
        by_group.setdefault(check.group, []).append((check.code, check.name, check.title))
    for group, members in _ordered(by_group).items():
        page.blank()
        page.lines.append(page.styled(group, BOLD))
        width = max(len(name) for _, name, _ in members)
        for code, name, title in sorted(members):
            page.lines.append(f"  {code}  {name:<{width}}  {safe_line(title)}")
    return str(page)


def _ordered(groups: Mapping[str, list[tuple[str, str, str]]]) -> dict[str, list[tuple[str, str, str]]]:
    return dict(sorted(groups.items(), key=lambda item: min(code for code, _, _ in item[1])))
