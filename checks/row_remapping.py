"""No memory row of a GPU waits to be replaced by a spare one, and spare ones are left.

Why: since Ampere a GPU replaces rows of its memory that had errors by spare rows, at its next reset. Until then the bad row is in use; when the replacement fails or the spare
rows run out, the card is worn.
Seen as: Xid 63 (remapped), Xid 64 (failed), "Remapping Failure Occurred : Yes", "row remap pending".
Thresholds: 512 rows after uncorrected errors (NVIDIA/DCGM, Azure, sichek). Pending: gpud, gcm and Azure take the node out until it was reset.
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, fail, info, ok, skip, warn
from torchdoctor.facts import GpuState, Thresholds
from torchdoctor.gpus import answering, plural
from torchdoctor.remedy import Rung


@check("TD804", group="health", crash=Status.SKIP)
def row_remapping(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.errors.rows_uncorrected is not None]
    if not judged:
        yield skip("no GPU here remaps rows (they do from Ampere on)")
        return
    for gpu in judged:
        errors = gpu.errors
        rows = errors.rows_uncorrected or 0
        words = f"rows remapped: {rows} after uncorrected errors, {errors.rows_corrected} after corrected ones; pending {errors.rows_pending}, failed {errors.rows_failed}"
        seen = [("nvml", words)]
        if errors.rows_failed:
            yield fail("a memory row could not be replaced", seen, [remedy.fix(Rung.INSPECT)], "xid-64-remap-failure", gpu.subject)
        elif rows >= thresholds.general("rows-uncorrected"):
            yield fail(
                f"{rows} memory rows were replaced: the card is worn", seen, [remedy.fix(Rung.INSPECT)], "gpu-hardware-suspect", gpu.subject
            )
        elif errors.rows_pending:
            yield fail(
                "a memory row waits to be replaced: the bad one is in use until then",
                seen,
                [remedy.fix(Rung.RESET_GPU, gpu=gpu.index)],
                "row-remap-pending",
                gpu.subject,
            )
        elif errors.banks_without_spare_rows:
            title = f"{plural(errors.banks_without_spare_rows, 'memory bank')} without spare rows"
            yield warn(
                title,
                seen,
                [remedy.fix(Rung.INSPECT, " soon: the next bad row there cannot be replaced.")],
                "gpu-hardware-suspect",
                gpu.subject,
            )
        elif rows:
            yield info(f"{plural(rows, 'memory row')} replaced after uncorrected errors, none waiting", seen, subject=gpu.subject)
    yield ok("no memory row waits to be replaced")
