"""A small network trained a few steps on one device, against mathematics written out in float64 on the CPU.

The network is tanh(tanh(x A + a) B + b) C + c with a softmax cross-entropy, and the update is that of
mini-batch SGD: w <- w - (eta / m) * (sum over the m samples of the gradient of w).
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional, Union

import torch
from torch import Tensor
from torch.nn import functional as F

from torchdoctor.facts.work import Deviation, Part, TrainingRun
from torchdoctor.work.measure import (
    Record,
    deviation,
    differing_bits,
    dtype_name,
    finite_or_none,
    noise,
    precision,
    to_reference,
    weight_scale,
)

INPUTS, HIDDEN, CLASSES = 32, 48, 10
BATCH, STEPS, RATE = 32, 5, 0.5
INITIAL_SCALE = 1024.0  # of the loss in fp16: gradients far from both ends of float16 from the first step on
AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
SHAPES = {"A": (INPUTS, HIDDEN), "a": (HIDDEN,), "B": (HIDDEN, HIDDEN), "b": (HIDDEN,), "C": (HIDDEN, CLASSES), "c": (CLASSES,)}

Weights = dict[str, Tensor]


def starting_weights() -> Weights:
    """The weights before the first step: float64 on the CPU, exact in every dtype."""
    return {
        name: noise(shape, 40 + number, weight_scale(shape[0]) if len(shape) == 2 else 0.125)
        for number, (name, shape) in enumerate(SHAPES.items())
    }


def batch(step: int) -> tuple[Tensor, Tensor]:
    """Inputs (m, INPUTS) in float64 and classes (m,) of a step; the classes can be learned from the inputs.

    Two batches take turns, so that the loss falls within few steps.
    """
    return _batch(step % 2)


@functools.lru_cache(maxsize=2)
def _batch(number: int) -> tuple[Tensor, Tensor]:
    x = noise((BATCH, INPUTS), 100 + number, 2.0)
    return x, (x @ noise((INPUTS, CLASSES), 99)).argmax(-1)


# ------------------------------------------------------------------------------------------- the reference


def reference_gradients(weights: Mapping[str, Tensor], x: Tensor, classes: Tensor) -> tuple[float, Weights]:
    """Mean loss, and the sum over the samples of each weight's gradient, by formulas, without autograd.

    weights and x in float64 on the CPU.
    """
    first = torch.tanh(x @ weights["A"] + weights["a"])
    second = torch.tanh(first @ weights["B"] + weights["b"])
    logits = second @ weights["C"] + weights["c"]
    shifted = (logits - logits.max(-1, keepdim=True).values).exp()
    soft = shifted / shifted.sum(-1, keepdim=True)
    rows = torch.arange(len(x))
    loss = -soft[rows, classes].log().mean().item()
    at_logits = soft.clone()
    at_logits[rows, classes] -= 1.0
    at_second = (at_logits @ weights["C"].T) * (1.0 - second * second)
    at_first = (at_second @ weights["B"].T) * (1.0 - first * first)
    return loss, {
        "A": x.T @ at_first,
        "a": at_first.sum(0),
        "B": first.T @ at_second,
        "b": at_second.sum(0),
        "C": second.T @ at_logits,
        "c": at_logits.sum(0),
    }


@dataclass
class Trained:
    """Where a training went: losses before each step, mean gradients of the first step, weights at the end."""

    losses: list[float] = field(default_factory=list)
    gradients: Weights = field(default_factory=dict)
    weights: Weights = field(default_factory=dict)


@functools.lru_cache(maxsize=1)
def reference_training() -> Trained:
    """The whole training by the formulas; computed once for all devices and modes of a process."""
    trained = Trained(weights=starting_weights())
    for step in range(STEPS):
        x, classes = batch(step)
        loss, summed = reference_gradients(trained.weights, x, classes)
        trained.losses.append(loss)
        trained.gradients = trained.gradients or {name: value / BATCH for name, value in summed.items()}
        trained.weights = {name: value - (RATE / BATCH) * summed[name] for name, value in trained.weights.items()}
    return trained


# ------------------------------------------------------------------------------------------- the device


class PlainSGD:
    """w <- w - rate * gradient, with what loss scalers ask of an optimizer.

    ``torch.optim`` is left out on purpose: its first use imports the compiler and takes longer than all this.
    """

    def __init__(self, parameters: list[Tensor], rate: float) -> None:
        self.param_groups = [{"params": parameters, "lr": rate}]

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def step(self) -> None:
        """One update."""
        for group in self.param_groups:
            for parameter in group["params"]:  # type: ignore[attr-defined]
                parameter.sub_(parameter.grad, alpha=group["lr"])


class FixedScaler:
    """Loss scaling by hand, for devices without torch's: skips a step whose gradients are not finite, then halves."""

    def __init__(self, scale: float) -> None:
        self._scale, self._found = scale, False

    def scale(self, loss: Tensor) -> Tensor:
        """The loss times the scale."""
        return loss * self._scale

    def unscale_(self, optimizer: PlainSGD) -> None:
        """Divides the gradients again, and looks for what is not finite."""
        gradients = [p.grad for p in optimizer.param_groups[0]["params"]]  # type: ignore[attr-defined]
        self._found = any(not bool(gradient.isfinite().all()) for gradient in gradients)
        for gradient in gradients:
            gradient.mul_(1.0 / self._scale)

    def step(self, optimizer: PlainSGD) -> None:
        """The optimizer's step, unless gradients were not finite."""
        if not self._found:
            optimizer.step()

    def update(self) -> None:
        """A smaller scale after a step that was left out."""
        self._scale *= 0.5 if self._found else 1.0

    def get_scale(self) -> float:
        """The scale of the next loss."""
        return self._scale


def new_scaler(device: torch.device) -> tuple[str, Any]:
    """torch's GradScaler where this torch has one for the device, else one written out: ("torch" or "fixed", scaler)."""
    modern = getattr(getattr(torch, "amp", None), "GradScaler", None)
    if modern is not None and device.type != "cpu":
        return "torch", modern(device.type, init_scale=INITIAL_SCALE)
    if modern is not None:
        return "torch", modern("cpu", init_scale=INITIAL_SCALE)
    if device.type == "cuda":
        return "torch", torch.cuda.amp.GradScaler(init_scale=INITIAL_SCALE)  # type: ignore[deprecated, unused-ignore]
    return "fixed", FixedScaler(INITIAL_SCALE)


@dataclass
class _DeviceTraining(Trained):
    """The same on a device; ``non_finite`` counts elements of gradients, ``skipped`` steps left out by scaling."""

    non_finite: int = 0
    skipped: int = 0
    seen_dtype: str = ""
    seen_device: str = ""
    scaler: str = "none"
    scale: Optional[float] = None


def _train(device: torch.device, mode: str) -> _DeviceTraining:
    """STEPS steps by torch's autograd from the starting weights, in float32 or under autocast."""
    narrow = AUTOCAST[mode]
    trained = _DeviceTraining()
    weights = {name: value.to(torch.float32).to(device).requires_grad_(True) for name, value in starting_weights().items()}
    optimizer = PlainSGD(list(weights.values()), RATE)
    scaler: Any = None
    if mode == "fp16":
        trained.scaler, scaler = new_scaler(device)
    for step in range(STEPS):
        x, classes = batch(step)
        for weight in weights.values():
            weight.grad = None
        with _autocast(device, narrow) if narrow else contextlib.nullcontext():
            loss = _loss(weights, x.to(torch.float32).to(device), classes.to(device), trained)
        (scaler.scale(loss) if scaler else loss).backward()
        if scaler:
            scaler.unscale_(optimizer)
        _inspect(trained, weights, loss)
        if scaler:
            before = scaler.get_scale()
            scaler.step(optimizer)
            scaler.update()
            trained.scale = float(scaler.get_scale())
            trained.skipped += trained.scale < before
        else:
            optimizer.step()
    trained.weights = {name: value.detach() for name, value in weights.items()}
    return trained


def _autocast(device: torch.device, dtype: torch.dtype) -> Any:
    """torch's autocast. Raises NotImplementedError where it switches itself off, which it does with only a warning."""
    context = torch.autocast(device.type, dtype=dtype)
    if not getattr(context, "_enabled", True):
        raise NotImplementedError(f"autocast to {dtype_name(dtype)} is not supported on {device}")
    return context


def _loss(weights: Weights, x: Tensor, classes: Tensor, trained: _DeviceTraining) -> Tensor:
    first = torch.tanh(torch.addmm(weights["a"], x, weights["A"]))
    second = torch.tanh(torch.addmm(weights["b"], first, weights["B"]))
    trained.seen_dtype, trained.seen_device = dtype_name(second.dtype), str(second.device)
    return F.cross_entropy(torch.addmm(weights["c"], second, weights["C"]).float(), classes)


def _inspect(trained: _DeviceTraining, weights: Weights, loss: Tensor) -> None:
    """Notes loss and gradients of a step, which is not yet applied."""
    trained.losses.append(loss.item())
    for name, weight in weights.items():
        if weight.grad is None:
            raise RuntimeError(f"backward left no gradient for {name}")
    gradients = {name: to_reference(weight.grad) for name, weight in weights.items() if weight.grad is not None}
    trained.non_finite += sum(int((~gradient.isfinite()).sum()) for gradient in gradients.values())
    trained.gradients = trained.gradients or gradients


# ------------------------------------------------------------------------------------------- the comparison


def run_training(device: Union[str, torch.device], mode: str = "fp32") -> TrainingRun:
    """Trains a small network on ``device`` in a mode (``fp32``, ``bf16``, ``fp16``) and measures it (see ``TrainingRun``).

    Raises nothing but ValueError for an unknown mode: failures are part of the result.
    """
    if mode not in AUTOCAST:
        raise ValueError(f"mode {mode!r} is not known ({', '.join(AUTOCAST)} are)")
    record = Record(TrainingRun, device=str(device), mode=mode, precision=precision(), steps=STEPS, batch=BATCH, learning_rate=RATE)
    with record, torch.enable_grad():
        record.begin("float64 reference on the CPU")
        reference = reference_training()
        record.set(reference_losses=tuple(reference.losses))
        record.begin("training")
        trained = _train(torch.device(device), mode)
        record.set(
            seen_device=trained.seen_device,
            seen_dtype=trained.seen_dtype,
            losses=tuple(finite_or_none(loss) for loss in trained.losses),
            non_finite_gradients=trained.non_finite,
            skipped_steps=trained.skipped,
            scaler=trained.scaler,
            scale=trained.scale,
        )
        record.begin("comparison with the reference")
        record.set(**compare(trained, reference))
        record.begin("training, repeated")
        again = _train(torch.device(device), mode)
        differing = sum(differing_bits(value, again.weights[name]) for name, value in trained.weights.items())
        differing += sum(one != two and not (one != one and two != two) for one, two in zip(trained.losses, again.losses))
        record.set(differing_bits=differing)
    return record.result()


def compare(trained: Trained, reference: Trained) -> dict[str, Any]:
    """The deviations of a training as fields of ``TrainingRun``."""
    start = starting_weights()
    names = list(start)
    ended = {name: to_reference(trained.weights[name]) for name in names}
    pairs = list(zip(trained.losses, reference.losses))
    finite = all(math.isfinite(loss) for loss in trained.losses)
    return {
        "loss_deviation": max(abs(loss - want) / want for loss, want in pairs) if finite else None,
        "gradients": tuple(Part(name, deviation(trained.gradients[name], reference.gradients[name])) for name in names),
        "weights": _together([ended[name] for name in names], [reference.weights[name] for name in names]),
        "update": _together([ended[name] - start[name] for name in names], [reference.weights[name] - start[name] for name in names]),
    }


def _together(actual: list[Tensor], wanted: list[Tensor]) -> Deviation:
    return deviation(torch.cat([value.flatten() for value in actual]), torch.cat([value.flatten() for value in wanted]))
