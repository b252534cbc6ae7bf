"""The kernel log since boot has no Xid that speaks against a GPU.

Why: the driver reports what goes wrong on a GPU as a numbered Xid. Some come from a program (13, 31, 43, 45), some from the hardware, and each number has an action that NVIDIA
names. Where the driver itself says that the GPU needs no recovery now, an Xid of the past is a warning, not a failure.
Seen as: "NVRM: Xid (PCI:0000:18:00): 79, GPU has fallen off the bus." in dmesg.
Source: NVIDIA's Xid catalogue; where gpud, DCGM, AWS and others differ from it, NVIDIA's action is kept. Many systems forbid reading the log: then this is skipped with the reason.
"""

from __future__ import annotations

from typing import Optional

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Fix, Status, check, fail, info, ok, skip, warn
from torchdoctor.facts import GpuState, KernelLog
from torchdoctor.gpu_tables import xids
from torchdoctor.kernel_messages import Event, action_of, bus_key, xid_events
from torchdoctor.remedy import Rung

CONTAINED = 94


@check("TD814", group="health", crash=Status.SKIP)
def xid_errors(log: KernelLog, gpus: Optional[Each[GpuState]]) -> Findings:
    if log.why_not:
        yield skip(f"the kernel log cannot be read: {log.why_not}")
        return
    events = xid_events(log.lines)
    present = (gpus or {}).values()
    owners = {bus_key(gpu.bus_id): gpu for gpu in present if gpu.bus_id}
    lost = next((gpu for gpu in present if not gpu.bus_id), None)
    families: dict[tuple[str, int, str], list[Event]] = {}
    for event in events:
        families.setdefault((event.bus_id, event.number, action_of(event)), []).append(event)
    for (bus_id, number, action), family in families.items():
        gpu = owners.get(bus_id, lost)
        if gpu is None and owners:
            yield info(
                f"Xid {number} of a GPU that is not given to us", [(log.source or "kernel log", family[0].line)], subject=f"pci:{bus_id}"
            )
        else:
            yield from _judge(number, action, family, gpu, log.source or "kernel log")
    yield ok("no Xid in the kernel log since boot" if not events else "all Xids are accounted for")


def _judge(number: int, action: str, family: list[Event], gpu: GpuState | None, source: str) -> Findings:
    known = xids().get(number)
    words = known.words if known else "not in NVIDIA's catalogue"
    first = family[0]
    when = f", first {_ago(first.age)} ago" if first.age is not None else ""
    title = f"Xid {number} ({words})" + (f", {len(family)} times" if len(family) > 1 else "")
    seen = [(source, first.line + when)]
    subject = gpu.subject if gpu else f"pci:{first.bus_id}"
    cause = (known.cause if known else "") or None
    rung = remedy.WORDS[action]
    index = gpu.index if gpu else None
    if rung is Rung.NOTHING:
        yield info(title, seen, cause=cause, subject=subject)
    elif rung is Rung.RESTART_PROGRAM:
        say = warn if number == CONTAINED else info
        yield say(title, seen, [remedy.fix(rung, ": the GPU goes on, the program that was hit does not.")], cause, subject)
    elif rung is Rung.CONFIGURE:
        yield warn(
            title,
            seen,
            [Fix("Update the driver and the virtualisation software to versions that belong together.", who="admin")],
            cause,
            subject,
        )
    else:
        mended = gpu is not None and gpu.error_code is None and gpu.recovery_action == "none"
        unused = known is not None and not known.description
        if mended:
            title += "; the driver asks for no recovery now"
        say = warn if mended or unused else fail
        yield say(title, seen, [remedy.fix(rung, gpu=index)], cause, subject)


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
