"""What every part of torchdoctor talks about: findings, fixes, causes, diagnoses and reports.

Standard library only, no input or output, and no syntax newer than Python 3.9: plug-ins that hold a
probe are imported by the patient's interpreter, and they import these types.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Literal, Optional, Union

Who = Literal["user", "admin", "vendor"]
Risk = Literal["safe", "restart", "disruptive"]
Confidence = Literal["confirmed", "likely", "possible"]


class Status(enum.IntEnum):
    """The outcome of a check, ordered so that ``max`` gives the worst.

    ``ERROR`` means that the doctor could not tell, which is neither a pass nor a failure.
    """

    PASS = 0
    SKIP = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    FAIL = 5

    @property
    def word(self) -> str:
        """The lower-case name used in reports and configuration."""
        return self.name.lower()


@dataclass(frozen=True)
class Evidence:
    """Something that was seen, verbatim, and where it was read (``nvml``, ``torch``, ``env``, a path)."""

    source: str
    text: str


@dataclass(frozen=True)
class Fix:
    """One way out of a problem.

    In the catalogue of causes ``do``, ``commands`` and ``code`` may hold placeholders: ``{name}`` is
    filled from the named groups of the sign that matched or from the situation, ``{name|words}`` falls
    back to ``words``. A fix whose plain placeholder stays empty is not offered. ``when`` restricts it to
    situations, for example ``"os=macos"`` or ``"os=linux gpu!=none"`` (see ``diagnose/situation.py``).
    """

    do: str
    commands: tuple[str, ...] = ()
    who: Who = "user"
    risk: Risk = "safe"
    code: Optional[str] = None
    when: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing worth saying about one subject (``gpu:3``, ``rank:1``, ``pkg:torchvision``, or empty)."""

    status: Status
    title: str
    subject: str = ""
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[Fix, ...] = ()
    cause: Optional[str] = None


@dataclass(frozen=True)
class CheckResult:
    """What one check concluded. ``note`` says why it was skipped or how it crashed."""

    check: str
    code: str
    group: str
    status: Status
    summary: str
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    note: str = ""


# ---------------------------------------------------------------------------------------------------
# The catalogue of causes


class Strength(enum.IntEnum):
    """How much a sign says on its own."""

    WEAK = 1  # fits the cause, and others as well: "possible"
    FAIR = 2  # usually this cause: "likely"
    STRONG = 3  # the message means this cause: "confirmed"


@dataclass(frozen=True)
class Sign:
    """A text that shows a cause.

    ``pattern`` is a regular expression searched, ignoring case, in the text of one rank after its lines
    were cleaned and joined by single spaces, so a pattern never sees a line break: write a plain space
    where words may be wrapped. Every pattern must contain a literal of at least four characters outside
    of optional parts and alternatives (that literal is the index), and only bounded repetitions of
    wildcards (``.{0,200}``, never ``.*``), so that no input takes more than linear time.

    ``also`` are patterns that must be found too, ``unless`` patterns that must not, in the same rank's
    text. ``near`` limits ``also`` and ``unless`` to that many characters around the match (0: anywhere).
    ``alone``: the match must be a whole line.
    ``test`` may look at the numbers of the message: it gets the match's named groups and the situation.
    ``together`` compares the ranks: it gets the groups of all matches of this sign in all ranks' texts (and
    ``rank`` where known). The sign counts only where it is true; a mapping is true, and its words fill
    placeholders like named groups.
    """

    pattern: str
    strength: Strength = Strength.STRONG
    also: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    near: int = 0
    alone: bool = False
    test: Optional[Callable[[Mapping[str, str], Any], bool]] = None
    together: Optional[Callable[[Sequence[Mapping[str, str]], Any], Union[bool, Mapping[str, str]]]] = None


@dataclass(frozen=True)
class Example:
    """A text as people paste it. ``cause`` of a counterexample is what it should be taken for, or None."""

    text: str
    cause: Optional[str] = None


@dataclass(frozen=True)
class Cause:
    """A root cause (or a mere consequence) with its signs, its explanation and its fixes.

    slug: stable name. The family of a cause is the module of ``causes/`` that declares it.
    title: the cause in one sentence, about what happened, no full stop; may hold placeholders like a fix.
    why: two or three sentences: what the library does and why it fails here; may hold placeholders.
    signs: any one that matches makes the cause a candidate; the strongest counts.
    unless: patterns that rule the cause out wherever they stand in the same rank's text.
    explains: slugs of causes that are only consequences when this one is found.
    refines: slugs of more general causes that this one replaces when both match.
    consequence: True where this is never a root cause, only the echo of one.
    refuted: situations in which it cannot be the cause, for example ``("os=macos",)``.
    confirmed: situations that make a likely cause certain.
    decide: one command that would tell it apart from the next candidate.
    wrong_advice: what the library's own message proposes although it does not help here, and why.
    patch: name of the rewriting in ``diagnose/rewrite.py`` that mends the user's own line, or empty.
    examples / counterexamples: the contract tests: matched and ranked first / not claimed.
    """

    slug: str
    title: str
    why: str
    signs: tuple[Sign, ...]
    fixes: tuple[Fix, ...]
    unless: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    refines: tuple[str, ...] = ()
    consequence: bool = False
    refuted: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    decide: str = ""
    wrong_advice: str = ""
    patch: str = ""
    url: str = ""
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()


# ---------------------------------------------------------------------------------------------------
# What diagnose answers


@dataclass(frozen=True)
class Quote:
    """A line of what was read: file (``-`` for standard input), line number from 1, rank where known.

    ``text`` is the line without the prefixes and frames of what wrapped it; ``raw`` is the line as it stands, empty where that is the same.
    """

    file: str
    line: int
    text: str
    rank: Optional[int] = None
    raw: str = ""


@dataclass(frozen=True)
class Explained:
    """A cause that is only the echo of the one it is listed under."""

    cause: str
    evidence: tuple[Quote, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """A cause found in a text, with its evidence, best fix first."""

    cause: str
    title: str
    confidence: Confidence
    why: str
    evidence: tuple[Quote, ...]
    fixes: tuple[Fix, ...]
    facts_used: tuple[str, ...] = ()
    explains: tuple[Explained, ...] = ()
    decided: str = ""
    ruled_out: tuple[str, ...] = ()
    decide: str = ""
    wrong_advice: str = ""
    consequence: bool = False


@dataclass(frozen=True)
class Answer:
    """All that ``diagnose`` says of one input. ``read`` tells what was read, for "unknown" answers.

    ``ordinary``: what is unrecognised are exceptions of the program itself, no matter of GPUs or installations.
    """

    diagnoses: tuple[Diagnosis, ...]
    unrecognised: tuple[Quote, ...] = ()
    read: str = ""
    notes: tuple[str, ...] = ()
    ordinary: bool = False

    @property
    def exit_code(self) -> int:
        """0 where a cause was found or nothing is wrong, 1 where a failure stays unexplained."""
        return 1 if self.unrecognised and not self.diagnoses else 0


# ---------------------------------------------------------------------------------------------------
# What run answers


@dataclass(frozen=True)
class Patient:
    """The interpreter that was examined, and why that one."""

    executable: str
    chosen: str
    python: Optional[str] = None
    torch: Optional[str] = None


@dataclass(frozen=True)
class Report:
    """All that a run found; everything a renderer may show."""

    version: str
    started: str
    seconds: float
    verdict: Literal["pass", "warn", "fail", "error"]
    summary: str
    exit_code: int
    patient: Patient
    facts: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[CheckResult, ...] = ()
    notes: tuple[str, ...] = ()
