"""Hand the facts to the checks and collect their results; a check that raises is one result, never the end."""

from __future__ import annotations

import dataclasses
import time
import traceback
from collections.abc import Callable
from typing import Any

from torchdoctor.codec import from_json
from torchdoctor.declare import Check, Need
from torchdoctor.engine.outcome import Outcome, Outcomes
from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Status

Explain = Callable[[str], "tuple[str | None, str, tuple[Fix, ...]]"]
"""From what a dead probe wrote to (cause slug or None, title, fixes), by the catalogue of causes."""

TRACEBACK = "traceback"  # the source of evidence that the catalogue reads
_MAX_OUTPUT = 4000  # characters of a dead process's output that go into a finding


def _death(check: Check, outcome: Outcome, explain: Explain) -> Finding:
    """The finding for a probe that did not answer."""
    subject = outcome.subject or ""
    what = {"failed": "raised an error", "crashed": "crashed", "timeout": "did not finish"}[outcome.state]
    title = f"{outcome.probe} {what}: {outcome.detail}" + (f", in {outcome.where}" if outcome.where else "")
    cause, meaning, fixes = explain("\n".join(part for part in (outcome.stack, outcome.output or outcome.detail) if part))
    evidence = [Evidence(f"probe {outcome.probe}", outcome.detail)]
    if outcome.where:
        evidence.append(Evidence("stack", outcome.stack or outcome.where))
    if outcome.output.strip():
        evidence.append(Evidence("output", outcome.output.strip()[-_MAX_OUTPUT:]))
    status = check.crash if outcome.state != "failed" or check.crash == Status.FAIL else Status.ERROR
    return Finding(status, f"{title} ({meaning})" if meaning else title, subject, tuple(evidence), fixes, cause)


def _explained(finding: Finding, explain: Explain) -> Finding:
    """A finding whose evidence is a traceback, with the catalogue's cause and fixes where the check itself knew none."""
    text = next((seen.text for seen in finding.evidence if seen.source == TRACEBACK), "")
    if finding.cause or finding.status is not Status.FAIL or not text:
        return finding
    cause, meaning, fixes = explain(text)
    if cause is None:
        return finding
    title = f"{finding.title} ({meaning})" if meaning else finding.title
    return dataclasses.replace(finding, title=title, cause=cause, fixes=(*fixes, *finding.fixes))


def _gather(need: Need, outcomes: Outcomes) -> tuple[Any, list[Outcome]]:
    """The argument for a need, and the outcomes that did not answer."""
    found = outcomes.of(need.fact.__name__)
    good: dict[str | None, Any] = {}
    bad = []
    for subject, outcome in found.items():
        if outcome.state != "ok":
            bad.append(outcome)
            continue
        try:
            good[subject] = from_json(need.fact, outcome.fact)
        except (TypeError, ValueError, KeyError) as error:
            bad.append(Outcome(outcome.probe, outcome.lane, subject, "failed", detail=f"its answer cannot be read: {error}"))
    if need.each:
        return good, bad
    return good.get(None), bad


def judge(check: Check, outcomes: Outcomes, explain: Explain) -> CheckResult:
    """The result of one check over the outcomes of all probes."""
    started = time.perf_counter()
    arguments: dict[str, Any] = {}
    dead: list[Outcome] = []
    missing = ""
    seconds = 0.0
    for parameter, need in check.needs.items():
        arguments[parameter], bad = _gather(need, outcomes)
        seconds += sum(o.seconds for o in outcomes.of(need.fact.__name__).values())
        dead += [] if need.optional else [o for o in bad if o.state != "not-run"]
        if not need.optional and not arguments[parameter]:
            idle = next((o.detail for o in bad if o.state == "not-run"), "")
            nothing = "there is no device here that it is about" if need.each else f"{need.fact.__name__} was not read in this run"
            missing = missing or idle or nothing
    findings = [_death(check, outcome, explain) for outcome in dead]
    note = missing if missing and not dead else ""
    if not missing:
        try:
            findings += [_explained(finding, explain) for finding in check.judge(**arguments) or ()]
        except Exception as error:  # our own mistake or a plug-in's: said as such, the run goes on
            where = traceback.extract_tb(error.__traceback__)[-1]
            note = f"the check itself failed: {type(error).__name__}: {error} ({where.filename}:{where.lineno})"
            findings.append(Finding(Status.ERROR, note))
    return _result(check, findings, note, seconds + time.perf_counter() - started)


def _result(check: Check, findings: list[Finding], note: str, seconds: float) -> CheckResult:
    telling = [f for f in findings if f.status is not Status.SKIP]
    if findings and not telling:
        return CheckResult(check.name, check.code, check.group, Status.SKIP, findings[0].title, (), seconds, findings[0].title)
    if not findings and note:
        return CheckResult(check.name, check.code, check.group, Status.SKIP, note, (), seconds, note)
    status = max((f.status for f in telling), default=Status.PASS)
    worst = [f for f in telling if f.status is status]
    summary = worst[0].title if worst else check.title
    if len(worst) > 1 and status is not Status.PASS:
        summary += f" (and {len(worst) - 1} more)"
    elif status is Status.PASS and len(worst) > 1:
        summary = "; ".join(f.title for f in worst)
    shown = tuple(f for f in telling if f.status is not Status.PASS)
    return CheckResult(check.name, check.code, check.group, status, summary, shown, seconds, note)
