"""The report as JUnit XML: one test case a check, with its time, as CI systems show them."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from torchdoctor.model import CheckResult, Finding, Report, Status
from torchdoctor.report import fold
from torchdoctor.report.safe import safe, safe_line

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("?", safe_line(text)))


def _content(text: str) -> str:
    return escape(_NOT_XML.sub("?", safe(text)))


def describe(finding: Finding) -> str:
    """A finding with what was seen and what to do, as plain lines."""
    lines = [fold.headline(finding)]
    lines += [f"seen: {seen.source}: {seen.text}" for seen in finding.evidence]
    for fix in finding.fixes:
        lines.append(f"fix: {fix.do} ({fold.cost(fix)})")
        lines += [f"  {command}" for command in fix.commands]
        lines += [fix.code] if fix.code else []
    if not finding.fixes and finding.status in fold.PROBLEMS:
        lines.append("fix: no known fix")
    return "\n".join(lines)


def outcome(result: CheckResult, fail_on: Status = Status.FAIL) -> str:
    """``failure``, ``error``, ``skipped`` or an empty string for a check that passes at this ``fail_on``."""
    if result.status == Status.ERROR:
        return "error"
    if result.status >= fail_on:
        return "failure"
    return "skipped" if result.status == Status.SKIP else ""


def _case(result: CheckResult, fail_on: Status) -> list[str]:
    name, group = _attribute(f"{result.code} {result.check}"), _attribute(f"torchdoctor.{result.group}")
    opening = f'    <testcase classname={group} name={name} time="{max(result.seconds, 0):.3f}">'
    kind = outcome(result, fail_on)
    findings = fold.findings_of(result, Status.INFO)
    text = "\n\n".join(describe(finding) for finding in findings)
    if kind == "skipped":
        body = [f"      <skipped message={_attribute(result.note or result.summary)}/>"]
    elif kind:
        message, type_ = _attribute(result.summary or result.note), _attribute(result.status.word)
        body = [f"      <{kind} message={message} type={type_}>{_content(text or result.note)}</{kind}>"]
    else:
        body = [f"      <system-out>{_content(text or result.summary)}</system-out>"]
    return [opening, *body, "    </testcase>"]


def render(report: Report, fail_on: Status = Status.FAIL) -> str:
    """The report as a JUnit document; warnings are failures where ``fail_on`` is WARN."""
    kinds = [outcome(result, fail_on) for result in report.results]
    numbers = (
        f'tests="{len(kinds)}" failures="{kinds.count("failure")}" errors="{kinds.count("error")}" '
        f'skipped="{kinds.count("skipped")}" time="{max(report.seconds, 0):.3f}"'
    )
    properties = {
        "torchdoctor": report.version,
        "verdict": report.verdict,
        "summary": report.summary,
        "interpreter": report.patient.executable,
        "python": report.patient.python or "unknown",
        "torch": report.patient.torch or "none usable",
    }
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="torchdoctor" {numbers}>',
        f'  <testsuite name="torchdoctor" {numbers.replace("time=", "timestamp=" + _attribute(report.started.rstrip("Z")) + " time=")}>',
        "    <properties>",
        *(f"      <property name={_attribute(key)} value={_attribute(value)}/>" for key, value in properties.items()),
        "    </properties>",
    ]
    for result in report.results:
        lines += _case(result, fail_on)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"])
