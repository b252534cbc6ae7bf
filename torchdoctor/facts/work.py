"""Facts of real work: what the training step, the Llama forward pass and their company measured.

Numbers only, no judgement; ``torchdoctor/work/`` makes them in the patient's process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from torchdoctor.facts.base import Failure


@dataclass(frozen=True)
class Deviation:
    """How far an array is from its reference.

    largest: the largest absolute difference divided by the largest absolute value of the reference (no
        unit; elements that are not finite are left out and counted instead).
    rms: root mean square of the differences divided by the reference's root mean square (no unit).
    non_finite: elements that are NaN or infinite although the reference is finite there.
    elements: how many were compared.
    """

    largest: float
    rms: float
    non_finite: int
    elements: int


@dataclass(frozen=True)
class Part:
    """One piece of a work: its deviation, or why there is none.

    ``unavailable`` is a reason in words where this torch or machine does not offer the piece at all.
    """

    name: str
    deviation: Optional[Deviation] = None
    failure: Optional[Failure] = None
    unavailable: Optional[str] = None


@dataclass(frozen=True)
class LlamaRun:
    """What a small Llama did on a device, against a float64 model with the same weights on the CPU.

    device, dtype, attention: as asked for (``cuda:0``, ``bfloat16``, ``math``).
    seen_device, seen_dtype: of the logits that came out.
    precision: ``torch.get_float32_matmul_precision()``; ``high`` or ``medium`` allow TF32 and the like.
    parameters, layers, width: size of the model; ``length`` is the longest sequence in tokens.
    stages: deviation after the embedding, after each block, and of the logits, in order of computation.
    forward: full forward against the reference. forward_sdpa: the same by ``scaled_dot_product_attention``.
    cached: prefill and token-by-token decode against the full forward of the same device.
    cached_reference: the same against the reference.
    padded: a batch of prompts of different lengths, padded, against each prompt alone on this device.
    differing_bits: elements of a repeated forward that are not bit for bit the same (0: repeatable).
    greedy, greedy_reference: new tokens of each prompt on the device and of the reference.
    greedy_margin: smallest distance between the reference's best two logits on its way, divided by its
        largest logit (comparable with ``Deviation.largest``: only above it must the tokens be the same).
    greedy_alone: new tokens of the last prompt, the longest, when it is generated alone on the device.
    sampled: number of tokens sampled by top-p. outside_nucleus: those that were not in their nucleus.
    nucleus_smallest, nucleus_largest: sizes of the nuclei, in tokens.
    sampling_repeats: whether the same seed gave the same tokens again.
    logprob_sum: largest distance of the logarithm of the summed probabilities from 0.
    stopped: whether generation ended at the end-of-text token, and only there.
    failure, failed_step: the exception that ended the work, and where. sdpa_failure: of the SDPA forward only.
    """

    device: str
    dtype: str
    attention: str = "math"
    seen_device: Optional[str] = None
    seen_dtype: Optional[str] = None
    precision: Optional[str] = None
    parameters: int = 0
    layers: int = 0
    width: int = 0
    length: int = 0
    stages: tuple[Part, ...] = ()
    forward: Optional[Deviation] = None
    forward_sdpa: Optional[Deviation] = None
    sdpa_failure: Optional[Failure] = None
    cached: Optional[Deviation] = None
    cached_reference: Optional[Deviation] = None
    padded: Optional[Deviation] = None
    differing_bits: Optional[int] = None
    greedy: tuple[tuple[int, ...], ...] = ()
    greedy_reference: tuple[tuple[int, ...], ...] = ()
    greedy_margin: Optional[float] = None
    greedy_alone: tuple[int, ...] = ()
    sampled: int = 0
    outside_nucleus: Optional[int] = None
    nucleus_smallest: Optional[int] = None
    nucleus_largest: Optional[int] = None
    sampling_repeats: Optional[bool] = None
    logprob_sum: Optional[float] = None
    stopped: Optional[bool] = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class TrainingRun:
    """A few steps of mini-batch SGD on a device, against formulas written by hand in float64 on the CPU.

    mode: ``fp32``, or ``bf16`` / ``fp16`` for autocast (fp16 with scaled losses).
    seen_dtype: dtype of the activations that came out of the first layer.
    losses, reference_losses: mean loss of each step's batch, in nats; None where it is not finite.
    loss_deviation: largest relative difference between the two.
    gradients: deviation of every parameter's gradient in the first step.
    update: deviation of the summed weight updates (weights after minus before), all parameters together.
    weights: deviation of the weights after the last step, all parameters together.
    non_finite_gradients: elements of gradients that were NaN or infinite, over all steps.
    skipped_steps: steps that loss scaling left out because of them.
    scaler: ``none``, ``torch`` (GradScaler) or ``fixed`` (written out). scale: the loss scale after the last step.
    differing_bits: weights and losses of a second run from the same start that are not bit for bit the same.
    """

    device: str
    mode: str
    seen_device: Optional[str] = None
    seen_dtype: Optional[str] = None
    precision: Optional[str] = None
    steps: int = 0
    batch: int = 0
    learning_rate: float = 0.0
    losses: tuple[Optional[float], ...] = ()
    reference_losses: tuple[float, ...] = ()
    loss_deviation: Optional[float] = None
    gradients: tuple[Part, ...] = ()
    update: Optional[Deviation] = None
    weights: Optional[Deviation] = None
    non_finite_gradients: Optional[int] = None
    skipped_steps: int = 0
    scaler: str = "none"
    scale: Optional[float] = None
    differing_bits: Optional[int] = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class TrainingFullRun:
    """The longer look at training, each part against its own reference.

    parts: ``adamw`` and ``momentum`` (optimizers against float64 formulas), ``accumulation`` (against one big
    batch), ``checkpointing`` (against the plain backward), ``clipping`` and ``clipping-norm`` (the clipped
    gradients and their length, against float64) and ``compile`` (against eager).
    misplaced: optimizer states that are not on the device of their parameter, ``name on device``.
    """

    device: str
    parts: tuple[Part, ...] = ()
    misplaced: tuple[str, ...] = ()
    precision: Optional[str] = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class Misplaced:
    """Something that is not where it was sent. kind: parameter, buffer, gradient, state, output or generator."""

    name: str
    kind: str
    device: str


@dataclass(frozen=True)
class RoundTrip:
    """Values sent CPU -> device -> CPU. outcome: ``same``, ``differs``, ``unsupported`` or ``failed``; detail says how or why."""

    dtype: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True)
class MixedOperator:
    """An operator given one tensor of the device and one of the CPU: ``computed`` when it raised nothing."""

    operator: str
    computed: bool
    message: str = ""


@dataclass(frozen=True)
class PlacementRun:
    """Whether tensors and modules end up where they are sent, with their values.

    placed: how many things were looked at. misplaced: those found elsewhere.
    ties_kept: whether two names of one parameter still are one parameter after ``.to()``.
    round_trips: one for each dtype, and one for a larger block (named ``block``).
    mixed: operators between the device and the CPU; empty where the device is the CPU.
    """

    device: str
    placed: int = 0
    misplaced: tuple[Misplaced, ...] = ()
    ties_kept: Optional[bool] = None
    generator_failure: Optional[Failure] = None
    round_trips: tuple[RoundTrip, ...] = ()
    mixed: tuple[MixedOperator, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class DtypeRun:
    """A dtype really used on a device, against float64 on the CPU from the same rounded inputs.

    seen_dtype: dtype of a product of two matrices of that dtype.
    parts: ``matmul``, ``add``, ``softmax`` and ``softmax-backward``.
    terms: number of products that are summed for one element of the matmul.
    """

    device: str
    dtype: str
    seen_dtype: Optional[str] = None
    precision: Optional[str] = None
    terms: int = 0
    parts: tuple[Part, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""


@dataclass(frozen=True)
class MixedTraining:
    """The training step under autocast: bfloat16, and float16 with scaled losses."""

    device: str
    bf16: TrainingRun
    fp16: TrainingRun


@dataclass(frozen=True)
class LlamaLong:
    """The longer Llama runs of ``--full``: a larger model in float32, and in both half precisions."""

    device: str
    float32: LlamaRun
    bfloat16: LlamaRun
    float16: LlamaRun


@dataclass(frozen=True)
class TransformersRun:
    """The same Llama through the patient's own transformers. ``not_run`` says why it was not tried.

    forward: logits of ``LlamaForCausalLM`` on the device against the float64 reference of the same weights.
    auto_device, auto: with ``device_map="auto"`` where accelerate is installed: where it put the model, and its logits' deviation.
    """

    device: str
    not_run: str = ""
    version: Optional[str] = None
    accelerate: Optional[str] = None
    layers: int = 0
    forward: Optional[Deviation] = None
    auto_device: Optional[str] = None
    auto: Optional[Deviation] = None
    warnings: tuple[str, ...] = ()
    failure: Optional[Failure] = None
    failed_step: str = ""
    seconds: float = 0.0
