"""A whole run: discover, plan, supervise, judge. Nothing here knows a check or a fact by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torchdoctor.declare import Check, Probe
from torchdoctor.engine.discover import Broken, Found
from torchdoctor.engine.judge import Explain, judge
from torchdoctor.engine.launch import Pipes
from torchdoctor.engine.outcome import Outcomes
from torchdoctor.engine.plan import plan
from torchdoctor.engine.supervise import Supervisor
from torchdoctor.model import CheckResult, Finding, Status


@dataclass(frozen=True)
class Order:
    """What to examine and within which limits. ``depth`` is "quick", "default" or "full"; times are in seconds.

    options: passed to the probes that have a keyword-only parameter of that name, such as ``busy_ok``. JSON-able.
    """

    executable: str
    checks: tuple[Check, ...]
    depth: str = "default"
    deadline: float | None = None
    deadlines: Mapping[str, float] = field(default_factory=dict)
    notify: Callable[[str, str | None], None] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def opener_of(found: Found) -> Probe:
    """The probe that imports torch, which every lane that needs torch waits for."""
    return next(p for p in found.probes if p.module == "torchdoctor.probes.torch_import")


def collect(found: Found, order: Order, warm: Pipes | None = None) -> Outcomes:
    """Run the probes that the ordered checks need. ``warm`` is a worker of the patient that was started ahead."""
    probes = plan(found, order.checks, order.depth)
    supervisor = Supervisor(order.executable, probes, opener_of(found), order.deadlines, order.deadline, order.notify, warm, order.options)
    return supervisor.run()


def results_of(checks: Iterable[Check], outcomes: Outcomes, explain: Explain, broken: Iterable[Broken] = ()) -> list[CheckResult]:
    """The results of all checks, and one for each check file that could not be loaded."""
    results = [judge(check, outcomes, explain) for check in checks]
    for entry in broken:
        title = f"{entry.name} could not be loaded: {entry.error}"
        finding = Finding(Status.ERROR, title, evidence=())
        results.append(CheckResult(entry.name, "TD000", "plug-in", Status.ERROR, title, (finding,), 0.0, entry.origin))
    return results
