"""Annotations for GitHub Actions: at most ten (more of a kind are dropped silently by GitHub), worst first.

The Markdown for ``$GITHUB_STEP_SUMMARY`` is never mixed with them: see ``summary``.
"""

from __future__ import annotations

from torchdoctor.model import CheckResult, Finding, Report, Status
from torchdoctor.report import fold, markdown
from torchdoctor.report.junit import describe
from torchdoctor.report.safe import safe, safe_line

MOST = 10
_LONGEST = 4000  # characters of one annotation's message
_KINDS = {Status.FAIL: "error", Status.WARN: "warning", Status.ERROR: "warning"}


def escape_data(text: str) -> str:
    """The message of a workflow command: per cent signs and line breaks as GitHub decodes them."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """A property of a workflow command: also without the characters that separate properties."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def _annotation(result: CheckResult, finding: Finding) -> str:
    doubt = "could not tell: " if finding.status == Status.ERROR else ""
    title = escape_property(safe_line(f"{result.code} {result.check}"))
    message = safe(doubt + describe(finding))
    if len(message) > _LONGEST:
        message = message[:_LONGEST] + " ..."
    return f"::{_KINDS[finding.status]} title={title}::{escape_data(message)}"


def render(report: Report) -> str:
    """The annotations, then the verdict as a plain line; what is beyond ten is counted."""
    found = [(result, finding) for result in fold.worst_first(report.results) for finding in fold.findings_of(result)]
    rank = {Status.FAIL: 0, Status.WARN: 1, Status.ERROR: 2}
    found.sort(key=lambda pair: rank[pair[1].status])
    lines = [_annotation(result, finding) for result, finding in found[:MOST]]
    if len(found) > MOST:
        lines.append(f"+{len(found) - MOST} more: see the job summary, or torchdoctor run --format text")
    return "\n".join([*lines, f"torchdoctor: {safe_line(report.summary)} ({fold.counts(report)})"])


def summary(report: Report) -> str:
    """The Markdown for the job summary."""
    return markdown.render(report, facts=False)
