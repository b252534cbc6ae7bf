"""From results to a verdict, an exit code and the one sentence that answers the question. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from torchdoctor.model import CheckResult, Status

Verdict = Literal["pass", "warn", "fail", "error"]

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_COULD_NOT_TELL = 3
EXIT_INTERRUPTED = 130

EXPECTATIONS = "expectations"
"""The result of ``--expect``: always required, because somebody asked for it by name."""

_WORDS: dict[Status, Verdict] = {Status.WARN: "warn", Status.ERROR: "error", Status.FAIL: "fail"}


def verdict(results: Iterable[CheckResult], fail_on: Status = Status.FAIL, required: Collection[str] = ()) -> tuple[Verdict, int]:
    """The worst status in a word, and the exit code.

    The code is 1 for findings at or above ``fail_on`` (WARN or FAIL), 3 where only a required check (by name
    or code) could not tell, else 0. A check that could not tell and that nobody required does not fail, not even
    with ``fail_on`` WARN: not knowing is no finding.
    """
    results = tuple(results)
    wanted = {*required, EXPECTATIONS}
    found = any(result.status != Status.ERROR and result.status >= fail_on for result in results) or any(
        finding.status != Status.ERROR and finding.status >= fail_on for result in results for finding in result.findings
    )
    blind = any(result.status == Status.ERROR and wanted & {result.check, result.code} for result in results)
    worst = max((result.status for result in results), default=Status.PASS)
    code = EXIT_FINDINGS if found else EXIT_COULD_NOT_TELL if blind else EXIT_OK
    return _WORDS.get(worst, "pass"), code
