"""The kernel log since boot has no fatal SXid of an NVSwitch.

Why: the switches between the GPUs of an HGX or DGX board report their errors as numbered SXids. Those that the driver calls fatal end the jobs on the fabric.
Seen as: "nvidia-nvswitch3: SXid (PCI:0000:06:00.0): 20034, Fatal, Link 25 LTSSM Fault Up".
Source: NVIDIA, Fabric Manager user guide, tables of SXids; gpud and imbue-ai/cluster-health.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Findings, check, fail, info, ok, skip
from torchdoctor.facts import KernelLog
from torchdoctor.gpu_tables import sxids
from torchdoctor.kernel_messages import Event, sxid_events
from torchdoctor.remedy import Rung


def fatal(event: Event) -> bool:
    """The driver's own word in the line, or what the table says of the number."""
    start = event.text.lower()
    if start.startswith(("fatal", "non-fatal", "nonfatal")):
        return start.startswith("fatal")
    known = sxids().get(event.number)
    return bool(known and known.fatal)


@check("TD815", group="health")
def sxid_errors(log: KernelLog) -> Findings:
    if log.why_not:
        yield skip(f"the kernel log cannot be read: {log.why_not}")
        return
    families: dict[tuple[str, int, bool], list[Event]] = {}
    for event in sxid_events(log.lines):
        families.setdefault((event.bus_id, event.number, fatal(event)), []).append(event)
    for (bus_id, number, deadly), family in families.items():
        known = sxids().get(number)
        title = f"SXid {number} ({known.name if known else 'not in the table'})" + (f", {len(family)} times" if len(family) > 1 else "")
        seen = [(log.source or "kernel log", family[0].line)]
        if deadly:
            fix = remedy.fix(Rung.REBOOT, "; where it comes back, have the switch and its cables inspected.")
            yield fail(title, seen, [fix], "nvlink-error", f"nvswitch:{bus_id}")
        else:
            yield info(title, seen, cause="nvlink-error", subject=f"nvswitch:{bus_id}")
    yield ok("no SXid in the kernel log since boot")
