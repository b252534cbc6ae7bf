"""How a check file declares its checks and probes: two decorators and five words for findings.

Standard library only and Python 3.9, because the patient's interpreter imports plug-ins that hold a probe.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Callable, Generic, Literal, Optional, TypeVar

from torchdoctor.model import Evidence, Finding, Fix, Status

Lane = Literal["host", "patient", "torch", "device", "group"]
"""Where a probe runs: the doctor's interpreter; the patient's before torch is imported; the same with torch
imported, touching no device; a process of its own that may touch devices; one that starts several ranks."""

LANES: tuple[Lane, ...] = ("host", "patient", "torch", "device", "group")

FactT = TypeVar("FactT")


class Each(Generic[FactT], dict[str, FactT]):
    """Annotation of a check's parameter: the facts of a probe that runs once for each subject, by subject."""


@dataclass(frozen=True)
class Probe:
    """A function that reads facts, isolated from everything else.

    each: a fact type with a method ``subjects()``; the probe then runs once for each subject, which it gets as its argument.
    full: runs only with ``--full``; quick: also runs with ``--quick``.
    options: the function's keyword-only parameters, which the run's options of the same names are passed to.
    """

    name: str
    module: str
    file: str
    function: Callable[..., Any]
    lane: Lane
    timeout: float
    fact: Any
    each: Any = None
    full: bool = False
    quick: bool = True
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """A pure function from facts to findings.

    crash: the status of the check where a probe it needs died or hung: ERROR (the doctor could not tell), or
    FAIL where that death is itself the finding, as with a training step that segfaults.
    """

    name: str
    code: str
    group: str
    module: str
    doc: str
    judge: Callable[..., Any]
    needs: Mapping[str, Need]
    crash: Status = Status.ERROR
    since: str = "0.1"

    @property
    def title(self) -> str:
        """The first line of the check's docstring."""
        return self.doc.strip().splitlines()[0] if self.doc.strip() else self.name


@dataclass(frozen=True)
class Need:
    """What a parameter of a check asks for."""

    fact: Any
    each: bool = False
    optional: bool = False


def _kebab(name: str) -> str:
    return name.strip("_").replace("_", "-")


def probe(
    lane: Lane,
    timeout: float = 30.0,
    each: Any = None,
    full: bool = False,
    quick: bool = True,
) -> Callable[[Callable[..., Any]], Probe]:
    """Declare a probe; the return annotation names the fact type that it reads. ``timeout`` is in seconds."""

    def declare(function: Callable[..., Any]) -> Probe:
        annotation = function.__annotations__.get("return")
        fact = function.__globals__.get(annotation, annotation) if isinstance(annotation, str) else annotation
        return Probe(
            _kebab(function.__name__),
            function.__module__,
            function.__code__.co_filename,
            function,
            lane,
            timeout,
            fact,
            each,
            full,
            quick,
            tuple(function.__kwdefaults__ or ()),
        )

    return declare


_WRAPPED = re.compile(r"^(Each|Optional|Optional\[Each)\[(\w+)\]{1,2}$")


def _need(annotation: Any, names: Mapping[str, Any]) -> Need:
    """What an annotation asks for. Annotations are strings in files with ``from __future__ import annotations``."""
    text = annotation if isinstance(annotation, str) else ""
    if text:
        wrapped = _WRAPPED.match(text)
        name = wrapped[2] if wrapped else text
        if name not in names:
            raise TypeError(f"{name!r} is not a fact type known in this file")
        kind = wrapped[1] if wrapped else ""
        return Need(names[name], each=kind.endswith("Each"), optional=kind.startswith("Optional"))
    origin: Any = getattr(annotation, "__origin__", None)
    arguments: Any = getattr(annotation, "__args__", ())
    if origin is Each:
        return Need(arguments[0], each=True)
    if len(arguments) == 2 and type(None) in arguments:
        return Need(next(a for a in arguments if a is not type(None)), optional=True)
    return Need(annotation)


def check(code: str, group: str, crash: Status = Status.ERROR, since: str = "0.1") -> Callable[[Callable[..., Any]], Check]:
    """Declare a check; its parameters' types name the facts it judges, its module's docstring explains it.

    A parameter may be a fact type, ``Optional[Fact]`` (None where it could not be read), ``Each[Fact]``, or ``Optional[Each[Fact]]``
    (an empty mapping where there is no subject).
    """

    def declare(function: Callable[..., Any]) -> Check:
        names = function.__globals__
        needs = {parameter: _need(annotation, names) for parameter, annotation in function.__annotations__.items() if parameter != "return"}
        doc = names.get("__doc__") or function.__doc__ or ""
        return Check(_kebab(function.__name__), code, group, function.__module__, doc, function, needs, crash, since)

    return declare


Seen = Iterable[tuple[str, Any]]
Findings = Iterator[Finding]
"""What a check yields."""


def _finding(status: Status, title: str, seen: Seen, fixes: Iterable[Fix], cause: Optional[str], subject: str) -> Finding:
    evidence = tuple(Evidence(source, str(text)) for source, text in seen)
    return Finding(status, title, subject, evidence, tuple(fixes), cause)


def ok(title: str, seen: Seen = (), subject: str = "") -> Finding:
    """All is well; the title becomes the check's summary."""
    return _finding(Status.PASS, title, seen, (), None, subject)


def info(title: str, seen: Seen = (), fixes: Iterable[Fix] = (), cause: Optional[str] = None, subject: str = "") -> Finding:
    """Worth knowing, not a problem."""
    return _finding(Status.INFO, title, seen, fixes, cause, subject)


def warn(title: str, seen: Seen = (), fixes: Iterable[Fix] = (), cause: Optional[str] = None, subject: str = "") -> Finding:
    """Training will start, but something will hurt later or slow it down. ``seen`` are (source, text) pairs."""
    return _finding(Status.WARN, title, seen, fixes, cause, subject)


def fail(title: str, seen: Seen = (), fixes: Iterable[Fix] = (), cause: Optional[str] = None, subject: str = "") -> Finding:
    """Training will not work, or not on this device. ``seen`` are (source, text) pairs."""
    return _finding(Status.FAIL, title, seen, fixes, cause, subject)


def skip(reason: str) -> Finding:
    """The check has nothing to judge here."""
    return _finding(Status.SKIP, reason, (), (), None, "")


def unknown(title: str, seen: Seen = (), subject: str = "") -> Finding:
    """The doctor could not tell."""
    return _finding(Status.ERROR, title, seen, (), None, subject)


def declared(namespace: Mapping[str, Any]) -> Iterator[Any]:
    """The probes and checks that a module's namespace declares itself (not those it imported)."""
    module = namespace.get("__name__")
    for value in namespace.values():
        if isinstance(value, (Probe, Check)) and value.module == module:
            yield value
