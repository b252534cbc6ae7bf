"""Which checks a selector means, and what an ignore takes out of the results.

A selector is a check's name, its code, the beginning of codes (``TD3``), or a group. An ignore is a selector
that may carry a subject: ``TD312@gpu:3``.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Status
from torchdoctor.suggest import did_you_mean


class Selectable(Protocol):
    """What a selector looks at."""

    @property
    def name(self) -> str: ...

    @property
    def code(self) -> str: ...

    @property
    def group(self) -> str: ...


@dataclass(frozen=True)
class Named:
    """A check known by name only."""

    name: str
    code: str
    group: str


GATE_CHECKS = (Named("expectations", "TD001", "gate"), Named("ignores", "TD002", "gate"))
"""The results that the gate itself adds; no file declares them."""

CheckT = TypeVar("CheckT", bound=Selectable)
_PREFIX = re.compile(r"^[A-Z]+\d*$")


@dataclass(frozen=True)
class Ignore:
    """What not to report: a selector, a subject (a pattern such as ``gpu:*``, or empty for the whole check), why, and until when."""

    selector: str
    subject: str = ""
    reason: str = ""
    until: datetime.date | None = None
    where: str = ""

    @property
    def text(self) -> str:
        """As it is written in the configuration."""
        return f"{self.selector}@{self.subject}" if self.subject else self.selector

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day has passed."""
        return self.until is not None and today > self.until


@dataclass(frozen=True)
class Selection(Generic[CheckT]):
    """The checks to run, and those that were selected but are ignored as a whole."""

    checks: tuple[CheckT, ...]
    ignored: tuple[CheckT, ...] = ()


@dataclass(frozen=True)
class Filtered:
    """Results after the ignores, and the notes that count what they took."""

    results: tuple[CheckResult, ...]
    notes: tuple[str, ...] = ()


def parse_ignore(text: str, reason: str = "", until: datetime.date | None = None, where: str = "") -> Ignore:
    """The ignore that ``NAME``, ``CODE`` or ``CODE@SUBJECT`` means. Raises ValueError where a part is missing."""
    selector, at, subject = text.strip().partition("@")
    if not selector or (at and not subject):
        place = f"{where}: " if where else ""
        raise ValueError(f"{place}cannot read the ignore {text!r}: expected CHECK or CHECK@SUBJECT, such as TD312@gpu:3")
    return Ignore(selector.strip(), subject.strip(), reason, until, where)


def matches(selector: str, name: str, code: str, group: str) -> bool:
    """Whether the selector means the check of this name, code and group."""
    wanted = selector.strip()
    if wanted.lower() in (name.lower(), group.lower()):
        return True
    return bool(_PREFIX.match(wanted.upper())) and code.upper().startswith(wanted.upper())


def _means(selector: str, check: Selectable) -> bool:
    return matches(selector, check.name, check.code, check.group)


def require_known(selectors: Iterable[str], checks: Sequence[Selectable], where: str = "") -> None:
    """Raise ValueError for the first selector that means no check at all."""
    known: tuple[Selectable, ...] = (*checks, *GATE_CHECKS)
    for selector in selectors:
        if any(_means(selector, check) for check in known):
            continue
        names = {word for check in known for word in (check.name, check.code, check.group)}
        by_fold = {word.lower(): word for word in names}
        close = did_you_mean(selector, by_fold)
        for folded, word in by_fold.items():
            if close == f": did you mean {folded}?":
                close = f": did you mean {word}?"
                break
        place = f"{where}: " if where else ""
        raise ValueError(f"{place}no check, code or group is called {selector!r}{close or ':'} torchdoctor list shows them all")


def select(
    checks: Sequence[CheckT], selectors: Sequence[str] = (), ignores: Sequence[Ignore] = (), today: datetime.date | None = None
) -> Selection[CheckT]:
    """The checks that the selectors mean (all where there are none), in their own order, less those ignored as a whole.

    Raises ValueError for a selector or an ignore that means no check.
    """
    require_known(selectors, checks)
    for ignore in ignores:
        require_known([ignore.selector], checks, ignore.where)
    today = today or datetime.date.today()
    wanted = [check for check in checks if not selectors or any(_means(s, check) for s in selectors)]
    whole = [ignore.selector for ignore in ignores if not ignore.subject and not ignore.expired(today)]
    ignored = tuple(check for check in wanted if any(_means(s, check) for s in whole))
    return Selection(tuple(check for check in wanted if check not in ignored), ignored)


def _takes(ignore: Ignore, result: CheckResult, finding: Finding | None) -> bool:
    if not matches(ignore.selector, result.check, result.code, result.group):
        return False
    if finding is None:
        return not ignore.subject
    return bool(ignore.subject) and fnmatch.fnmatchcase(finding.subject, ignore.subject)


def _without(result: CheckResult, taken: Sequence[tuple[Finding, Ignore]]) -> CheckResult:
    """The result less the findings taken; a check with nothing left to say counts as skipped, which shows the reason."""
    gone = {id(finding) for finding, _ in taken}
    left = tuple(finding for finding in result.findings if id(finding) not in gone)
    reason = "; ".join(dict.fromkeys(f"{finding.subject} ignored{_because(ignore)}" for finding, ignore in taken))
    note = f"{result.note}; {reason}" if result.note else reason
    if not left:
        return dataclasses.replace(result, status=Status.SKIP, summary="all its findings are ignored", findings=(), note=note)
    worst = max(left, key=lambda finding: finding.status)
    return dataclasses.replace(result, status=worst.status, summary=worst.title, findings=left, note=note)


def _because(ignore: Ignore) -> str:
    return f" ({ignore.reason})" if ignore.reason else ""


def apply_ignores(
    results: Iterable[CheckResult],
    ignores: Sequence[Ignore],
    today: datetime.date | None = None,
    ignored: Sequence[Selectable] = (),
) -> Filtered:
    """The results less what is ignored, with one note that counts it and gives the reasons.

    ``ignored`` are the checks that were not even run because an ignore means all of them (``Selection.ignored``).
    """
    today = today or datetime.date.today()
    active = [ignore for ignore in ignores if not ignore.expired(today)]
    told = [
        check.code + _because(next(i for i in active if not i.subject and _means(i.selector, check)))
        for check in ignored
        if any(not i.subject and _means(i.selector, check) for i in active)
    ]
    kept: list[CheckResult] = []
    for result in results:
        whole = next((ignore for ignore in active if _takes(ignore, result, None)), None)
        if whole:
            told.append(result.code + _because(whole))
            continue
        taken = [
            (finding, ignore)
            for finding in result.findings
            for ignore in [next((i for i in active if _takes(i, result, finding)), None)]
            if ignore and finding.status >= Status.INFO
        ]
        told += [f"{result.code}@{finding.subject}{_because(ignore)}" for finding, ignore in taken]
        kept.append(_without(result, taken) if taken else result)
    return Filtered(tuple(kept), (f"{len(told)} ignored: {', '.join(told)}",) if told else ())


def expired_ignores(ignores: Sequence[Ignore], today: datetime.date | None = None) -> CheckResult | None:
    """A warning for each ignore whose last day has passed; None where there is none."""
    today = today or datetime.date.today()
    findings = tuple(
        Finding(
            Status.WARN,
            f"the ignore of {ignore.text} ended on {ignore.until}",
            evidence=(Evidence(ignore.where or "config", f"{ignore.text}: {ignore.reason or 'no reason given'}, until {ignore.until}"),),
            fixes=(Fix(f"mend what {ignore.selector} reports and remove the ignore, or give it a new end date"),),
        )
        for ignore in ignores
        if ignore.expired(today)
    )
    if not findings:
        return None
    check = GATE_CHECKS[1]
    summary = findings[0].title if len(findings) == 1 else f"{len(findings)} ignores have ended"
    return CheckResult(check.name, check.code, check.group, Status.WARN, summary, findings)
