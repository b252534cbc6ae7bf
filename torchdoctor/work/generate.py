"""Generation with a cache: prefill, then token by token, for prompts of different lengths.

As in Meta's reference: the batch starts at the shortest prompt's end, rows whose prompt is longer are fed
their own prompt tokens, and an end-of-text token counts only behind the prompt.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Callable, Optional

import torch
from torch import Tensor

from torchdoctor.work.layers import widened
from torchdoctor.work.llama import Llama

# Called with the index of the token to be chosen and its logits (B, V), before it is chosen.
Watch = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class Completion:
    """What was generated behind one prompt, the end-of-text token left out, with natural log-probabilities.

    stopped: whether an end-of-text token ended it.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    stopped: bool


def nucleus(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor, Tensor]:
    """The smallest sets of tokens whose probability exceeds ``top_p``, for rows (B, V).

    Returns the probabilities in descending order, the mask of those in the nucleus, and their token numbers.
    """
    ordered, tokens = probabilities.sort(dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    return ordered, before <= top_p, tokens


def sample_top_p(probabilities: Tensor, top_p: float, generator: torch.Generator) -> Tensor:
    """One token (B,) of each row's nucleus.

    The random number is drawn on the CPU and the distribution inverted on the device, so that a seed gives
    the same tokens on every device, and no device needs a generator of its own.
    """
    ordered, inside, tokens = nucleus(probabilities, top_p)
    mass = (ordered * inside).cumsum(-1)
    drawn = torch.rand(len(probabilities), 1, generator=generator, dtype=torch.float32, device="cpu").to(mass.device)
    place = (mass <= drawn * mass[:, -1:]).sum(-1, keepdim=True)
    place = torch.minimum(place, inside.sum(-1, keepdim=True) - 1).clamp(min=0)  # neither rounding nor NaN may lead out of it
    return tokens.gather(-1, place)[:, 0]


def log_probabilities(logits: Tensor) -> Tensor:
    """Natural log-probabilities in at least float32."""
    return logits.log_softmax(-1, dtype=widened(logits.dtype))


def choose(logits: Tensor, temperature: float, top_p: float, generator: Optional[torch.Generator]) -> Tensor:
    """The next token (B,) for logits (B, V): the best one at temperature 0, else sampled from the nucleus."""
    if temperature <= 0:
        return logits.argmax(-1)
    if generator is None:
        raise ValueError("sampling needs a generator")
    return sample_top_p(log_probabilities(logits.to(widened(logits.dtype)) / temperature).exp(), top_p, generator)


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def generate(
    model: Llama,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    temperature: float = 0.0,
    top_p: float = 0.9,
    generator: Optional[torch.Generator] = None,
    stop: Optional[Collection[int]] = None,
    attention: str = "math",
    watch: Optional[Watch] = None,
) -> tuple[Completion, ...]:
    """Continues each prompt by at most ``max_new_tokens`` tokens, greedily at temperature 0.

    generator: a seeded CPU generator, needed for sampling. stop: end-of-text tokens (default: the config's).
    Raises ValueError for an empty prompt.
    """
    if not prompts or not all(prompts):
        raise ValueError("every prompt needs at least one token")
    stops = model.config.eos if stop is None else stop
    device = model.lm_head.weight.device
    rows = [_Row(list(prompt), max_new_tokens) for prompt in prompts]
    shortest, longest = min(map(len, prompts)), max(map(len, prompts)) + max_new_tokens
    cache = model.new_cache(len(rows), longest)
    fed = 0
    for index in range(shortest, longest):
        tokens = torch.tensor([row.tokens[fed:index] for row in rows], dtype=torch.int64).to(device)
        logits = model(tokens, cache, attention=attention)[:, -1]
        if watch is not None:
            watch(index, logits)
        chosen = choose(logits, temperature, top_p, generator)
        logprobs = log_probabilities(logits).gather(-1, chosen[:, None])[:, 0]
        for row, token, logprob in zip(rows, chosen.to("cpu").tolist(), logprobs.to("cpu").tolist()):
            row.take(index, token, logprob, stops)
        if all(row.done for row in rows):
            break
        fed = index
    return tuple(Completion(tuple(row.new), tuple(row.logprobs), row.stopped) for row in rows)


class _Row:
    """One prompt on its way through the batch. ``tokens`` is what the model is fed, ``new`` what counts."""

    def __init__(self, prompt: list[int], limit: int) -> None:
        self.tokens, self.start, self.limit = prompt, len(prompt), limit
        self.new: list[int] = []
        self.logprobs: list[float] = []
        self.stopped = False
        self.done = limit <= 0

    def take(self, index: int, token: int, logprob: float, stops: Collection[int]) -> None:
        """Appends a chosen token, unless the prompt still goes on; finished rows go on without counting."""
        if index < self.start:
            return
        self.tokens.append(token)
        if self.done:
            return
        if token in stops:
            self.stopped = self.done = True
            return
        self.new.append(token)
        self.logprobs.append(logprob)
        self.done = len(self.new) >= self.limit
