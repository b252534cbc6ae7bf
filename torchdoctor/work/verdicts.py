"""From the numbers of a training step or a Llama pass to findings. Standard library only: this runs in the doctor's process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from torchdoctor.declare import fail
from torchdoctor.facts import Deviation, Failure, LlamaRun, TrainingRun
from torchdoctor.model import Finding, Fix
from torchdoctor.work import tolerance

SUSPECT = Fix(
    "Compare with another device of the same kind; one that computes wrong values has to be taken out of use.",
    ("torchdoctor run --full work",),
    who="admin",
    risk="disruptive",
)
HARDWARE = "gpu-hardware-suspect"


def failed_work(device: str, failure: Optional[Failure], step: str) -> Iterator[Finding]:
    """The finding for work that an exception ended; its traceback lets the catalogue name the cause."""
    if failure is not None:
        first = failure.message.splitlines()[0] if failure.message else failure.type
        yield fail(f"{device}: {step} failed: {first}"[:300], [("traceback", failure.traceback)], [], subject=device)


def _off(device: str, what: str, deviation: Optional[Deviation], limit: float) -> Iterator[Finding]:
    if deviation is None or not tolerance.beyond(deviation, limit):
        return
    seen = f"largest deviation {deviation.largest:.2g}, allowed is {limit:.2g}"
    if deviation.non_finite:
        seen += f"; {deviation.non_finite} of {deviation.elements} values are not finite"
    yield fail(f"{device}: {what} wrong", [("against float64", seen)], [SUSPECT], _cause(device, deviation), device)


def _cause(device: str, deviation: Deviation) -> Optional[str]:
    if deviation.non_finite:
        return "nan-loss"
    return HARDWARE if device != "cpu" else None


def training_problems(device: str, run: TrainingRun) -> Iterator[Finding]:
    """What is wrong with a training run; nothing for a healthy one."""
    yield from failed_work(
        device, run.failure, f"the {run.mode} training step, in {run.failed_step}," if run.failed_step else "the training step"
    )
    if run.failure is not None:
        return
    dtype = tolerance.effective_dtype(tolerance.MODE_DTYPE[run.mode], run.precision, device)
    label = "the training step" if run.mode == "fp32" else f"the {run.mode} training step"
    if run.seen_device not in (None, device) and not (run.seen_device or "").startswith(device):
        yield fail(
            f"{label} sent to {device} ran on {run.seen_device}",
            [("torch", f"activations on {run.seen_device}")],
            [SUSPECT],
            subject=device,
        )
    wanted = tolerance.MODE_DTYPE[run.mode]
    if run.seen_dtype not in (None, wanted):
        yield fail(
            f"{device}: {label} computed in {run.seen_dtype} instead of {wanted}",
            [("torch", f"activations are {run.seen_dtype}")],
            [SUSPECT],
            subject=device,
        )
    if run.non_finite_gradients and not run.skipped_steps:
        seen = [("torch", f"{run.non_finite_gradients} elements of the gradients are NaN or infinite")]
        yield fail(f"{device}: {label} has gradients that are not finite", seen, [SUSPECT], "nan-loss", device)
        return
    problems = []
    for part in run.gradients:
        problems += list(_off(device, f"the gradient of {part.name} in {label} is", part.deviation, tolerance.training(run.mode, dtype)))
    problems += list(_off(device, f"the weights after {label} are", run.update, tolerance.training(run.mode, dtype)))
    limit = tolerance.training(run.mode, dtype)
    if not problems and run.loss_deviation is not None and not run.loss_deviation <= limit:
        seen = [
            (
                "against float64",
                f"losses {run.losses}, expected {run.reference_losses}: off by {run.loss_deviation:.2g}, allowed is {limit:.2g}",
            )
        ]
        problems.append(fail(f"{device}: the losses of {label} are wrong", seen, [SUSPECT], HARDWARE if device != "cpu" else None, device))
    yield from problems[:3]


def llama_problems(device: str, run: LlamaRun) -> Iterator[Finding]:
    """What is wrong with a Llama run; nothing for a healthy one."""
    label = "the Llama forward pass" if run.dtype == "float32" else f"the {run.dtype} Llama forward pass"
    yield from failed_work(device, run.failure, f"{label}, in {run.failed_step}," if run.failed_step else label)
    if run.failure is not None:
        return
    if run.sdpa_failure is not None and not tolerance.means_unsupported(run.sdpa_failure):
        yield from failed_work(device, run.sdpa_failure, "scaled_dot_product_attention")
    dtype = tolerance.effective_dtype(run.dtype, run.precision, device)
    limit, cached = tolerance.llama(dtype, run.layers), tolerance.cached(dtype, run.layers)
    first = next((stage for stage in run.stages if tolerance.beyond(stage.deviation, limit)), None)
    if first is not None:
        yield from _off(device, f"{label} is, from {first.name} on,", first.deviation, limit)
        return
    yield from _off(device, f"{label} is", run.forward, limit)
    yield from _off(device, "scaled_dot_product_attention is", run.forward_sdpa, limit)
    yield from _off(device, "decoding with the KV cache is", run.cached, cached)
    yield from _off(device, "decoding with the KV cache is", run.cached_reference, limit)
    yield from _off(device, "a padded batch of prompts is", run.padded, cached)
    yield from _promises(device, run, dtype)


def _promises(device: str, run: LlamaRun, dtype: str) -> Iterator[Finding]:
    """What generation promises besides numbers: tokens, nucleus, probabilities, the end."""
    broken = []
    if tolerance.greedy_decides(run.greedy_margin, dtype, run.layers) and run.greedy != run.greedy_reference:
        broken.append(("greedy decoding chose other tokens than the reference", f"{run.greedy} instead of {run.greedy_reference}"))
    if run.outside_nucleus:
        broken.append(("top-p sampling chose tokens outside of its nucleus", f"{run.outside_nucleus} of {run.sampled}"))
    if run.sampling_repeats is False:
        broken.append(("sampling with the same seed chose other tokens", "two equal runs differ"))
    if run.logprob_sum is not None and not run.logprob_sum <= tolerance.logprob_sum():
        broken.append(("probabilities do not sum to one", f"their logarithm is off by {run.logprob_sum:.2g}"))
    if run.stopped is False:
        broken.append(("generation did not stop at the end-of-text token", "it went on after it"))
    for words, seen in broken:
        yield fail(f"{device}: {words}", [("torch", seen)], [SUSPECT], HARDWARE if device != "cpu" else None, device)
