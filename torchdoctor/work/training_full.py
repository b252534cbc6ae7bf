"""The longer look at training, for ``--full``: real optimizers and what surrounds them, each against its reference.

``torch.optim`` and ``torch.compile`` import the compiler, which takes seconds: never call this by default.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, Callable, Optional, Union

import torch
from torch import Tensor
from torch.nn import functional as F

from torchdoctor.facts.work import Part, TrainingFullRun
from torchdoctor.work.measure import Record, deviation, failure_of, noise, precision, to_reference
from torchdoctor.work.placement import same_place
from torchdoctor.work.training import BATCH, Weights, batch, reference_gradients, starting_weights

STEPS, RATE, DECAY, EPS = 5, 0.05, 0.1, 1e-8
BETAS = (0.9, 0.999)
MOMENTUM = 0.9
MICRO_BATCHES = 4
MAX_NORM = 0.05
COMPILED_DEVICES = ("cpu", "cuda", "xpu", "mps")

# Exceptions by which torch.compile says that a machine lacks what it needs, rather than that it is broken.
LACKING = {
    "InvalidCxxCompiler": "there is no working C++ compiler",
    "TritonMissing": "there is no working Triton",
    "GPUTooOldForTriton": "the GPU is too old for Triton",
}


def run_training_full(device: Union[str, torch.device]) -> TrainingFullRun:
    """Checks optimizers, accumulation, checkpointing, clipping and torch.compile on ``device`` (see ``TrainingFullRun``).

    Raises nothing: each part has its own failure.
    """
    record = Record(TrainingFullRun, threads=None, device=str(device), precision=precision())
    with record, torch.enable_grad():
        record.begin("device")
        wanted = torch.device(device)
        torch.zeros(1).to(wanted)
        misplaced: list[str] = []
        parts: list[Part] = []
        works: tuple[tuple[str, Callable[[], Part]], ...] = (
            ("momentum", lambda: _momentum(wanted, misplaced)),
            ("adamw", lambda: _adamw(wanted, misplaced)),
            ("accumulation", lambda: _accumulation(wanted)),
            ("checkpointing", lambda: _checkpointing(wanted)),
            ("clipping", lambda: _clipping(wanted)),
            ("clipping-norm", lambda: _clipping_norm(wanted)),
            ("compile", lambda: _compile(wanted)),
        )
        for name, work in works:
            record.begin(name)
            parts.append(_guarded(name, work))
            record.set(parts=tuple(parts), misplaced=tuple(misplaced))
    return record.result()


def _guarded(name: str, work: Callable[[], Part]) -> Part:
    try:
        return work()
    except Exception as error:
        return Part(name, failure=failure_of(error))


# ------------------------------------------------------------------------------------------- optimizers


def _gradient(name: str, shape: tuple[int, ...], step: int) -> Tensor:
    """A gradient that is given, so that only the optimizer is on trial: exact in float32, never zero."""
    return noise(shape, 200 + 10 * step + len(name) + ord(name)) + 1.0 / 256


def _optimized(wanted: torch.device, make: Callable[[list[Tensor]], Any], misplaced: list[str]) -> Weights:
    """The weights after STEPS updates by a real optimizer; notes where its states are."""
    weights = {name: value.to(torch.float32).to(wanted).requires_grad_(True) for name, value in starting_weights().items()}
    optimizer = make(list(weights.values()))
    for step in range(STEPS):
        for name, weight in weights.items():
            weight.grad = _gradient(name, tuple(weight.shape), step).to(torch.float32).to(wanted)
        optimizer.step()
    for name, weight in weights.items():
        for key, value in optimizer.state[weight].items():
            # The step count stays on the CPU by design, unless the optimizer is fused or captured.
            if isinstance(value, Tensor) and key != "step" and not same_place(value.device, wanted):
                misplaced.append(f"{type(optimizer).__name__} {key} of {name} on {value.device}")
    return weights


def _momentum(wanted: torch.device, misplaced: list[str]) -> Part:
    """b <- mu b + g, w <- w - eta b."""
    expected = starting_weights()
    moving = {name: torch.zeros_like(value) for name, value in expected.items()}
    for step in range(STEPS):
        for name in expected:
            moving[name] = MOMENTUM * moving[name] + _gradient(name, tuple(expected[name].shape), step)
            expected[name] = expected[name] - RATE * moving[name]
    got = _optimized(wanted, lambda p: torch.optim.SGD(p, lr=RATE, momentum=MOMENTUM), misplaced)
    return _compared("momentum", got, expected)


def _adamw(wanted: torch.device, misplaced: list[str]) -> Part:
    """Adam with the decay of the weights taken apart from the gradient."""
    expected = starting_weights()
    first = {name: torch.zeros_like(value) for name, value in expected.items()}
    second = {name: torch.zeros_like(value) for name, value in expected.items()}
    for step in range(STEPS):
        for name in expected:
            gradient = _gradient(name, tuple(expected[name].shape), step)
            first[name] = BETAS[0] * first[name] + (1 - BETAS[0]) * gradient
            second[name] = BETAS[1] * second[name] + (1 - BETAS[1]) * gradient * gradient
            corrected = first[name] / (1 - BETAS[0] ** (step + 1))
            spread = (second[name] / (1 - BETAS[1] ** (step + 1))).sqrt() + EPS
            expected[name] = expected[name] * (1 - RATE * DECAY) - RATE * corrected / spread
    got = _optimized(wanted, lambda p: torch.optim.AdamW(p, lr=RATE, betas=BETAS, eps=EPS, weight_decay=DECAY), misplaced)
    return _compared("adamw", got, expected)


def _compared(name: str, got: Weights, expected: Weights) -> Part:
    return Part(name, deviation(_joined(got), _joined(expected)))


def _joined(weights: Weights) -> Tensor:
    return torch.cat([to_reference(value).flatten() for value in weights.values()])


# ------------------------------------------------------------------------------------------- gradients


def _network(weights: Weights, x: Tensor) -> Tensor:
    first = torch.tanh(torch.addmm(weights["a"], x, weights["A"]))
    return torch.addmm(weights["c"], torch.tanh(torch.addmm(weights["b"], first, weights["B"])), weights["C"])


def _placed(wanted: torch.device) -> tuple[Weights, Tensor, Tensor]:
    """Weights, inputs and classes on the device, in float32."""
    x, classes = batch(0)
    weights = {name: value.to(torch.float32).to(wanted).requires_grad_(True) for name, value in starting_weights().items()}
    return weights, x.to(torch.float32).to(wanted), classes.to(wanted)


def _gradients(weights: Weights) -> Weights:
    absent = [name for name, weight in weights.items() if weight.grad is None]
    if absent:
        raise RuntimeError(f"backward left no gradient for {absent[0]}")
    return {name: weight.grad for name, weight in weights.items() if weight.grad is not None}


def _reference() -> Weights:
    """Mean gradients of the first batch, by the formulas."""
    _, summed = reference_gradients(starting_weights(), *batch(0))
    return {name: value / BATCH for name, value in summed.items()}


def _accumulation(wanted: torch.device) -> Part:
    """The gradients of some small batches added up are those of the large one."""
    weights, x, classes = _placed(wanted)
    for part, wanted_classes in zip(x.chunk(MICRO_BATCHES), classes.chunk(MICRO_BATCHES)):
        loss = F.cross_entropy(_network(weights, part), wanted_classes) / MICRO_BATCHES
        loss.backward()  # type: ignore[no-untyped-call]
    return _compared("accumulation", _gradients(weights), _reference())


def _checkpointing(wanted: torch.device) -> Part:
    """Activations thrown away and computed again give the gradients that kept ones give."""
    from torch.utils.checkpoint import checkpoint

    plain, x, classes = _placed(wanted)
    F.cross_entropy(_network(plain, x), classes).backward()  # type: ignore[no-untyped-call]
    weights, _, _ = _placed(wanted)
    logits = checkpoint(lambda inputs: _network(weights, inputs), x, use_reentrant=False)
    F.cross_entropy(logits, classes).backward()  # type: ignore[no-untyped-call]
    return _compared("checkpointing", _gradients(weights), _gradients(plain))


def _clipped(wanted: torch.device) -> tuple[Tensor, Weights]:
    weights, x, classes = _placed(wanted)
    F.cross_entropy(_network(weights, x), classes).backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(list(weights.values()), MAX_NORM)
    return norm, _gradients(weights)


def _clipping(wanted: torch.device) -> Part:
    """Gradients longer than MAX_NORM are made that long."""
    reference = _reference()
    factor = MAX_NORM / (float(_joined(reference).norm()) + 1e-6)
    return _compared("clipping", _clipped(wanted)[1], {name: value * factor for name, value in reference.items()})


def _clipping_norm(wanted: torch.device) -> Part:
    """The length of all gradients together."""
    return Part("clipping-norm", deviation(_clipped(wanted)[0].reshape(1), _joined(_reference()).norm().reshape(1)))


# ------------------------------------------------------------------------------------------- torch.compile


def _compile(wanted: torch.device) -> Part:
    """Compiled forward and backward give what eager ones give, or why there is no compiling here."""
    if not hasattr(torch, "compile"):
        return Part("compile", unavailable=f"torch {torch.__version__} has no torch.compile")
    if wanted.type not in COMPILED_DEVICES:
        return Part("compile", unavailable=f"the default compiler has no backend for {wanted.type}")
    plain, x, classes = _placed(wanted)
    F.cross_entropy(_network(plain, x), classes).backward()  # type: ignore[no-untyped-call]
    weights, _, _ = _placed(wanted)
    try:
        with _private_caches():
            F.cross_entropy(torch.compile(_network)(weights, x), classes).backward()  # type: ignore[no-untyped-call]
    except Exception as error:
        reason = lacking(error)
        if reason is None:
            raise
        return Part("compile", unavailable=reason)
    return _compared("compile", _gradients(weights), _gradients(plain))


@contextlib.contextmanager
def _private_caches() -> Iterator[None]:
    """Compiled code goes to a folder that is removed again, and no pool of compile workers is left behind."""
    with tempfile.TemporaryDirectory(prefix="torchdoctor-compile-", **_forgiving()) as folder:
        ours = {"TORCHINDUCTOR_CACHE_DIR": folder, "TRITON_CACHE_DIR": folder, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _forgiving() -> dict[str, Any]:
    """Loaded libraries cannot be removed on Windows; that is no reason to fail."""
    return {"ignore_cleanup_errors": True} if sys.version_info >= (3, 10) else {}


def lacking(error: Optional[BaseException]) -> Optional[str]:
    """What torch.compile lacks on this machine, in words, or None where the exception says something else."""
    while error is not None:
        words = LACKING.get(type(error).__name__)
        if words:
            return f"{words}: {_first_line(error)}"
        text = str(error)
        if "not supported on" in text and ("torch.compile" in text or "Dynamo" in text):  # this Python, or Windows
            return _first_line(error)
        error = getattr(error, "inner_exception", None) or error.__cause__
    return None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
