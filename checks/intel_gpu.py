"""Intel GPUs: their driver runs and this user may use them.

Why: XPU builds of torch open a file in /dev/dri for each GPU, which belongs to the group render. Most Intel GPUs are small ones inside a processor that nobody trains on, so this
check only says what is there; an XPU build that finds no device is judged by other-backends.
Seen as: torch.xpu.is_available() is False, "XPU device count is zero".
Source: PyTorch, getting started on Intel GPU.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, info, ok, skip
from torchdoctor.facts import Host, SysfsGpus

GROUP = Fix("Add the user to the group render, then log in again.", ("sudo usermod -aG render $USER",), who="admin")


@check("TD722", group="driver")
def intel_gpu(sysfs: SysfsGpus, host: Host) -> Findings:
    cards = sysfs.of("intel")
    if not cards:
        yield skip("no Intel GPU here" if sysfs.known else f"Intel GPUs are read from /sys, which {host.system} does not have")
        return
    for gpu in cards:
        if gpu.render_usable is False:
            seen = [(gpu.render_node or "/dev/dri", "no access")]
            yield info("an Intel GPU that this user may not use", seen, [GROUP], subject=f"pci:{gpu.slot}")
    yield ok(", ".join(f"{gpu.slot} ({gpu.driver})" for gpu in cards))
