"""Put a run together: what to examine, the probes, the judgement, and the report. Knows every part; no part knows it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchdoctor import __version__
from torchdoctor.cli.ahead import stop
from torchdoctor.config import Config
from torchdoctor.engine import launch, patient
from torchdoctor.model import CheckResult, Fix, Patient, Report

if TYPE_CHECKING:
    from torchdoctor.engine.outcome import Outcomes


@dataclass(frozen=True)
class Request:
    """What the command line asks for. ``depth`` is "quick", "default" or "full"; ``warm`` already imports torch."""

    config: Config
    chosen: patient.Chosen
    warm: launch.Pipes | None = None
    depth: str = "default"
    facts: Path | None = None
    folders: tuple[Path, ...] = ()
    notify: Callable[[str, str | None], None] | None = None
    busy_ok: bool = False
    snapshot: Path | None = None
    save_snapshot: Path | None = None
    redact: bool = False


def explain(text: str, machine: Mapping[str, Any] | None = None) -> tuple[str | None, str, tuple[Fix, ...]]:
    """The catalogue's word on what a dead worker wrote: cause, title and fixes; nothing where it knows none.

    machine: what was known of the machine that a snapshot comes from; default: this one.
    """
    from torchdoctor.diagnose.answer import diagnose
    from torchdoctor.diagnose.facts import contradictions, gather, merged, of_this_machine
    from torchdoctor.diagnose.read import read_text

    try:
        log = read_text(text)
        situation, notes = gather(log, None, local=False)
        here = of_this_machine() if machine is None else machine
        if not contradictions(situation, here):
            situation = merged(situation, here, "machine")
        found = diagnose(log, situation, notes).diagnoses
    except Exception:  # the finding stands by itself; a mistake in the catalogue must not take it away
        return None, "", ()
    if not found or found[0].consequence:
        return None, "", ()
    return found[0].cause, found[0].title, found[0].fixes


def _observed_place(facts: Mapping[str, Any]) -> list[str]:
    """In words, what the real work ran on."""
    devices = facts.get("Devices", {}).get("devices", [])
    models: dict[str, int] = {}
    for device in devices:
        if device["kind"] != "cpu":
            name = device.get("model") or device["name"]
            models[name] = models.get(name, 0) + 1
    accelerators = [f"{count} x {name}" if count > 1 else str(name) for name, count in models.items()]
    return [*accelerators, "the CPU"] if any(d["kind"] == "cpu" for d in devices) else accelerators


def examine(request: Request) -> Report:
    """Run what was asked for and report it. Ends the worker that was started ahead, whatever happens.

    Raises ConfigError, PlanError, FileNotFoundError or ValueError for what is wrong in the request.
    """
    started, clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), time.monotonic()
    try:
        return _examine(request, request.chosen, request.warm, started, clock)
    finally:
        stop(request.warm)


def _examine(request: Request, chosen: patient.Chosen, warm: launch.Pipes | None, started: str, clock: float) -> Report:
    from torchdoctor import expect, gate, summary
    from torchdoctor.engine.discover import discover, forbid_torch
    from torchdoctor.engine.plan import mark_left_out
    from torchdoctor.engine.run import Order, collect, results_of
    from torchdoctor.engine.select import apply_ignores, expired_ignores, select
    from torchdoctor.observed import SOURCES, observe

    config = request.config
    forbid_torch()
    found = discover([*request.folders, *([config.checks_dir] if config.checks_dir else [])])
    config.check_names(found.checks, [p.name for p in found.probes])
    selection = select(found.checks, config.select, config.ignore)
    examined, machine = Patient(chosen.executable, chosen.why), None
    if request.facts is not None:
        outcomes = _recorded(request.facts)
    elif request.snapshot is not None:
        from torchdoctor.cli import snapshot

        recorded = snapshot.load(request.snapshot)
        outcomes, examined, machine = recorded.outcomes, recorded.patient, recorded.machine
    else:
        needed = _needed_by_expectations(found.checks, config) if config.expect else ()
        order = Order(
            chosen.executable,
            (*selection.checks, *needed),
            request.depth,
            config.deadline,
            config.deadlines,
            request.notify,
            _options(request),
        )
        outcomes = collect(found, order, warm)
    if request.save_snapshot is not None:
        _save(request, outcomes, examined, started)
    _override_limits(outcomes, config.thresholds)
    mark_left_out(found, selection.checks, request.depth, outcomes)
    facts = outcomes.facts()
    accelerators = [words for words in _observed_place(facts) if words != "the CPU"]
    if accelerators:
        facts["machine"] = ", ".join(accelerators)
    results = results_of(selection.checks, outcomes, lambda text: explain(text, machine), found.broken)
    if config.expect:
        results.insert(0, expect.judge(config.expect, observe(facts), SOURCES))
    filtered = apply_ignores(results, config.ignore, ignored=selection.ignored)
    expired = expired_ignores(config.ignore)
    final = (*filtered.results, *([expired] if expired else []))
    required = {*config.require, *(c.name for c in selection.checks if config.select)}
    verdict, code = gate.verdict(final, config.fail_on, required)
    imported = facts.get("TorchImport", {})
    return Report(
        version=__version__,
        started=started,
        seconds=time.monotonic() - clock,
        verdict=verdict,
        summary=summary.summarise(final, _observed_place(facts)) + (" (interrupted)" if outcomes.interrupted else ""),
        exit_code=gate.EXIT_INTERRUPTED if outcomes.interrupted else code,
        patient=Patient(examined.executable, examined.chosen, outcomes.patient.get("python"), imported.get("version")),
        facts=facts,
        results=final,
        notes=(*filtered.notes, *outcomes.notes, *_node_note(final)),
    )


def _save(request: Request, outcomes: Outcomes, examined: Patient, started: str) -> None:
    """Write the snapshot that was asked for. Raises ValueError where that does not work."""
    from torchdoctor.cli import snapshot
    from torchdoctor.codec import to_json
    from torchdoctor.diagnose.facts import of_this_machine
    from torchdoctor.report.redact import for_this_machine

    assert request.save_snapshot is not None
    taken = snapshot.Snapshot(outcomes, examined, started, to_json(of_this_machine()))
    try:
        snapshot.save(request.save_snapshot, taken, for_this_machine() if request.redact else None)
    except OSError as error:
        raise ValueError(f"the snapshot could not be written: {error}") from None


def _override_limits(outcomes: Outcomes, limits: Mapping[str, float]) -> None:
    """Put the configured limits over those of the table, in the fact that checks judge by."""
    read = outcomes.of("Thresholds").get(None)
    if limits and read is not None and read.state == "ok":
        outcomes.add("Thresholds", dataclasses.replace(read, fact={"limits": {**read.fact["limits"], **limits}}))


def _node_note(results: Iterable[CheckResult]) -> tuple[str, ...]:
    """What the GPUs of this machine need as a whole."""
    from torchdoctor.remedy import node_action

    action = node_action(results)
    return (f"what the GPUs of this machine need: {action}",) if action else ()


def _options(request: Request) -> dict[str, Any]:
    """What probes may be told. ``pynvml``: where the doctor's own binding is, for a patient that has none."""
    if request.depth != "full":
        return {}
    import importlib.util

    binding = importlib.util.find_spec("pynvml")
    return {"busy_ok": request.busy_ok, "pynvml": binding.origin if binding else None}


def _needed_by_expectations(checks: list[Any], config: Config) -> tuple[Any, ...]:
    """Checks whose facts an expectation is judged by, so that ``run host --expect cuda=true`` looks at CUDA as well."""
    wanted = {
        "Devices",
        "TorchBuild",
        "TorchImport",
        "DtypeRuns",
        "DistributedBuild",
        "Resources",
        "Disks",
        "NvidiaDriver",
        "PythonEnv",
        "LaunchEnv",
    }
    return tuple(c for c in checks if any(need.fact.__name__ in wanted for need in c.needs.values()))


def _recorded(path: Path) -> Any:
    """The outcomes that a report's facts amount to, to be judged again on any machine.

    Raises ValueError for a file that is no report.
    """
    from torchdoctor.engine.outcome import Outcome, Outcomes
    from torchdoctor.report.json_report import load

    report = load(path)
    outcomes = Outcomes(patient={"python": report.patient.python or "", "executable": report.patient.executable})
    for name, fact in report.facts.items():
        if not isinstance(fact, Mapping):
            continue
        if fact and all(_is_subject(key) for key in fact):
            for subject, value in fact.items():
                outcomes.add(name, Outcome(name, "recorded", subject, "ok", fact=value))
        else:
            outcomes.add(name, Outcome(name, "recorded", None, "ok", fact=fact))
    return outcomes


def _is_subject(key: str) -> bool:
    return key == "cpu" or key == "mps" or ":" in key
