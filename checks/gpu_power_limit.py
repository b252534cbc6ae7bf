"""The power limit of each GPU is at least the card's default.

Why: a lowered limit lowers the clocks under load, and one lowered card makes all ranks of a job wait. Laptops move the limit by themselves.
Seen as: one rank slower than the others, "SW Power Cap : Active" all the time, less power than siblings draw.
Source: NVIDIA/DCGM, DCGM_FR_ENFORCED_POWER_LIMIT (a configuration).
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, ok, skip, warn
from torchdoctor.facts import GpuState, Thresholds
from torchdoctor.gpus import answering, portable


@check("TD808", group="health", crash=Status.SKIP)
def gpu_power_limit(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.power_limit and gpu.power_default and not portable(gpu)]
    if not judged:
        yield skip("no GPU here tells its power limit and its default, or it moves by itself")
        return
    share = thresholds.general("power-limit-share")
    for gpu in judged:
        limit, default = gpu.power_limit or 0.0, gpu.power_default or 0.0
        if limit < share * default - 0.5:
            seen = [("nvml", f"enforced {limit:g} W, default {default:g} W")]
            fix = Fix(
                "Set the default power limit, unless someone lowered it on purpose.", (f"sudo nvidia-smi -pl {default:.0f}",), who="admin"
            )
            yield warn(
                f"the power limit is {limit:g} W, {limit / default:.0%} of the card's default",
                seen,
                [fix],
                "gpu-throttled-power",
                gpu.subject,
            )
    yield ok("power limits are the cards' defaults")
