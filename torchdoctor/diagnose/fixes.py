"""Choose and write out the fixes of a cause: by the situation, with names filled in, for the package manager in use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from torchdoctor.diagnose.situation import FIELDS, Situation, holds
from torchdoctor.model import Fix
from torchdoctor.template import Unfilled, fill

_SQUEEZE = re.compile(r"\s+")
MAX_VALUE = 200
"""Characters of a value from the text that are put into a sentence; a command takes it only where it is plain."""


def values_of(groups: Mapping[str, str], situation: Situation) -> dict[str, str]:
    """What placeholders may name: the groups of the sign that matched, then the situation."""
    values: dict[str, str] = {}
    for name in FIELDS:
        value = getattr(situation, name)
        if value is not None and not isinstance(value, bool):
            values[name] = str(value)
    values.update({name: _SQUEEZE.sub(" ", value).strip()[:MAX_VALUE] for name, value in groups.items() if value.strip()})
    return values


def choose(fixes: Iterable[Fix], values: Mapping[str, str], situation: Situation) -> tuple[Fix, ...]:
    """The fixes that apply, best first: those that name this situation, then those that are always right.

    A fix whose placeholder stays empty is not offered; neither is the same fix twice.
    """
    kept: list[Fix] = []
    for fix in fixes:
        if fix.when and not holds(fix.when, situation):
            continue
        try:
            filled = Fix(
                do=" ".join(fill(fix.do, values).split()),
                commands=tuple(for_installer(fill(command, values, plain=True), situation) for command in fix.commands),
                who=fix.who,
                risk=fix.risk,
                code=None if fix.code is None else fill(fix.code, values),
                when=fix.when,
            )
        except Unfilled:
            continue
        if not any(other.do == filled.do for other in kept):
            kept.append(filled)
    return tuple(kept)


_REWRITES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "uv": (
        ("python -m pip install ", "uv pip install "),
        ("pip install ", "uv pip install "),
        ("pip uninstall -y ", "uv pip uninstall "),
        ("pip uninstall ", "uv pip uninstall "),
        ("pip show ", "uv pip show "),
        ("pip list", "uv pip list"),
        ("pip freeze", "uv pip freeze"),
        ("pip check", "uv pip check"),
    ),
    "conda": (("pip ", "python -m pip "),),
    "poetry": (("pip ", "poetry run pip "),),
}
"""Beginnings of a command and what the same is called for another installer. Nothing else is rewritten."""
_PIP_ONLY = (
    "--user",
    "--break-system-packages",
    "--no-cache-dir",
    "--ignore-installed",
    "--use-pep517",
    "--no-use-pep517",
    "--global-option",
)


def for_installer(command: str, situation: Situation) -> str:
    """The command for the installer of the situation, where the table knows a safe rewriting."""
    for begin, instead in _REWRITES.get(situation.installer or "", ()):
        if command.startswith(begin):
            if situation.installer == "uv" and any(option in command.split() for option in _PIP_ONLY):
                return command
            return instead + command[len(begin) :]
    return command


def with_code(fix: Fix, code: str) -> Fix:
    """The fix with this code."""
    return replace(fix, code=code)
