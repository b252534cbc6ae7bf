"""ECC is on where the GPU has it for servers, and no change of it is waiting.

Why: without ECC a flipped bit in memory goes unnoticed into the weights. A changed setting takes effect only after a reboot, so that siblings may run differently until then.
Seen as: "Volatile Uncorr. ECC: N/A" on a card that has ECC, one GPU with more memory than its siblings.
Source: NVIDIA/DCGM, DCGM_FR_ECC_DISABLED and DCGM_FR_ECC_PENDING; gpud.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Fix, Status, check, info, ok, skip, warn
from torchdoctor.facts import GpuState
from torchdoctor.gpus import answering
from torchdoctor.remedy import Rung

TURN_ON = Fix("Turn ECC on and reboot.", ("sudo nvidia-smi -e 1", "sudo reboot"), who="admin", risk="disruptive")


@check("TD803", group="health", crash=Status.SKIP)
def ecc_mode(gpus: Each[GpuState]) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.errors.ecc is not None]
    if not judged:
        yield skip("no GPU here has ECC that can be switched")
        return
    for gpu in judged:
        now, pending = gpu.errors.ecc, gpu.errors.ecc_pending
        seen = [("nvml", f"ECC {'on' if now else 'off'}, after the next reboot {'on' if pending else 'off'}")]
        if pending is not None and now != pending:
            yield warn(f"ECC will be {'on' if pending else 'off'} after a reboot", seen, [remedy.fix(Rung.REBOOT)], subject=gpu.subject)
        elif not now and gpu.datacentre:
            yield warn("ECC is off: flipped bits in memory go unnoticed", seen, [TURN_ON], subject=gpu.subject)
        elif not now:
            yield info("ECC is off, as it usually is on this kind of card", seen, subject=gpu.subject)
    yield ok("ECC is on")
