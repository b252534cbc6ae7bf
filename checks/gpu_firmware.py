"""GPUs of one model have the same firmware, and their inforom is valid.

Why: cards of different VBIOS behave differently under load, which shows as stragglers; a corrupt inforom, the card's small memory for its own records, means that the card
can no longer keep its error counts.
Seen as: nvidia-smi's "WARNING: infoROM is corrupted at gpu ...", one GPU slower than its siblings.
Source: gcm (vbios_mismatch), imbue-ai/cluster-health and Azure compare versions; NVIDIA/DCGM validates the inforom.
"""

from __future__ import annotations

from collections import Counter
from typing import Optional

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok, skip, warn
from torchdoctor.facts import GpuState
from torchdoctor.gpus import answering
from torchdoctor.remedy import Rung

FLASH = Fix("Bring all cards to one firmware, with the vendor's tool.", who="vendor", risk="disruptive")


@check("TD713", group="driver", crash=Status.SKIP)
def gpu_firmware(gpus: Each[GpuState]) -> Findings:
    present = answering(gpus)
    if not any(gpu.vbios or gpu.inforom_valid is not None for gpu in present):
        yield skip("no GPU here tells its firmware")
        return
    for gpu in present:
        if gpu.inforom_valid is False:
            yield fail(
                "the inforom is corrupt",
                [("nvml", "nvmlDeviceValidateInforom: corrupted")],
                [remedy.fix(Rung.INSPECT)],
                "gpu-hardware-suspect",
                gpu.subject,
            )
    for what, versions in (("VBIOS", {g.index: g.vbios for g in present}), ("inforom image", {g.index: g.inforom for g in present})):
        for model in dict.fromkeys(gpu.name for gpu in present):
            yield from _odd_ones(what, [(gpu, versions[gpu.index]) for gpu in present if gpu.name == model])
    yield ok("the firmware of GPUs of one model is the same")


def _odd_ones(what: str, cards: list[tuple[GpuState, Optional[str]]]) -> Findings:
    """Cards of one model whose version differs from that of most."""
    counts = Counter(version for _, version in cards if version)
    if len(counts) < 2:
        return
    usual = counts.most_common(1)[0][0]
    for gpu, version in cards:
        if version and version != usual:
            title = f"the {what} is {version}, its siblings have {usual}"
            yield warn(title, [("nvml", f"{what} {version}")], [FLASH], subject=gpu.subject)
