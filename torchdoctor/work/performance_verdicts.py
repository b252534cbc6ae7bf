"""From measured speeds to findings. Standard library only: this runs in the doctor's process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

from torchdoctor.declare import ok, skip, warn
from torchdoctor.facts import Rate, ThroughputRun
from torchdoctor.model import Finding, Fix
from torchdoctor.work.peaks import FLOOR, MEMORY_FLOOR, Peak, peak_of
from torchdoctor.work.spread import WARN, Measured, figure, slow
from torchdoctor.work.verdicts import failed_work

LOOK = Fix(
    "Look at this GPU while it works: its clocks, its power limit, its temperature, and whether something else uses it.",
    ("nvidia-smi -q -d CLOCK,POWER,TEMPERATURE,PERFORMANCE",),
    who="admin",
)
LINK = Fix(
    "Look at the link under load: generation and width, riser, seating, BIOS settings.",
    ("nvidia-smi --query-gpu=index,pcie.link.gen.current,pcie.link.gen.max,pcie.link.width.current,pcie.link.width.max --format=csv",),
    who="admin",
    risk="disruptive",
)


def fix_of(device: str, model: Optional[str], name: str) -> list[Fix]:
    """What to look at; the commands are NVIDIA's, and AMD's devices are named ``cuda`` too."""
    if not device.startswith("cuda") or "AMD" in (model or ""):
        return []
    return [LINK] if "host" in name else [LOOK]


def troubled(device: str, rates: Iterable[Rate]) -> Iterator[Finding]:
    """Measurements that an exception ended."""
    for rate in rates:
        yield from failed_work(device, rate.failure, rate.key)


def slower_than_equals(
    runs: Mapping[str, ThroughputRun], names: tuple[str, ...], cause: Optional[str] = None, normal: float = WARN
) -> Iterator[Finding]:
    """One finding for each device that is behind its equals by more than ``normal``, with every measurement in which it is."""
    found: dict[str, list[tuple[float, str, str]]] = {}
    keys = {rate.key: rate.unit for run in runs.values() for rate in run.rates if rate.name in names}
    for key, unit in keys.items():
        measured = {
            device: Measured(run.model, rate.best, rate.typical, rate.size)
            for device, run in runs.items()
            for rate in run.rates
            if rate.key == key and rate.best
        }
        for one in slow(measured, normal):
            seen = f"{key}: {figure(one.best)} {unit}, the median of its equals is {figure(one.others)} {unit}"
            found.setdefault(one.device, []).append((one.lacking, key, f"{seen} (normal is up to {one.limit:.0%} less)"))
    for device, behind in found.items():
        lacking, key, _ = max(behind)
        title = f"{device} is {lacking:.0%} slower than the equal devices of this machine ({key})"
        yield warn(title, [("torch", text) for _, _, text in behind], fix_of(device, runs[device].model, key), cause, device)


def slower_than_known(device: str, run: ThroughputRun) -> Iterator[Finding]:
    """Products in bfloat16 below what a model reached elsewhere."""
    peak = peak_of(run.model)
    rate = _rate(run, "matmul bfloat16")
    if peak is None or not peak.judged or not peak.measured_bfloat16 or not rate or not rate.best:
        return
    if rate.best < FLOOR * peak.measured_bfloat16:
        seen = [
            ("torch", f"matmul bfloat16: {figure(rate.best)} TFLOP/s, {rate.best / peak.measured_bfloat16:.0%} of the expected"),
            (f"table of {peak.date}", f"{peak.model}: {figure(peak.measured_bfloat16)} TFLOP/s reached ({peak.source})"),
        ]
        yield warn(f"{device} multiplies slower than a {peak.model} should", seen, fix_of(device, run.model, "matmul"), None, device)


def memory_below_sheet(device: str, run: ThroughputRun) -> Iterator[Finding]:
    """Memory bandwidth far below the data sheet's."""
    peak = peak_of(run.model)
    speeds = [rate.best for rate in run.rates if rate.name in ("copy", "triad") and rate.best]
    if peak is None or not peak.judged or not peak.memory or not speeds or max(speeds) >= MEMORY_FLOOR * peak.memory:
        return
    seen = [
        ("torch", f"{figure(max(speeds))} GB/s"),
        (f"table of {peak.date}", f"{peak.model}: {figure(peak.memory)} GB/s ({peak.source})"),
    ]
    yield warn(f"{device}: memory is slower than a {peak.model}'s should be", seen, fix_of(device, run.model, "memory"), None, device)


def host_below_known(device: str, run: ThroughputRun) -> Iterator[Finding]:
    """Pinned transfers below a cloud provider's limit for this model."""
    peak = peak_of(run.model)
    if peak is None or not peak.judged or not peak.host:
        return
    for name in ("host-to-device", "device-to-host"):
        rate = _rate(run, f"{name} pinned")
        if rate is not None and rate.best and rate.best < peak.host:
            seen = [
                ("torch", f"{rate.key}: {figure(rate.best)} GB/s"),
                (f"table of {peak.date}", f"{peak.model}: {figure(peak.host)} GB/s"),
            ]
            yield warn(
                f"{device}: {name} transfers are slower than a {peak.model}'s should be",
                seen,
                fix_of(device, run.model, "host"),
                "pcie-link-degraded",
                device,
            )


def _rate(run: ThroughputRun, key: str) -> Optional[Rate]:
    return next((rate for rate in run.rates if rate.key == key), None)


def not_measured(runs: Mapping[str, Any]) -> Iterator[Finding]:
    """A skip for each device that was left out: shown where nothing else is said."""
    for device, run in runs.items():
        if run.not_run:
            yield skip(f"{device} not run: {run.not_run}")


def summary(runs: Mapping[str, ThroughputRun], names: tuple[str, ...]) -> Iterator[Finding]:
    """What was measured, where anything was."""
    if any(rate.best for run in runs.values() for rate in run.rates if rate.name in names):
        yield ok(measured_words(runs, names))


def measured_words(runs: Mapping[str, ThroughputRun], names: tuple[str, ...]) -> str:
    """All devices in one line: the best figure of each, as a share of its peak where that is known."""
    words = []
    for device, run in runs.items():
        if run.not_run:
            words.append(f"{device} not run: {run.not_run}")
            continue
        rates = [rate for rate in run.rates if rate.name in names and rate.best]
        if rates:
            best = max(rates, key=lambda rate: rate.best or 0.0)
            words.append(f"{device} {figure(best.best or 0.0)} {best.unit} ({best.key}{share(peak_of(run.model), best, device)})")
    return "; ".join(words)


def share(peak: Optional[Peak], rate: Rate, device: str) -> str:
    """A rate as a share of the model's peak, in words; the CPU has no model, and unknown models are said to be."""
    if device == "cpu" or rate.name not in ("matmul", "copy", "triad"):
        return ""
    if peak is None:
        return ", no table for this model"
    top = peak.memory if rate.name != "matmul" else peak.figures.get(rate.variant)
    return f", {(rate.best or 0.0) / top:.0%} of the {peak.model}'s peak" if top else ""
