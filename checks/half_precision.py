"""bfloat16 and float16 really work on each device, whatever it claims.

Why: is_bf16_supported() answers yes for emulation too, and a build can lack a kernel. A product, a sum and a softmax with its gradient are
computed and compared with float64.
Seen as: "not implemented for 'Half'", "BFloat16 is not supported", results that are off by more than rounding.
A device without a half precision is a fact, not a failure: expect one with --expect bf16=true.
"""

from __future__ import annotations

from typing import Optional

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok
from torchdoctor.facts import DtypeRun, DtypeRuns
from torchdoctor.work import tolerance

SUSPECT = Fix("Do not train on this device; compare it with another of the same kind.", ("torchdoctor run --full work",), who="admin")


@check("TD310", group="device", crash=Status.FAIL)
def half_precision(runs: Each[DtypeRuns]) -> Findings:
    words = []
    for device, run in runs.items():
        works = []
        for name, used in (("bfloat16", run.bfloat16), ("float16", run.float16)):
            problem = _problem(used)
            if problem:
                yield fail(f"{device}: {name} {problem[0]}", [(problem[1], problem[2])], [SUSPECT], problem[3], device)
            elif used is not None and not used.failure and not any(part.failure for part in used.parts):
                works.append(name)
        words.append(f"{device}: {' and '.join(works) or 'no half precision'}")
    yield ok("; ".join(words))


def _problem(run: Optional[DtypeRun]) -> Optional[tuple[str, str, str, Optional[str]]]:
    """What is wrong with a dtype (words, source, evidence, cause), or None where it works or is plainly not offered."""
    if run is None:
        return None
    for failure in (run.failure, *(part.failure for part in run.parts)):
        if failure is not None and not tolerance.means_unsupported(failure):
            return f"failed: {failure.message.splitlines()[0] if failure.message else failure.type}", "traceback", failure.traceback, None
    if run.seen_dtype not in (None, run.dtype):
        return f"products come out as {run.seen_dtype}", "torch", f"asked for {run.dtype}, got {run.seen_dtype}", None
    for part in run.parts:
        limit = tolerance.matmul(run.dtype, run.terms) if part.name == "matmul" else tolerance.elementwise(run.dtype)
        if tolerance.beyond(part.deviation, limit) and part.deviation is not None:
            off = (
                f"{part.name} is off by {part.deviation.largest:.2g}, allowed is {limit:.2g}; {part.deviation.non_finite} values not finite"
            )
            return "gives wrong results", "against float64", off, "gpu-hardware-suspect"
    return None
