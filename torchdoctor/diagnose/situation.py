"""The facts a diagnosis may use: of the text first, then of a report, then of this machine.

Conditions such as ``"os=macos"`` or ``"os=linux torch_build!=cpu world_size>1"`` are judged against them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Optional


@dataclass(frozen=True)
class Situation:
    """What is known about the failing machine; None where nothing is known. Versions are strings such as ``"2.4.1"``."""

    os: Optional[str] = None  # linux, macos, windows
    wsl: Optional[bool] = None
    arch: Optional[str] = None  # x86_64, arm64, aarch64
    container: Optional[bool] = None
    notebook: Optional[bool] = None
    slurm: Optional[bool] = None
    python: Optional[str] = None
    torch: Optional[str] = None
    torch_build: Optional[str] = None  # cpu, cuda, rocm, xpu, macos
    cuda: Optional[str] = None  # the CUDA version torch was built with
    driver: Optional[str] = None
    gpu: Optional[str] = None  # its name; "none" where it is known that there is none
    capability: Optional[str] = None  # compute capability, such as "8.6"
    world_size: Optional[int] = None
    ranks_seen: Optional[int] = None
    installer: Optional[str] = None  # pip, uv, conda, poetry
    transformers: Optional[str] = None
    sources: Mapping[str, str] = field(default_factory=dict)  # field -> text, report, machine


FIELDS = frozenset(f.name for f in fields(Situation)) - {"sources"}
_TERM = re.compile(r"^(\w+)(!=|>=|<=|=|>|<)(.+)$")


def _number(value: object) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", str(value).split("+")[0]))


def holds(condition: str, situation: Situation) -> bool:
    """Whether every term of the condition holds; a term about something unknown does not, except ``x!=y``.

    Raises ValueError for a term that cannot be read or names no field.
    """
    for term in condition.split():
        found = _TERM.match(term)
        if not found or found[1] not in FIELDS:
            raise ValueError(f"cannot read the condition {term!r}: expected FIELD=VALUE with a field of {sorted(FIELDS)}")
        name, operator, wanted = found.groups()
        value = getattr(situation, name)
        if value is None:
            if operator == "!=":
                continue
            return False
        if operator in ("=", "!="):
            text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
            same = text.lower() in wanted.lower().split("|")
            if same is (operator == "!="):
                return False
            continue
        left, right = _number(value), _number(wanted)
        width = max(len(left), len(right))
        left += (0,) * (width - len(left))
        right += (0,) * (width - len(right))
        if not {">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right}[operator]:
            return False
    return True
