"""Which probes the selected checks need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torchdoctor.declare import Check, Probe
from torchdoctor.engine.discover import Found


class PlanError(ValueError):
    """A check asks for a fact that no probe reads."""


def _readers(probes: Iterable[Probe]) -> dict[Any, Probe]:
    return {probe.fact: probe for probe in probes}


def plan(found: Found, checks: Iterable[Check], depth: str) -> list[Probe]:
    """The probes that these checks need, in a stable order. ``depth`` is "quick", "default" or "full".

    Raises PlanError where a check needs a fact that nothing reads.
    """
    readers = _readers(found.probes)
    wanted: dict[str, Probe] = {}

    def want(fact: Any, by: str) -> None:
        if fact not in readers:
            raise PlanError(f"{by} needs {getattr(fact, '__name__', fact)}, and no probe reads that")
        probe = readers[fact]
        if (probe.full and depth != "full") or (not probe.quick and depth == "quick"):
            return
        wanted[probe.name] = probe
        if probe.each is not None:
            want(probe.each, probe.name)

    for check in checks:
        for need in check.needs.values():
            want(need.fact, check.name)
    return [probe for probe in found.probes if probe.name in wanted]
