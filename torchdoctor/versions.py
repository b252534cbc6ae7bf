"""Compare version numbers and requirements such as ``>=2.2,!=2.5.0``: the part of PEP 440 that wheels of this field use."""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"^(===|==|!=|~=|>=|<=|>|<)(.+)$")


def release(version: str) -> tuple[int, ...]:
    """The release numbers of a version: "2.13.0+cpu" and "2.13.0rc1" give (2, 13, 0)."""
    found = re.match(r"\d+(?:\.\d+)*", version.strip().lstrip("v"))
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def local(version: str) -> str:
    """The local tag: "cu128" of "2.9.1+cu128", or ""."""
    return version.partition("+")[2]


def _padded(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    width = max(len(left), len(right))
    return left + (0,) * (width - len(left)), right + (0,) * (width - len(right))


def _clause_holds(version: str, operator: str, wanted: str) -> bool:
    have, want = release(version), release(wanted)
    if wanted.endswith(".*"):
        same = have[: len(want)] == want
        return same if operator == "==" else not same
    left, right = _padded(have, want)
    if operator in ("==", "===", "!="):
        same = left == right and (not local(wanted) or local(wanted) == local(version))
        return same is (operator != "!=")
    if operator == "~=":
        return left >= right and have[: len(want) - 1] == want[:-1]
    return {">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right}[operator]


def satisfies(version: str, requirement: str) -> bool:
    """Whether a version meets every clause of a requirement; a clause that cannot be read counts as met."""
    for clause in requirement.split(","):
        found = _CLAUSE.match(clause.strip())
        if found and not _clause_holds(version, found[1], found[2].strip()):
            return False
    return True
