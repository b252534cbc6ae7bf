"""A device's memory keeps what is written to it (--full).

Why: six patterns (zeros, ones, two alternating ones, each word's own address and its inverse) are written over nearly all of the free memory before any of it is
read back, so that stuck bits, weak cells and wrong address lines show. Cards with ECC correct single bits silently; cards without it do not.
Seen as: wrong numbers that depend on how full the memory is; illegal memory accesses at random places.
"""

from __future__ import annotations

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok
from torchdoctor.facts import MemoryPatternRun
from torchdoctor.work.performance_verdicts import not_measured
from torchdoctor.work.verdicts import HARDWARE, failed_work

REPLACE = Fix(
    "Take this device out of use and have its memory tested; reset the GPU first if rows wait to be remapped.",
    ("nvidia-smi -q -d ECC,ROW_REMAPPER,PAGE_RETIREMENT",),
    who="admin",
    risk="disruptive",
)
HOST = Fix("Test the machine's memory with a tool of its own, such as memtest86+.", who="admin", risk="disruptive")


@check("TD906", group="performance", crash=Status.FAIL)
def memory_patterns(runs: Each[MemoryPatternRun]) -> Findings:
    words = []
    for device, run in runs.items():
        yield from failed_work(device, run.failure, run.failed_step)
        size = f"{run.tested / 2**30:.1f} GiB" if run.tested >= 2**30 else f"{run.tested / 2**20:.0f} MiB"
        if run.wrong:
            seen = [(w.pattern, f"word {w.position}: wrote {w.expected:#010x}, read {w.found:#010x}") for w in run.first]
            title = f"{device}: memory does not keep its contents ({run.wrong} wrong words in {size})"
            yield fail(title, seen, [REPLACE if device.startswith("cuda") else HOST], HARDWARE if device != "cpu" else None, device)
        elif run.patterns:
            words.append(f"{device} {size}, {len(run.patterns)} patterns" + (f" ({run.bounded})" if run.bounded else ""))
        elif run.not_run:
            words.append(f"{device} not run: {run.not_run}")
    yield from not_measured(runs)
    if any(run.patterns for run in runs.values()):
        yield ok("; ".join(words))
