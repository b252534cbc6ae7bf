"""The PCI bus and the driver count the same GPUs.

Why: a GPU that is on the bus but not in the driver has failed to start or fell off the bus.
Seen as: seven GPUs of eight, "invalid device ordinal", world sizes that do not fit.
Source: gpu-count checks of Azure, gcm, sichek and DCGM compare with an expected number; this one needs none. Expect one with --expect gpus=8.
"""

from __future__ import annotations

from typing import Optional

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, fail, info, ok, skip
from torchdoctor.facts import Bus, GpuState, Host, NvidiaDriver
from torchdoctor.gpus import plural
from torchdoctor.kernel_messages import bus_key
from torchdoctor.remedy import Rung


@check("TD705", group="driver", crash=Status.SKIP)
def gpu_counts_agree(driver: NvidiaDriver, gpus: Optional[Each[GpuState]], bus: Bus, host: Host) -> Findings:
    bound = [card for card in bus.of("nvidia") if card.driver in ("nvidia", None)]
    present = (gpus or {}).values()
    known = {bus_key(gpu.bus_id) for gpu in present if gpu.bus_id}
    lost = [gpu for gpu in present if gpu.bus_id is None]
    missing = [card for card in bound if bus_key(card.slot) not in known]
    if driver.error or not (driver.gpus or bound):
        yield skip("the driver names no GPU to count")
        return
    if bus.known and (known or not driver.gpus) and len(missing) > len(lost) and not host.container and not host.wsl:
        seen = [("/sys/bus/pci/devices", " ".join(card.slot for card in missing)), ("nvml", plural(len(driver.gpus), "GPU"))]
        title = f"{plural(len(bound), 'GPU')} on the PCI bus, {len(driver.gpus)} in the driver"
        yield fail(
            title,
            seen,
            [remedy.fix(Rung.REBOOT, " and look for the GPU's Xid in the kernel log; power the machine off if it stays away.")],
            "gpu-fell-off-bus",
        )
    elif bus.known and missing and not lost:
        yield info(
            f"{plural(len(missing), 'GPU')} of the machine not given to this container",
            [("/sys/bus/pci/devices", " ".join(c.slot for c in missing))],
        )
    yield ok(f"{plural(len(driver.gpus), 'GPU')} in the driver" + (f" and {len(bound)} on the PCI bus" if bound else ""))
