"""Each GPU uses the PCI Express lanes and the speed that card and slot have.

Why: a badly seated card, a riser or a wrong firmware setting makes a link come up narrower or slower, and every copy between host and GPU with it. An idle GPU lowers its
speed to save power, so the speed is judged only while it works; the width stays.
Seen as: slow host-to-device copies, the kernel's "limited by ... PCIe x8 link".
Source: NVIDIA/DCGM, gcm, sichek and imbue-ai/cluster-health compare with the maximum. Cards for desks often sit in narrower slots by design: there it is only said.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, info, ok, skip, warn
from torchdoctor.facts import GpuState
from torchdoctor.gpus import answering, plural
from torchdoctor.remedy import Rung


@check("TD810", group="health", crash=Status.SKIP)
def pcie_link(gpus: Each[GpuState]) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.pcie_width and gpu.pcie_width_max and gpu.virtualization != "vgpu"]
    if not judged:
        yield skip("no GPU here tells its PCI Express link")
        return
    seat = remedy.fix(
        Rung.INSPECT, ": seat the card again, look at riser, cables and the slot's settings in the machine's firmware.", who="admin"
    )
    for gpu in judged:
        width, full = gpu.pcie_width or 0, gpu.pcie_width_max or 0
        seen = [("nvml", f"x{width} of x{full}, generation {gpu.pcie_generation} of {gpu.pcie_generation_max}, {gpu.utilization} % busy")]
        if width < full and gpu.datacentre:
            yield warn(f"the PCI Express link is x{width}, the card has x{full}", seen, [seat], "pcie-link-degraded", gpu.subject)
        elif width < full:
            yield info(f"the PCI Express link is x{width}, the card has x{full}: usual where slots share lanes", seen, subject=gpu.subject)
        now, top = gpu.pcie_generation, gpu.pcie_generation_max
        if gpu.busy and now and top and now < top:
            yield warn(
                f"PCI Express generation {now} while busy, card and slot can do {top}", seen, [seat], "pcie-link-degraded", gpu.subject
            )
    busy = sum(gpu.busy for gpu in judged)
    speed = "speed judged under load" if busy == len(judged) else f"speed not judged on {plural(len(judged) - busy, 'idle GPU')}"
    yield ok(f"links are as wide as the cards; {speed}")
