"""All implementations of attention agree with float64 and with each other (--full).

Why: scaled_dot_product_attention chooses between a plain, a flash, a memory-efficient and a cuDNN implementation by shape, dtype and GPU. A broken one shows only in
the models that happen to reach it. Each is called by itself, with and without a causal mask and with lengths that fill no tile.
Seen as: NaN or nonsense after an update of torch or cuDNN, gone with another attention implementation.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchdoctor.api import Each, Findings, Fix, Status, check, fail, ok
from torchdoctor.facts import AttentionBackend, AttentionRun
from torchdoctor.work import tolerance
from torchdoctor.work.performance_verdicts import not_measured
from torchdoctor.work.verdicts import HARDWARE, SUSPECT, failed_work

MOST = 4
LAYERS = 2  # attention is two products with a softmax between them, in the terms of the tolerance for models


@check("TD907", group="performance", crash=Status.FAIL)
def attention_backends(runs: Each[AttentionRun]) -> Findings:
    words = []
    for device, run in runs.items():
        yield from failed_work(device, run.failure, run.failed_step)
        wrong: dict[str, list[tuple[str, str]]] = {}
        for one in run.backends:
            for part in one.parts:
                yield from failed_work(device, part.failure, f"{one.backend} in {one.dtype} ({part.name})")
            seen = list(_deviations(one, tolerance.effective_dtype(one.dtype, run.precision, device)))
            wrong.setdefault(one.backend, []).extend(seen)
        wrong = {backend: seen for backend, seen in wrong.items() if seen}
        if "math" in wrong:  # the plain one is made of products and a softmax: not the implementation, the device
            seen = [part for parts in wrong.values() for part in parts]
            cause = HARDWARE if device != "cpu" else None
            yield fail(f"{device}: attention is wrong, the plain implementation too", seen[:MOST], [SUSPECT], cause, device)
        else:
            for backend, seen in wrong.items():
                yield fail(f"{device}: {backend} is wrong", seen[:MOST], [_without(backend)], subject=device)
        worked = dict.fromkeys(one.backend for one in run.backends if any(part.deviation for part in one.parts))
        words += [f"{device} {', '.join(worked)}"] if worked else [f"{device} not run: {run.not_run}"] if run.not_run else []
    yield from not_measured(runs)
    if any(run.backends for run in runs.values()):
        yield ok("; ".join(words))


def _deviations(one: AttentionBackend, dtype: str) -> Iterator[tuple[str, str]]:
    """What is beyond rounding, in words."""
    limit, against = tolerance.llama(dtype, LAYERS), tolerance.cached(dtype, LAYERS)
    for part in one.parts:
        if part.deviation is not None and tolerance.beyond(part.deviation, limit):
            spoilt = f", {part.deviation.non_finite} values not finite" if part.deviation.non_finite else ""
            yield (
                f"{one.backend} {one.dtype} {part.name}",
                f"off by {part.deviation.largest:.2g} from float64, allowed is {limit:.2g}{spoilt}",
            )
    if one.math is not None and tolerance.beyond(one.math, against):
        yield f"{one.backend} {one.dtype}", f"off by {one.math.largest:.2g} from the plain one, allowed is {against:.2g}"


def _without(backend: str) -> Fix:
    switch = {"flash-attention": "flash", "efficient-attention": "mem_efficient", "cudnn-attention": "cudnn"}.get(backend)
    code = f"torch.backends.cuda.enable_{switch}_sdp(False)" if switch else None
    return Fix("Until that works, leave this implementation out.", code=code)
