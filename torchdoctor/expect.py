"""What somebody expects of a machine (``--expect gpus=8 nccl=true torch>=2.4``), and whether it is so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torchdoctor.gate import EXPECTATIONS
from torchdoctor.model import CheckResult, Evidence, Finding, Fix, Status
from torchdoctor.suggest import unknown

Kind = Literal["switch", "count", "version", "switch or version", "size"]

KEYS: dict[str, tuple[Kind, str]] = {
    "cuda": ("switch or version", "CUDA works; a version is the one torch was built with"),
    "rocm": ("switch or version", "ROCm works; a version is the one torch was built with"),
    "mps": ("switch", "Apple's MPS works"),
    "xpu": ("switch", "Intel's XPU works"),
    "nccl": ("switch or version", "torch was built with NCCL"),
    "gloo": ("switch", "torch was built with gloo"),
    "mpi": ("switch", "torch was built with MPI"),
    "ucc": ("switch", "torch was built with UCC"),
    "bf16": ("switch", "bfloat16 works on every device"),
    "fp16": ("switch", "float16 works on every device"),
    "gpus": ("count", "number of accelerators that are visible"),
    "world-size": ("count", "WORLD_SIZE of the job"),
    "torch": ("version", "version of torch"),
    "python": ("version", "version of the Python that was examined"),
    "driver": ("version", "version of the GPU's driver"),
    "min-memory": ("size", "memory of each accelerator"),
    "min-host-memory": ("size", "memory of the machine"),
    "min-disk": ("size", "free disk space where caches and checkpoints go"),
}
"""What can be expected: kind of its value, and what is compared. Observed values have the same keys: True or
False for a switch, a version as text ("12.8"; False where there is none), a whole number for counts and bytes."""

OPERATORS = ("==", ">=", "<=", "=", ">", "<")
_AROUND = re.compile(r"\s*(==|>=|<=|=|>|<)\s*")
_TERM = re.compile(r"^([^=<>!~\s]+)(==|>=|<=|=|>|<)(.+)$")
_FURTHER = re.compile(r"^(==|>=|<=|=|>|<)?([^=<>]+)$")
_VERSION = re.compile(r"^\d{1,9}(?:\.\d{1,9}){0,5}")
_SIZE = re.compile(r"^(\d{1,15}(?:\.\d{1,9})?)\s*([kKMGTP]?i?)B$")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_UNITS.update({f"{prefix.upper()}i": 1024 ** (place + 1) for place, prefix in enumerate("kMGTP")} | {"K": 10**3, "ki": 1024})
_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True)
class Expectation:
    """One thing expected: key, comparator (``=``, ``>=`` ...), value as written, and where it was written."""

    key: str
    operator: str
    value: str
    where: str = "--expect"

    @property
    def text(self) -> str:
        """As it is written on the command line."""
        return f"{self.key}{self.operator}{self.value}"


def version_of(text: str) -> tuple[int, ...]:
    """The release numbers of a version: ``2.13.0+cpu`` gives (2, 13, 0). Raises ValueError where there are none."""
    found = _VERSION.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a version such as 2.4 or 12.8.1")
    return tuple(int(part) for part in found[0].split("."))


def bytes_of(text: str) -> int:
    """The bytes of ``40GB`` (40 x 10^9) or ``40GiB`` (40 x 2^30). Raises ValueError for anything else."""
    found = _SIZE.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a size such as 40GB or 40GiB")
    return int(float(found[1]) * _UNITS[found[2]])


def _check_value(kind: Kind, operator: str, value: str) -> None:
    """Raise ValueError, saying what is accepted, where the value or comparator does not fit the kind."""
    lowered = value.lower()
    if "switch" in kind and lowered in ("true", "false", "yes", "no", "on", "off"):
        if operator not in ("=", "=="):
            raise ValueError(f"{lowered} goes with '=' only, not with {operator!r}")
        return
    if kind == "switch":
        if lowered not in _SWITCH or operator not in ("=", "=="):
            raise ValueError("expected =true or =false")
    elif kind == "count":
        if not re.fullmatch(r"\d{1,9}", value):
            raise ValueError(f"{value!r} is not a whole number")
    elif kind == "size":
        bytes_of(value)
        if operator not in ("=", ">="):
            raise ValueError("a minimum takes '=' or '>=' only")
    elif not re.fullmatch(r"\d{1,9}(?:\.\d{1,9}){0,5}", value):
        raise ValueError(f"{value!r} is not a version such as 2.4 or 12.8.1" + (", nor true or false" if "switch" in kind else ""))


def _make(key: str, operator: str, value: str, where: str) -> Expectation:
    key = key.lower().replace("_", "-")
    if key not in KEYS:
        raise unknown("expectation", key, KEYS, where)
    try:
        _check_value(KEYS[key][0], operator, value)
    except ValueError as error:
        raise ValueError(f"{where}: {key}{operator}{value}: {error}") from None
    return Expectation(key, operator, value, where)


def _terms(key: str, operator: str, values: str, where: str) -> list[Expectation]:
    """``>=2.4,<3`` is two expectations of one key."""
    first, *further = values.split(",")
    found = [_make(key, operator, first, where)]
    for part in further:
        again = _FURTHER.match(part)
        if not again:
            raise ValueError(f"{where}: cannot read {part!r} in {key}{operator}{values}")
        found.append(_make(key, again[1] or operator, again[2], where))
    return found


def parse(texts: Iterable[str], where: str = "--expect") -> tuple[Expectation, ...]:
    """The expectations of arguments, each ``KEY=VALUE`` or several separated by blanks.

    Raises ValueError that names what is accepted for an unknown key, a wrong comparator or a wrong value.
    """
    found: list[Expectation] = []
    for text in texts:
        for term in _AROUND.sub(r"\1", text).split():
            read = _TERM.match(term)
            if not read:
                if term in KEYS and KEYS[term][0].startswith("switch"):
                    raise ValueError(f"{where}: cannot read {term!r}: did you mean {term}=true?")
                raise ValueError(f"{where}: cannot read {term!r}: expected KEY=VALUE, with one of {' '.join(OPERATORS)} between them")
            found += _terms(read[1], read[2], read[3], where)
    return tuple(found)


def parse_table(table: Mapping[str, object], where: str) -> tuple[Expectation, ...]:
    """The expectations of a TOML table: ``gpus = 8``, ``torch = ">=2.4"``, ``nccl = true``. Raises ValueError like ``parse``."""
    found: list[Expectation] = []
    for key, value in table.items():
        if isinstance(value, bool):
            found.append(_make(key, "=", str(value).lower(), where))
        elif isinstance(value, (int, str)):
            text = "".join(str(value).split())
            with_operator = text if text[:1] and text[0] in "=<>" else f"={text}"
            read = _TERM.match(f"{key}{with_operator}")
            if not read:
                raise ValueError(f"{where}: cannot read {key} = {value!r}")
            found += _terms(read[1], read[2], read[3], where)
        else:
            raise ValueError(f"{where}: {key} = {value!r}: write a version in quotes, a whole number, true or false")
    return tuple(found)


def merge(*layers: Sequence[Expectation]) -> tuple[Expectation, ...]:
    """Expectations of several places, weakest first: a key of a stronger place replaces that key of the weaker ones."""
    merged: tuple[Expectation, ...] = ()
    for layer in layers:
        keys = {expectation.key for expectation in layer}
        merged = (*(e for e in merged if e.key not in keys), *layer)
    return merged


def _compare(operator: str, left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    if operator in ("=", "=="):
        return (left + (0,) * len(right))[: len(right)] == right
    width = max(len(left), len(right))
    left, right = left + (0,) * (width - len(left)), right + (0,) * (width - len(right))
    return {">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right}[operator]


def met(expectation: Expectation, observed: object | None) -> bool | None:
    """Whether the observed value is as expected; None where that cannot be told."""
    kind, value = KEYS[expectation.key][0], expectation.value.lower()
    if observed is None:
        return None
    if "switch" in kind and (kind == "switch" or value in ("true", "false", "yes", "no", "on", "off")):
        return bool(observed) is _SWITCH[value]
    if observed is False:
        return False
    try:
        if kind == "size":
            return int(str(observed)) >= bytes_of(expectation.value)
        if kind == "count":
            return _compare("==" if expectation.operator == "=" else expectation.operator, (int(str(observed)),), (int(value),))
        return None if observed is True else _compare(expectation.operator, version_of(str(observed)), version_of(value))
    except ValueError:
        return None


def _words(key: str, observed: object) -> str:
    if isinstance(observed, bool):
        return "yes" if observed else "no"
    if KEYS[key][0] == "size" and isinstance(observed, int):
        return f"{observed / 1e9:.1f} GB"
    return str(observed)


def _finding(expectation: Expectation, observed: object | None, source: str) -> Finding | None:
    answer = met(expectation, observed)
    if answer:
        return None
    asked = Evidence(expectation.where, expectation.text)
    if answer is None:
        return Finding(Status.ERROR, f"not known whether {expectation.text}", evidence=(asked,))
    found = _words(expectation.key, observed)
    fix = Fix(f"look at the other findings for the reason; where the machine is right, change what is expected in {expectation.where}")
    return Finding(
        Status.FAIL,
        f"expected {expectation.text}, found {found}",
        evidence=(asked, Evidence(source, f"{KEYS[expectation.key][1]}: {found}")),
        fixes=(fix,),
    )


def judge(
    expectations: Sequence[Expectation], observed: Mapping[str, object | None], sources: Mapping[str, str] | None = None
) -> CheckResult:
    """The result ``expectations``. ``observed`` has the keys of ``KEYS``; None or a missing key means not known.

    ``sources`` names where each value was read. A mismatch is a FAIL, an unknown value an ERROR.
    """
    sources = sources or {}
    found = [_finding(e, observed.get(e.key), sources.get(e.key, "facts")) for e in expectations]
    findings = tuple(finding for finding in found if finding)
    status = max((finding.status for finding in findings), default=Status.PASS)
    worst = next((finding.title for finding in findings if finding.status == status), "")
    summary = worst or f"as expected: {' '.join(e.text for e in expectations)}"
    return CheckResult(EXPECTATIONS, "TD001", "gate", status, summary, findings)
