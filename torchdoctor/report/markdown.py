"""The report as Markdown, ready for an issue: the verdict and the problems open, the rest collapsed, under 60 kB."""

from __future__ import annotations

import json

from torchdoctor.codec import to_json
from torchdoctor.model import CheckResult, Finding, Report, Status
from torchdoctor.report import fold
from torchdoctor.report.safe import code_block, code_span, safe_markdown
from torchdoctor.report.terminal import WORDS

MOST_BYTES = 60_000
_MOST_EVIDENCE_CHARACTERS = 1500
_COMMAND = "torchdoctor run --format markdown"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _indented(block: str) -> str:
    return "\n".join(f"  {line}" if line else line for line in block.splitlines())


def _finding(finding: Finding) -> list[str]:
    cause = f" ({code_span(finding.cause)})" if finding.cause else ""
    lines = [f"- **{safe_markdown(fold.headline(finding))}**{cause}"]
    for seen in finding.evidence:
        text = seen.text.strip()
        if len(text) > _MOST_EVIDENCE_CHARACTERS:
            text = "... " + text[-_MOST_EVIDENCE_CHARACTERS:]
        if "\n" in text:
            lines += [f"  - seen in {code_span(seen.source)}:", "", _indented(_indented(code_block(text))), ""]
        else:
            lines.append(f"  - seen in {code_span(seen.source)}: {code_span(text)}")
    for number, fix in enumerate(finding.fixes):
        lines.append(f"  - {'or' if number else 'fix'}: {safe_markdown(fix.do)} ({safe_markdown(fold.cost(fix))})")
        if fix.commands:
            lines += ["", _indented(_indented(code_block("\n".join(fix.commands), "sh"))), ""]
        if fix.code:
            lines += ["", _indented(_indented(code_block(fix.code, "python"))), ""]
    if not finding.fixes and finding.status in fold.PROBLEMS:
        lines.append("  - fix: no known fix")
    return lines


def _problem(result: CheckResult) -> str:
    lines = [f"### {WORDS[result.status]}: {safe_markdown(result.code)} {safe_markdown(result.check)}", ""]
    for finding in fold.findings_of(result):
        lines += _finding(finding)
    if result.note:
        lines.append(f"- note: {safe_markdown(result.note)}")
    return "\n".join(lines)


def _table(report: Report) -> list[str]:
    rows = ["| check | status | what | seconds |", "|---|---|---|---|"]
    for result in report.results:
        said = safe_markdown(result.summary or result.note)
        rows.append(
            f"| {safe_markdown(result.code)} {safe_markdown(result.check)} | {WORDS[result.status]} | {said} | {result.seconds:.2f} |"
        )
    return rows


def _details(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def render(report: Report, facts: bool = True, most: int = MOST_BYTES) -> str:
    """The report as Markdown of at most ``most`` bytes; what does not fit is left out from the end, and said so."""
    # What goes in first is what matters most: the room left decides how much of the rest is shown.
    parts = [
        f"**{safe_markdown(report.summary)}**",
        " · ".join([fold.counts(report), *(safe_markdown(part) for part in fold.identity(report))]),
    ]
    parts += [f"note: {safe_markdown(note)}" for note in report.notes]
    tail = f"<sub>made by <code>{_COMMAND}</code>, {safe_markdown(report.started)}</sub>"
    room = most - _size(tail) - 200 - sum(_size(part) + 2 for part in parts)
    left = 0
    for result in fold.worst_first(r for r in report.results if r.status in (*fold.PROBLEMS, Status.ERROR)):
        block = _problem(result)
        if _size(block) + 2 <= room:
            parts.append(block)
            room -= _size(block) + 2
        else:
            left += 1
    if left:
        parts.append(f"{left} more, left out for want of room.")
    for title, body in (
        (f"All {len(report.results)} checks", "\n".join(_table(report)) if report.results else ""),
        ("Facts", code_block(json.dumps(to_json(report.facts), indent=1, ensure_ascii=False), "json") if facts and report.facts else ""),
    ):
        block = _details(title, body)
        if body and _size(block) + 2 <= room:
            parts.append(block)
            room -= _size(block) + 2
    return "\n\n".join([*parts, tail])
