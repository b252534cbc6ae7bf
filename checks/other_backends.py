"""XPU and out-of-tree backends that are built in can be used.

Why: an Intel XPU build, or a plug-in that torch loads at import, is there for a device. Where torch says that it is not available, the driver
or the rights to its device file are missing.
Seen as: torch.xpu.is_available() is False; "XPU device count is zero".
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, info, ok, skip, warn
from torchdoctor.facts import Bus, Devices, TorchBuild


@check("TD309", group="device")
def other_backends(build: TorchBuild, devices: Devices, bus: Bus) -> Findings:
    others = [b for b in devices.backends if b.kind not in ("cuda", "mps") and b.built and (b.kind != "xpu" or build.build == "xpu")]
    if not others:
        yield skip("no other backend is built in")
    for backend in others:
        seen = [("torch", backend.why_not or f"torch.{backend.kind}.is_available() is {backend.available}")]
        if backend.available:
            yield ok(f"{backend.kind}: {backend.count} device{'s' if backend.count != 1 else ''}")
        elif backend.kind == "xpu" and bus.known and not bus.of("intel"):
            yield info("no Intel GPU was found for this XPU build: training runs on the CPU", seen)
        else:
            group = Fix(
                "Give the user access to the GPU's device files, then log in again.", ("sudo usermod -aG render $USER",), who="admin"
            )
            yield warn(f"the {backend.kind} backend finds no device", seen, [group] if backend.kind == "xpu" else [], subject=backend.kind)
