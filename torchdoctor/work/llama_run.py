"""A small Llama at work on one device, held against the same Llama in float64 on the CPU."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Optional, Union

import torch
from torch import Tensor

from torchdoctor.facts.work import LlamaRun, Part
from torchdoctor.work.generate import Completion, generate, log_probabilities
from torchdoctor.work.llama import Llama, LlamaConfig, seeded
from torchdoctor.work.measure import Record, deviation, differing_bits, dtype_name, dtype_of, failure_of, noise, precision, to_reference

SMALL = LlamaConfig()
LARGE = LlamaConfig(vocab_size=512, hidden_size=512, intermediate_size=1408, layers=4, heads=8, kv_heads=2, head_dim=64)
# Seeds for which the reference's best token stands well clear of the second best on the whole greedy way.
SEEDS = {SMALL: 19900, LARGE: 0}
LENGTHS = {SMALL: 12, LARGE: 256}
PROMPTS = ((3, 14, 15), (9, 2, 6, 5, 35), (58, 9, 7, 9, 32, 38))
NEW_TOKENS = 4
DECODED = 2  # tokens that are decoded one by one behind the prefill
SAMPLED_ROWS = 3
TEMPERATURE, TOP_P, SAMPLING_SEED = 1.0, 0.8, 7
NUCLEUS_SLACK = 1e-4  # probability mass by which float32 sums on the device may move a nucleus' edge


@dataclass(frozen=True)
class _Reference:
    """What the float64 model on the CPU says. ``stages`` are name and activations, ``logits`` the last of them."""

    model: Llama
    tokens: Tensor
    stages: tuple[tuple[str, Tensor], ...]
    logits: Tensor
    greedy: tuple[Completion, ...]
    margin: float


@functools.lru_cache(maxsize=2)
def _reference(config: LlamaConfig) -> _Reference:
    """Computed once for all dtypes and devices of a process."""
    model = seeded(config, SEEDS[config])
    tokens = (noise((2, LENGTHS[config]), 11) * 128 + 128).to(torch.int64) % config.vocab_size
    stages: list[tuple[str, Tensor]] = []
    logits = model(tokens, trace=lambda name, value: stages.append((name, value)))
    gaps: list[float] = []
    largest: list[float] = []

    def watch(index: int, row_logits: Tensor) -> None:
        best = row_logits.topk(2, dim=-1).values
        gaps.extend(float(gap) for gap, prompt in zip(best[:, 0] - best[:, 1], PROMPTS) if index >= len(prompt))
        largest.append(float(row_logits.abs().max()))

    greedy = generate(model, PROMPTS, NEW_TOKENS, watch=watch)
    return _Reference(model, tokens, tuple(stages), logits, greedy, min(gaps) / max(largest))


def run_llama(device: Union[str, torch.device], dtype: Union[str, torch.dtype] = "float32", full: bool = False) -> LlamaRun:
    """Does everything a Llama does, on ``device`` in ``dtype``, and measures it (see ``LlamaRun``).

    full: a larger model and a longer sequence, for ``--full``. Raises nothing: failures are part of the result.
    """
    name = dtype if isinstance(dtype, str) else dtype_name(dtype)
    record = Record(LlamaRun, threads=None if full else 1, device=str(device), dtype=name, precision=precision())
    with record, torch.no_grad():
        record.begin("float64 reference on the CPU")
        reference = _reference(LARGE if full else SMALL)
        record.begin("model to the device")
        config = reference.model.config
        model = seeded(config, SEEDS[config], dtype_of(name)).to(torch.device(device))
        record.set(
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            layers=config.layers,
            width=config.hidden_size,
            length=reference.tokens.shape[1],
        )
        tokens = reference.tokens.to(model.lm_head.weight.device)
        logits = _forward(record, model, tokens, reference)
        _fused(record, model, tokens, reference)
        _cached(record, model, tokens, logits, reference)
        _padded(record, model)
        _greedy(record, model, reference)
        _stop(record, model)
        _sample(record, model)
    return record.result()


def _forward(record: Record[LlamaRun], model: Llama, tokens: Tensor, reference: _Reference) -> Tensor:
    """Full forward, stage by stage; again for the bits; probabilities."""
    record.begin("full forward")
    stages: list[tuple[str, Tensor]] = []
    logits: Tensor = model(tokens, trace=lambda name, value: stages.append((name, value)))
    record.set(seen_device=str(logits.device), seen_dtype=dtype_name(logits.dtype))
    parts = tuple(Part(name, deviation(value, want)) for (name, value), (_, want) in zip(stages, reference.stages))
    record.set(stages=parts, forward=parts[-1].deviation)
    record.begin("full forward, repeated")
    record.set(differing_bits=differing_bits(logits, model(tokens)))
    record.begin("log-probabilities")
    sums = log_probabilities(logits).exp().sum(-1).log().abs()
    largest = to_reference(sums).max().item()
    record.set(logprob_sum=largest if largest == largest else float("inf"))
    return logits


def _fused(record: Record[LlamaRun], model: Llama, tokens: Tensor, reference: _Reference) -> None:
    """The same by torch's fused attention; a failure here says nothing about the rest."""
    record.begin("forward by scaled_dot_product_attention")
    if not hasattr(torch.nn.functional, "scaled_dot_product_attention"):
        return
    try:
        record.set(forward_sdpa=deviation(model(tokens, attention="sdpa"), reference.logits))
    except Exception as error:
        record.set(sdpa_failure=failure_of(error))


def _cached(record: Record[LlamaRun], model: Llama, tokens: Tensor, logits: Tensor, reference: _Reference) -> None:
    """Prefill of all but the last tokens, then those one by one."""
    record.begin("prefill")
    length = tokens.shape[1]
    cache = model.new_cache(len(tokens), length)
    pieces = [model(tokens[:, : length - DECODED], cache)]
    record.begin("decode with cache")
    pieces += [model(tokens[:, index : index + 1], cache) for index in range(length - DECODED, length)]
    whole = torch.cat(pieces, dim=1)
    record.set(cached=deviation(whole, to_reference(logits)), cached_reference=deviation(whole, reference.logits))


def _padded(record: Record[LlamaRun], model: Llama) -> None:
    """The logits behind two prompts, in a batch padded on the left, against each prompt alone."""
    record.begin("batch of padded prompts")
    device = model.lm_head.weight.device
    prompts = PROMPTS[:2]
    length = max(map(len, prompts))
    rows = [[0] * (length - len(prompt)) + list(prompt) for prompt in prompts]
    real = torch.tensor([[index >= length - len(prompt) for index in range(length)] for prompt in prompts]).to(device)
    together = model(torch.tensor(rows).to(device), real=real)[:, -1]
    alone = torch.cat([model(torch.tensor([prompt]).to(device))[:, -1] for prompt in prompts])
    record.set(padded=deviation(together, to_reference(alone)))


def _greedy(record: Record[LlamaRun], model: Llama, reference: _Reference) -> None:
    record.begin("greedy generation of a batch")
    record.set(greedy_reference=tuple(done.tokens for done in reference.greedy), greedy_margin=reference.margin)
    record.set(greedy=tuple(done.tokens for done in generate(model, PROMPTS, NEW_TOKENS)))
    record.begin("greedy generation of one prompt")
    record.set(greedy_alone=generate(model, PROMPTS[-1:], NEW_TOKENS)[0].tokens)


def _stop(record: Record[LlamaRun], model: Llama) -> None:
    """Takes a token of the device's own greedy output as end of text: generation must be cut there, and not before."""
    record.begin("stop at the end-of-text token")
    alone: tuple[int, ...] = record.get("greedy_alone")
    end = alone[NEW_TOKENS // 2]
    done = generate(model, PROMPTS[-1:], NEW_TOKENS, stop=(end,))[0]
    record.set(stopped=done.stopped and done.tokens == alone[: alone.index(end)])


def _sample(record: Record[LlamaRun], model: Llama) -> None:
    """Top-p with a seed, twice; each token is looked up in a nucleus computed anew in Python's floats."""
    record.begin("top-p sampling")
    seen: dict[int, list[list[float]]] = {}

    def watch(index: int, logits: Tensor) -> None:
        seen[index] = to_reference(logits).div(TEMPERATURE).softmax(-1).tolist()

    first = _sampled(model, watch)
    sizes, outside = [], 0
    for number, done in enumerate(first):
        for offset, token in enumerate(done.tokens):
            size, inside = _in_nucleus(seen[len(PROMPTS[0]) + offset][number], token)
            sizes.append(size)
            outside += not inside
    record.set(sampled=len(sizes), outside_nucleus=outside, nucleus_smallest=min(sizes), nucleus_largest=max(sizes))
    record.begin("top-p sampling, repeated")
    record.set(sampling_repeats=[done.tokens for done in _sampled(model)] == [done.tokens for done in first])


def _sampled(model: Llama, watch: Optional[Any] = None) -> tuple[Completion, ...]:
    generator = torch.Generator(device="cpu")
    generator.manual_seed(SAMPLING_SEED)
    return generate(model, PROMPTS[:1] * SAMPLED_ROWS, NEW_TOKENS, TEMPERATURE, TOP_P, generator, watch=watch)


def _in_nucleus(probabilities: list[float], token: int) -> tuple[int, bool]:
    """Size of the nucleus, and whether the token is in it: the mass before it must not exceed top-p."""
    mass, size = 0.0, 0
    for probability in sorted(probabilities, reverse=True):
        if mass > TOP_P:
            break
        mass += probability
        size += 1
    before = sum(p for p in probabilities if p > probabilities[token])
    return size, before <= TOP_P + NUCLEUS_SLACK
