"""From the samples of a sustained run to findings. Standard library only: this runs in the doctor's process."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Optional

from torchdoctor.declare import info, warn
from torchdoctor.facts import LoadSample, Rate, SustainedRun, ThroughputRun
from torchdoctor.model import Finding, Fix
from torchdoctor.work.performance_verdicts import LINK, LOOK, fix_of
from torchdoctor.work.spread import figure

THERMAL = 0x20 | 0x40  # NVML's bits: slowed down for heat, by the driver or by the hardware
POWER_CAP = 0x4  # its own power limit: normal under full load
POWER_BRAKE = 0x80  # the power supply asked for it
HARDWARE_SLOWDOWN = 0x8
DROP = 0.15  # from the first third of a run to the last from which on it is worth a warning
HOTTER = 15  # degrees above the median of the equal devices
REPLAYS = 80  # of the link, while working, from which on they are a warning (NVIDIA's DCGM)
AT_LEAST = 2  # samples that must show a thing: a single one may be a moment's
COOL = Fix(
    "Look at fans, air flow, dust, and the temperature of the room; other devices close by heat this one.", who="admin", risk="restart"
)


def speed_of(run: SustainedRun) -> ThroughputRun:
    """A sustained run as a speed that can be compared: the best sample and the usual one."""
    speeds = [sample.tflops for sample in run.samples]
    middle = statistics.median(speeds)
    rate = Rate("sustained", run.dtype, "TFLOP/s", middle, middle, len(speeds), run.size)
    return ThroughputRun(run.device, run.model, rates=(rate,))


def heat(device: str, run: SustainedRun) -> Iterator[Finding]:
    """Slowdowns that NVML gives a reason for, and temperatures at the limit."""
    hot = _with(run, THERMAL)
    braked = _with(run, POWER_BRAKE)
    slowed = [sample for sample in _with(run, HARDWARE_SLOWDOWN) if sample not in hot and sample not in braked]
    if len(hot) >= AT_LEAST or len(_over(run)) >= AT_LEAST:
        yield warn(
            f"{device} overheats: it slows down for heat while it works",
            _seen(run, hot or _over(run)),
            [COOL],
            "gpu-throttled-thermal",
            device,
        )
    elif len(braked) >= AT_LEAST:
        yield warn(
            f"{device} is slowed down by the power supply",
            _seen(run, braked),
            fix_of(device, run.model, "power"),
            "gpu-throttled-power",
            device,
        )
    elif len(slowed) >= AT_LEAST:
        yield warn(
            f"{device} is slowed down by its hardware",
            _seen(run, slowed),
            fix_of(device, run.model, "clock"),
            "gpu-throttled-power",
            device,
        )


def _with(run: SustainedRun, bits: int) -> list[LoadSample]:
    return [sample for sample in run.samples if (sample.reasons or 0) & bits]


def _over(run: SustainedRun) -> list[LoadSample]:
    limit = run.temperature_slowdown
    return [sample for sample in run.samples if limit and sample.temperature is not None and sample.temperature >= limit]


def _seen(run: SustainedRun, samples: list[LoadSample]) -> list[tuple[str, str]]:
    hottest = max((sample.temperature or 0) for sample in run.samples)
    clocks = [sample.clock_sm for sample in run.samples if sample.clock_sm]
    seen = [("nvml", f"{len(samples)} of {len(run.samples)} samples show it")]
    if hottest:
        limit = f", slowdown begins at {run.temperature_slowdown} C" if run.temperature_slowdown else ""
        seen.append(("nvml", f"temperature up to {hottest} C{limit}"))
    if clocks:
        of = f" of {run.clock_sm_max}" if run.clock_sm_max else ""
        seen.append(("nvml", f"SM clock {min(clocks)} to {max(clocks)}{of} MHz"))
    return seen


def slowdown(device: str, run: SustainedRun) -> Iterator[Finding]:
    """Speed lost on the way. Not judged on the CPU, which other programs share and whose short boost is no fault."""
    lost = drop(run)
    if device.split(":")[0] == "cpu" or lost is None or lost <= DROP:
        return
    first, last = _thirds(run)
    seen = [("torch", f"{figure(first)} TFLOP/s in the first third of {run.planned:g} s, {figure(last)} TFLOP/s in the last")]
    capped = [sample for sample in run.samples[-(len(run.samples) // 3) :] if (sample.reasons or 0) & POWER_CAP]
    if len(capped) >= AT_LEAST and not _with(run, THERMAL | POWER_BRAKE | HARDWARE_SLOWDOWN):
        yield info(f"{device} is {lost:.0%} slower once it reaches its power limit", seen, subject=device)
        return
    yield warn(f"{device} loses {lost:.0%} of its speed while it works", seen, [COOL, *fix_of(device, run.model, "clock")], None, device)


def _thirds(run: SustainedRun) -> tuple[float, float]:
    speeds = [sample.tflops for sample in run.samples]
    third = len(speeds) // 3
    return statistics.median(speeds[:third]), statistics.median(speeds[-third:])


def drop(run: SustainedRun) -> Optional[float]:
    """The share of its first speed that a device has lost in the end; None where there are too few samples."""
    if len(run.samples) < 6:
        return None
    first, last = _thirds(run)
    return 1.0 - last / first if first > 0 else None


def link_errors(device: str, run: SustainedRun) -> Iterator[Finding]:
    """Repeated transfers of the link, counted while working."""
    if run.replays:
        speak = warn if run.replays > REPLAYS else info
        seen = [("nvml", f"{run.replays} replays in {run.seconds:.0f} s")]
        yield speak(f"{device}: its PCI Express link repeats transfers", seen, [LINK], "pcie-link-degraded", device)


def hotter_than_equals(runs: Mapping[str, SustainedRun]) -> Iterator[Finding]:
    """Devices that are much hotter than their equals beside them."""
    hottest = {
        device: max(sample.temperature or 0 for sample in run.samples)
        for device, run in runs.items()
        if any(sample.temperature for sample in run.samples)
    }
    for device, degrees in hottest.items():
        others = [value for name, value in hottest.items() if name != device and runs[name].model == runs[device].model]
        if others and degrees > statistics.median(others) + HOTTER:
            seen = [("nvml", f"{degrees} C under load, the median of its equals is {statistics.median(others):g} C")]
            yield warn(
                f"{device} is much hotter than the equal devices of this machine", seen, [COOL, LOOK], "gpu-throttled-thermal", device
            )


def load_words(runs: Mapping[str, SustainedRun]) -> list[str]:
    """One sentence for each device."""
    words = []
    for device, run in runs.items():
        if run.not_run:
            words.append(f"{device} not run: {run.not_run}")
            continue
        if not run.samples:
            continue
        speed = statistics.median(sample.tflops for sample in run.samples)
        hottest = max((sample.temperature or 0) for sample in run.samples)
        watched = f", up to {hottest} C" if hottest else ""
        words.append(f"{device} {figure(speed)} TFLOP/s in {run.dtype} for {run.planned:g} s{watched}")
    return words
