"""Which probes the selected checks need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torchdoctor.declare import Check, Probe
from torchdoctor.engine.discover import Found
from torchdoctor.engine.outcome import Outcome, Outcomes


class PlanError(ValueError):
    """A check asks for a fact that no probe reads."""


def _readers(probes: Iterable[Probe]) -> dict[Any, Probe]:
    return {probe.fact: probe for probe in probes}


def left_out(probe: Probe, depth: str) -> str:
    """Why a probe does not run at this depth ("quick", "default" or "full"); empty where it does."""
    if probe.full and depth != "full":
        return "runs with --full only"
    return "left out by --quick" if not probe.quick and depth == "quick" else ""


def mark_left_out(found: Found, checks: Iterable[Check], depth: str, outcomes: Outcomes) -> None:
    """Record for each fact that was left out on purpose why it is missing, so that its checks can say so."""
    readers = _readers(found.probes)
    for check in checks:
        for need in check.needs.values():
            probe = readers.get(need.fact)
            why = left_out(probe, depth) if probe else ""
            if probe and why and not outcomes.of(need.fact.__name__):
                outcomes.add(need.fact.__name__, Outcome(probe.name, probe.lane, None, "not-run", detail=why))


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
        if left_out(probe, depth):
            return
        wanted[probe.name] = probe
        if probe.each is not None:
            want(probe.each, probe.name)

    for check in checks:
        for need in check.needs.values():
            want(need.fact, check.name)
    return [probe for probe in found.probes if probe.name in wanted]
