"""PCI Express transfers seldom have to be repeated.

Why: a damaged packet is sent again, which the GPU counts. A few over days are ordinary, many mean a bad contact, riser or cable; then transfers are slow, and in the end the GPU is lost.
Seen as: "AER: Corrected error received", "PCIe Bus Error: severity=Corrected", slow copies on one GPU.
Thresholds: 80 (NVIDIA/DCGM allows as many during its test).
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, info, ok, skip, warn
from torchdoctor.facts import GpuState, Thresholds
from torchdoctor.gpus import answering, plural
from torchdoctor.remedy import Rung


@check("TD811", group="health", crash=Status.SKIP)
def pcie_replays(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.pcie_replays is not None]
    if not judged:
        yield skip("no GPU here counts PCI Express replays")
        return
    for gpu in judged:
        count = gpu.pcie_replays or 0
        seen = [("nvml", f"{count} replays since the driver was loaded")]
        if count > thresholds.general("pcie-replays"):
            seat = remedy.fix(
                Rung.INSPECT, ": seat the card again, look at riser and cables; compare the count before and after some work.", who="admin"
            )
            yield warn(f"{count} PCI Express replays", seen, [seat], "pcie-link-degraded", gpu.subject)
        elif count:
            yield info(f"{plural(count, 'PCI Express replay')}", seen, subject=gpu.subject)
    yield ok("no PCI Express replays")
