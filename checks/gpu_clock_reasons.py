"""Nothing that matters holds a GPU's clocks down.

Why: the driver says why the clocks are not at their maximum. An idle GPU, clocks set by the user and the power limit under full load are ordinary; heat and the power brake are not:
then the hardware protects itself.
Seen as: one rank slower than the others, "HW Slowdown : Active", "SW Power Cap : Active".
Source: clock event reasons of NVML; classes as in Azure's and gpud's checks. One look is one moment: with --full the GPU is watched under load.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, info, ok, skip, warn
from torchdoctor.facts import GpuState
from torchdoctor.gpu_tables import clock_reasons
from torchdoctor.gpus import answering, portable

COOL = Fix(
    "Look after the cooling: fans, filters, airflow, temperature of the incoming air.",
    ("nvidia-smi -q -d PERFORMANCE,TEMPERATURE",),
    who="admin",
)
POWER = Fix(
    "Check power supplies, their cables, and the power budget of the chassis.", ("nvidia-smi -q -d PERFORMANCE,POWER",), who="admin"
)
CLOCKS = Fix("Return to the card's own clocks.", ("sudo nvidia-smi -rgc", "sudo nvidia-smi -rac"), who="admin")


@check("TD807", group="health", crash=Status.SKIP)
def gpu_clock_reasons(gpus: Each[GpuState]) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.clock_reasons is not None]
    if not judged:
        yield skip("no GPU here says what holds its clocks")
        return
    for gpu in judged:
        yield from _judge(gpu)
    yield ok("nothing unusual holds the clocks down" + ("" if any(gpu.busy for gpu in judged) else "; judged idle, not under load"))


def _judge(gpu: GpuState) -> Findings:
    bits = gpu.clock_reasons or 0
    active = {reason.kind: reason for reason in clock_reasons() if bits & reason.bit}
    seen = [("nvml", f"clock event reasons {bits:#x}: " + (", ".join(reason.name for reason in active.values()) or "none"))]
    if "hardware-thermal" in active:
        yield fail("the hardware slows the clocks down because of heat", seen, [COOL], "gpu-throttled-thermal", gpu.subject)
    elif "hardware-power" in active:
        yield fail(
            "the power supply makes the hardware slow the clocks down (power brake)", seen, [POWER], "gpu-throttled-power", gpu.subject
        )
    elif "hardware" in active:
        # On a battery or a weak charger a laptop does this by design.
        say = info if portable(gpu) else fail
        yield say("the hardware slows the clocks down (heat, or power supply)", seen, [COOL, POWER], "gpu-throttled-thermal", gpu.subject)
    elif "thermal" in active:
        yield warn("the driver slows the clocks down because of heat", seen, [COOL], "gpu-throttled-thermal", gpu.subject)
    elif "power" in active:
        yield info("the GPU works at its power limit, which is ordinary under full load", seen, subject=gpu.subject)
    if "config" in active and gpu.clock_sm is not None and gpu.busy:
        yield info("the clocks were set by hand or by an administrator", seen, [CLOCKS], subject=gpu.subject)
