"""GPUs and their memory are below their own temperature limits.

Why: near its limit a GPU lowers its clocks, above it it switches off. The limits differ from card to card, so each is held against its own, as its driver tells them.
Seen as: slow training on one GPU, "HW Thermal Slowdown : Active", a GPU that vanishes under load.
Thresholds: a warning from 5 degrees below the slowdown temperature (gpud's notes; its own default is 0), a failure at it; memory at its own maximum (gpud). Fixed numbers such as
sichek's 75 do not travel between models.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok, skip, warn
from torchdoctor.facts import GpuState, Thresholds
from torchdoctor.gpus import answering

COOL = Fix(
    "Look after the cooling: fans, filters, airflow between the cards, temperature of the incoming air.",
    ("nvidia-smi -q -d TEMPERATURE",),
    who="admin",
)


@check("TD806", group="health", crash=Status.SKIP)
def gpu_temperature(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.temperature is not None and _limit(gpu) is not None]
    if not judged:
        yield skip("no GPU here tells its temperature and its limit")
        return
    for gpu in judged:
        yield from _judge(gpu, thresholds.general("temperature-margin"))
    hottest = max(judged, key=lambda gpu: gpu.temperature or 0)
    yield ok(
        f"at most {hottest.temperature} C, slowdown at {_limit(hottest)} C"
        + ("" if any(gpu.busy for gpu in judged) else "; judged idle, not under load")
    )


def _limit(gpu: GpuState) -> int | None:
    """The temperature at which the clocks go down. Newer cards tell the distance to it instead."""
    if gpu.temperature_slowdown:
        return gpu.temperature_slowdown
    if gpu.temperature is not None and gpu.temperature_margin is not None:
        return gpu.temperature + gpu.temperature_margin
    return None


def _judge(gpu: GpuState, margin: float) -> Findings:
    limit, now = _limit(gpu) or 0, gpu.temperature or 0
    seen = [("nvml", f"{now} C; slowdown at {limit} C, shutdown at {gpu.temperature_shutdown} C")]
    if now >= limit:
        yield fail(f"{now} C, at its slowdown temperature of {limit} C", seen, [COOL], "gpu-throttled-thermal", gpu.subject)
    elif now >= limit - margin:
        yield warn(f"{now} C, close to its slowdown temperature of {limit} C", seen, [COOL], "gpu-throttled-thermal", gpu.subject)
    memory, top = gpu.memory_temperature, gpu.memory_temperature_max
    if memory and top and memory > top:
        yield fail(
            f"memory at {memory} C, above its maximum of {top} C",
            [("nvml", f"memory {memory} C")],
            [COOL],
            "gpu-throttled-thermal",
            gpu.subject,
        )
