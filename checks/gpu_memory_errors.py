"""GPU memory has no errors that ECC could not correct.

Why: an uncorrected error ends the programs on the GPU, and the data it hit are wrong. Counts since the driver was loaded say what happened lately; over the life of the
card, uncorrected errors in its SRAM say that it is wearing out. Corrected errors do no harm, unless they become very many.
Seen as: "uncorrectable ECC error encountered", Xid 48, 94, 95.
Thresholds: uncorrected 0 (gcm, Azure, sichek); SRAM over the card's life 4 (sichek; Azure 0) or NVIDIA's own flag; corrected 10 000 000 (sichek; gcm 50 000 000, Azure 10 000 in SRAM).
"""

from __future__ import annotations

from torchdoctor import remedy
from torchdoctor.api import Each, Findings, Status, check, fail, info, ok, skip, warn
from torchdoctor.facts import GpuState, Thresholds
from torchdoctor.gpus import answering, plural
from torchdoctor.remedy import Rung


@check("TD802", group="health", crash=Status.SKIP)
def gpu_memory_errors(gpus: Each[GpuState], thresholds: Thresholds) -> Findings:
    judged = [gpu for gpu in answering(gpus) if gpu.errors.ecc and gpu.errors.uncorrected_volatile is not None]
    if not judged:
        yield skip("no GPU here counts memory errors (no ECC, or it is off)")
        return
    for gpu in judged:
        yield from _judge(gpu, thresholds)
    yield ok(f"{plural(len(judged), 'GPU')} without uncorrected memory errors")


def _judge(gpu: GpuState, thresholds: Thresholds) -> Findings:
    errors = gpu.errors
    now, ever = errors.uncorrected_volatile or 0, errors.uncorrected_aggregate or 0
    sram = errors.sram_uncorrected_aggregate or 0
    seen = [("nvml", f"uncorrected {now} since the driver was loaded, {ever} ever; in SRAM {errors.sram_uncorrected_volatile} and {sram}")]
    reset = remedy.fix(Rung.RESET_GPU, gpu=gpu.index)
    inspect = remedy.fix(Rung.INSPECT)
    if errors.sram_exceeded or sram > thresholds.general("sram-uncorrected"):
        title = f"{plural(sram, 'uncorrected SRAM error')} over this card's life: more than it should have"
        yield fail(title, seen, [inspect], "gpu-hardware-suspect", gpu.subject)
    elif now or errors.sram_uncorrected_volatile:
        title = f"{plural(max(now, errors.sram_uncorrected_volatile or 0), 'uncorrected memory error')} since the driver was loaded"
        yield fail(title, seen, [reset, inspect], "cuda-ecc-uncorrectable", gpu.subject)
    elif sram:
        watch = remedy.fix(Rung.INSPECT, " if the count grows.")
        yield warn(f"{plural(sram, 'uncorrected SRAM error')} over this card's life", seen, [watch], "gpu-hardware-suspect", gpu.subject)
    elif ever:
        yield info(
            f"{plural(ever, 'uncorrected memory error')} earlier in this card's life, none since the driver was loaded",
            seen,
            subject=gpu.subject,
        )
    corrected = errors.corrected_volatile or 0
    if corrected > thresholds.general("ecc-corrected"):
        watch = remedy.fix(Rung.INSPECT, " if the count goes on growing: corrected errors do no harm by themselves.")
        yield warn(
            f"{corrected} corrected memory errors since the driver was loaded",
            [("nvml", f"corrected {corrected}")],
            [watch],
            "gpu-hardware-suspect",
            gpu.subject,
        )
