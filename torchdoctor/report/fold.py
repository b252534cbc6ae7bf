"""What every renderer for people does with findings: fold equal ones, sort them, count them, put words to fixes."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath, PureWindowsPath

from torchdoctor.model import CheckResult, Finding, Fix, Patient, Report, Status

PROBLEMS = (Status.FAIL, Status.WARN)
"""Statuses shown as problems; ERROR has a section of its own, the rest folds to a count."""

_NUMBERED = re.compile(r"^([a-z][\w-]*):(\d{1,9})$")
_MOST_NAMES = 6


def _ranges(numbers: Iterable[int]) -> str:
    """``0-3,6`` for 0, 1, 2, 3 and 6."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(str(n) for n in part) for part in parts)


def fold_subjects(subjects: Sequence[str]) -> str:
    """``gpu:0-7`` for eight devices; other subjects as a list of at most six."""
    by_kind: dict[str, list[int]] = {}
    others: list[str] = []
    for subject in dict.fromkeys(subjects):
        found = _NUMBERED.match(subject)
        if found:
            by_kind.setdefault(found[1], []).append(int(found[2]))
        elif subject:
            others.append(subject)
    if len(others) > _MOST_NAMES:
        others = [*others[:_MOST_NAMES], f"{len(others) - _MOST_NAMES} more"]
    return ", ".join([f"{kind}:{_ranges(numbers)}" for kind, numbers in by_kind.items()] + others)


def _pattern(text: str, subject: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(subject)}(?!\w)", "\0", text) if subject else text


def _fixes_for(fixes: Iterable[Fix], subject: str, instead: str) -> tuple[Fix, ...]:
    """The fixes with another list of indices where a command names the subject's own, as ``nvidia-smi -i 3`` does for gpu:3."""
    number = subject.rpartition(":")[2]
    if not _NUMBERED.match(subject):
        return tuple(fixes)
    own = re.compile(rf"(?<=\s-i ){number}(?![\w,.:])")
    return tuple(dataclasses.replace(fix, commands=tuple(own.sub(instead, command) for command in fix.commands)) for fix in fixes)


def fold(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings that differ in their subject only as one, worst first; its subject is ``gpu:0-7``."""
    families: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        kind = finding.subject.partition(":")[0]
        fixes = _fixes_for(finding.fixes, finding.subject, "\0")
        key: tuple[object, ...] = (finding.status, _pattern(finding.title, finding.subject), fixes, finding.cause, kind)
        families.setdefault(key, []).append(finding)
    folded = []
    for key, family in families.items():
        label = fold_subjects([finding.subject for finding in family])
        evidence = tuple(dict.fromkeys(seen for finding in family for seen in finding.evidence))
        title = family[0].title if len(family) == 1 else str(key[1]).replace("\0", label)
        numbers = ",".join(finding.subject.rpartition(":")[2] for finding in family)
        fixes = _fixes_for(family[0].fixes, family[0].subject, numbers)
        folded.append(dataclasses.replace(family[0], title=title, subject=label, evidence=evidence, fixes=fixes))
    return tuple(sorted(folded, key=lambda finding: -finding.status))


def findings_of(result: CheckResult, least: Status = Status.WARN) -> tuple[Finding, ...]:
    """The folded findings of a result from ``least`` on; one made of its summary where it names none."""
    found = tuple(finding for finding in fold(result.findings) if finding.status >= least)
    if not found and result.status >= least:
        return (Finding(result.status, result.summary or result.check),)
    return found


def headline(finding: Finding) -> str:
    """The title, preceded by the subject where the title does not name it."""
    if finding.subject and finding.subject not in finding.title:
        return f"{finding.subject}: {finding.title}"
    return finding.title


def worst_first(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Failures, then warnings, then what could not be told, then the rest; otherwise in their order."""
    rank = {Status.FAIL: 0, Status.WARN: 1, Status.ERROR: 2}
    return tuple(sorted(results, key=lambda result: rank.get(result.status, 3)))


def groups_of(results: Iterable[CheckResult]) -> dict[str, list[CheckResult]]:
    """The results by group, in order of appearance."""
    groups: dict[str, list[CheckResult]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    return groups


def counts(report: Report, skipped: bool = True) -> str:
    """``1 problem, 2 warnings, 31 ok, 4 skipped, 3.4 s``."""
    by = Counter(result.status for result in report.results)
    ok = by[Status.PASS] + by[Status.INFO]
    parts = [
        (by[Status.FAIL], "problem" if by[Status.FAIL] == 1 else "problems"),
        (by[Status.WARN], "warning" if by[Status.WARN] == 1 else "warnings"),
        (by[Status.ERROR], "could not tell"),
        (ok, "ok"),
        (by[Status.SKIP] if skipped or not ok else 0, "skipped"),
    ]
    told = ", ".join(f"{count} {word}" for count, word in parts if count) or "0 checks"
    return f"{told}, {report.seconds:.1f} s"


def environment_name(executable: str) -> str:
    """The folder of the environment that an interpreter belongs to (``.venv``), or an empty string."""
    path = PureWindowsPath(executable) if "\\" in executable else PurePosixPath(executable)
    home = path.parent.parent if path.parent.name.lower() in ("bin", "scripts") else path.parent
    name = home.name
    return "" if name.lower() in ("", "usr", "local", "bin", "~") or name.startswith(("usr", "Python")) else name


def identity(report: Report, short: bool = False) -> list[str]:
    """The parts of the header: tool, Python and its environment, torch, devices (``facts["machine"]``, a text)."""
    patient: Patient = report.patient
    name = environment_name(patient.executable)
    versions = [report.version, patient.python or "unknown"]
    tool, version = [".".join(text.split(".")[:2]) for text in versions] if short else versions
    python = f"python {version}" + (f" ({name})" if name else "")
    parts = [f"torchdoctor {tool}", python, f"torch {patient.torch}" if patient.torch else "no usable torch"]
    machine = report.facts.get("machine")
    return parts + ([machine] if isinstance(machine, str) and machine else [])


def cost(fix: Fix) -> str:
    """Who can do it, and what it costs."""
    who = {"user": "you", "admin": "an administrator", "vendor": "the vendor"}.get(fix.who, fix.who)
    risk = {"safe": "", "restart": "needs a restart", "disruptive": "interrupts what is running"}.get(fix.risk, fix.risk)
    return f"{who}, {risk}" if risk else who
