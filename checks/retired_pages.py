"""GPUs before Ampere: few memory pages were taken out of use, and none waits to be.

Why: older GPUs avoid bad memory by no longer using its pages, from the next reset on. A card may lose 64 pages before its maker replaces it.
Seen as: "Pending Page Blacklist : Yes", Xid 63 and 64 on a V100 or T4.
Thresholds: 63 pages in total, 15 after double-bit errors (NVIDIA/DCGM; gcm takes 10).
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, fail, info, ok, skip
from torchdoctor.facts import GpuState, Thresholds
from torchdoctor.gpus import answering, plural
from torchdoctor.remedy import Rung


@check("TD805", group="health", crash=Status.SKIP)
def retired_pages(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.errors.pages_double is not None]
    if not judged:
        yield skip("no GPU here retires pages (Ampere and later remap rows)")
        return
    for gpu in judged:
        single, double = gpu.errors.pages_single or 0, gpu.errors.pages_double or 0
        seen = [
            (
                "nvml",
                f"pages retired after single-bit errors {single}, after double-bit errors {double}; pending {gpu.errors.pages_pending}",
            )
        ]
        if single + double >= thresholds.general("pages-retired") or double > thresholds.general("pages-double"):
            yield fail(
                f"{plural(single + double, 'memory page')} retired: the card is worn",
                seen,
                [remedy.fix(Rung.INSPECT)],
                "gpu-hardware-suspect",
                gpu.subject,
            )
        elif gpu.errors.pages_pending:
            yield fail(
                "a bad memory page is in use until the GPU is reset",
                seen,
                [remedy.fix(Rung.RESET_GPU, gpu=gpu.index)],
                "row-remap-pending",
                gpu.subject,
            )
        elif single + double:
            yield info(f"{plural(single + double, 'memory page')} retired, none waiting", seen, subject=gpu.subject)
    yield ok("no memory page waits to be retired")
