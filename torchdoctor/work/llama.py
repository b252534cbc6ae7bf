"""A small Llama in plain torch: the real work that a device is asked to do.

Parameters carry the names of Hugging Face checkpoints and rotary embeddings rotate halves as theirs do,
so such a checkpoint loads unchanged (``checkpoint.py``). Runs on any device and in any floating dtype.

Shapes in comments: B batch, T new tokens, S all tokens so far, H heads, K key-value heads, D head width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from torchdoctor.work.layers import Embedding, Linear, RMSNorm, attend, rotate
from torchdoctor.work.measure import noise, weight_scale

Trace = Callable[[str, Tensor], None]


@dataclass(frozen=True)
class LlamaConfig:
    """The shape of a Llama. ``rope_scaling`` is None or the mapping of a Hugging Face config."""

    vocab_size: int = 64
    hidden_size: int = 64
    intermediate_size: int = 128
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    rope_scaling: Optional[Mapping[str, Any]] = None
    tied: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    eos: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(f"{self.heads} attention heads cannot share {self.kv_heads} key-value heads evenly")
        if self.head_dim % 2:
            raise ValueError(f"rotary embeddings need an even head width, not {self.head_dim}")


def rotary_frequencies(config: LlamaConfig) -> Tensor:
    """Inverse frequencies of the rotary embedding, (D/2,) float32 on the CPU, after the config's scaling.

    float32 because that is what models are trained with. Raises ValueError for a scaling that is not known.
    """
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.int64, device="cpu").to(torch.float32) / config.head_dim
    inverse = 1.0 / (config.rope_theta**exponents)
    scaling = config.rope_scaling or {}
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind == "default":
        return inverse
    if kind == "linear":
        return inverse / float(scaling["factor"])
    if kind == "llama3":
        return _llama3_scaling(inverse, scaling)
    raise ValueError(f"rotary scaling {kind!r} is not known (default, linear, llama3 are)")


def _llama3_scaling(inverse: Tensor, scaling: Mapping[str, Any]) -> Tensor:
    """Llama 3.1: long waves are stretched by ``factor``, short ones stay, those between are interpolated."""
    factor, low, high = (float(scaling[key]) for key in ("factor", "low_freq_factor", "high_freq_factor"))
    context = float(scaling["original_max_position_embeddings"])
    waves = 2 * math.pi / inverse
    smooth = ((context / waves - low) / (high - low)).clamp(0.0, 1.0)
    return (1 - smooth) * inverse / factor + smooth * inverse


class Cache:
    """Keys and values of all layers, (B, K, capacity, D) each, filled from the left."""

    def __init__(self, config: LlamaConfig, batch: int, capacity: int, device: Any, dtype: torch.dtype) -> None:
        shape = (batch, config.kv_heads, capacity, config.head_dim)
        self.keys = [torch.zeros(shape, device=device, dtype=dtype) for _ in range(config.layers)]
        self.values = [torch.zeros(shape, device=device, dtype=dtype) for _ in range(config.layers)]
        self.capacity = capacity
        self.length = 0

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Writes T new keys and values behind the old ones and returns all S. ``length`` is moved by the model."""
        end = self.length + keys.shape[2]
        self.keys[layer][:, :, self.length : end] = keys
        self.values[layer][:, :, self.length : end] = values
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]


class Attention(nn.Module):
    """Grouped-query attention: H/K query heads share one key-value head."""

    def __init__(self, config: LlamaConfig, layer: int, dtype: torch.dtype) -> None:
        super().__init__()
        width, head, bias = config.hidden_size, config.head_dim, config.attention_bias
        self.q_proj = Linear(width, config.heads * head, bias, dtype)
        self.k_proj = Linear(width, config.kv_heads * head, bias, dtype)
        self.v_proj = Linear(width, config.kv_heads * head, bias, dtype)
        self.o_proj = Linear(config.heads * head, width, bias, dtype)
        self.head_dim, self.layer = head, layer

    def _heads(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        return x.view(batch, length, -1, self.head_dim).transpose(1, 2)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, allowed: Optional[Tensor], cache: Optional[Cache], kind: str) -> Tensor:
        queries = rotate(self._heads(self.q_proj(x)), cos, sin)
        keys = rotate(self._heads(self.k_proj(x)), cos, sin)
        values = self._heads(self.v_proj(x))
        if cache is not None:
            keys, values = cache.extend(self.layer, keys, values)
        mixed = attend(queries, keys, values, allowed, kind)
        joined: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(x.shape[0], x.shape[1], -1))
        return joined


class FeedForward(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x))."""

    def __init__(self, config: LlamaConfig, dtype: torch.dtype) -> None:
        super().__init__()
        self.gate_proj = Linear(config.hidden_size, config.intermediate_size, config.mlp_bias, dtype)
        self.up_proj = Linear(config.hidden_size, config.intermediate_size, config.mlp_bias, dtype)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size, config.mlp_bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return result


class Block(nn.Module):
    """One layer: attention and feed-forward, each behind a norm and added to its input."""

    def __init__(self, config: LlamaConfig, layer: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.self_attn = Attention(config, layer, dtype)
        self.mlp = FeedForward(config, dtype)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps, dtype)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps, dtype)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, allowed: Optional[Tensor], cache: Optional[Cache], kind: str) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, allowed, cache, kind)
        result: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return result


class Body(nn.Module):
    """Everything but the head, under the name ``model`` that checkpoints use."""

    inv_freq: Tensor

    def __init__(self, config: LlamaConfig, dtype: torch.dtype) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = Embedding(config.vocab_size, config.hidden_size, dtype)
        self.layers = nn.ModuleList([Block(config, layer, dtype) for layer in range(config.layers)])
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps, dtype)
        self.register_buffer("inv_freq", rotary_frequencies(config), persistent=False)

    def _apply(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Follows the device but not the dtype: angles in half precision would be wrong from position 256 on."""
        done = super()._apply(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        if self.inv_freq.dtype != torch.float32:
            self.inv_freq = rotary_frequencies(self.config).to(self.inv_freq.device)
        return done

    def angles(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosine and sine for positions (B or 1, T), each (B or 1, 1, T, D)."""
        half = positions[:, None, :, None].to(torch.float32) * self.inv_freq
        both = torch.cat((half, half), dim=-1)
        return both.cos().to(dtype), both.sin().to(dtype)


class Llama(nn.Module):
    """The model. ``Llama(config)`` has empty weights: see ``seeded`` and ``checkpoint.py``."""

    def __init__(self, config: LlamaConfig, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.config = config
        self.model = Body(config, dtype)
        self.lm_head = Linear(config.hidden_size, config.vocab_size, False, dtype)
        self._tie()

    def _tie(self) -> None:
        if self.config.tied:
            self.lm_head.weight = self.model.embed_tokens.weight

    def _apply(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Ties again: on some devices ``.to()`` makes new parameters, one for each name."""
        done = super()._apply(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        self._tie()
        return done

    def new_cache(self, batch: int, capacity: int) -> Cache:
        """An empty cache on the model's device."""
        weight = self.lm_head.weight
        return Cache(self.config, batch, capacity, weight.device, weight.dtype)

    def forward(
        self,
        tokens: Tensor,
        cache: Optional[Cache] = None,
        real: Optional[Tensor] = None,
        attention: str = "math",
        trace: Optional[Trace] = None,
    ) -> Tensor:
        """Logits (B, T, V) of tokens (B, T) that follow what is in the cache.

        real: (B, S) booleans, False at padding; padding may stand on either side. Logits at padding mean nothing.
        trace: called with a name and the activations after the embedding, each block and the head.
        """
        start = cache.length if cache is not None else 0
        allowed, positions = self._mask(tokens, start, real)
        x = self.model.embed_tokens(tokens)
        if trace:
            trace("embedding", x)
        cos, sin = self.model.angles(positions, x.dtype)
        for number, block in enumerate(self.model.layers):
            x = block(x, cos, sin, allowed, cache, attention)
            if trace:
                trace(f"block {number}", x)
        if cache is not None:
            cache.length = start + tokens.shape[1]
        logits: Tensor = self.lm_head(self.model.norm(x))
        if trace:
            trace("logits", logits)
        return logits

    @staticmethod
    def _mask(tokens: Tensor, start: int, real: Optional[Tensor]) -> tuple[Optional[Tensor], Tensor]:
        """Which keys each query may see (broadcast to B, 1, T, S, or None: all), and positions (B or 1, T)."""
        end = start + tokens.shape[1]
        queries = torch.arange(start, end, device=tokens.device)
        if real is None and tokens.shape[1] == 1:
            return None, queries[None]
        keys = torch.arange(end, device=tokens.device)
        causal = keys[None, :] <= queries[:, None]
        if real is None:
            return causal[None, None], queries[None]
        # A padding query sees at least itself: a row with nothing allowed would become NaN and spread.
        itself = keys[None, :] == queries[:, None]
        allowed = causal[None] & (real[:, None, :end] | itself[None])
        positions = (real.to(torch.int64).cumsum(-1) - 1).clamp(min=0)[:, start:end]
        return allowed[:, None], positions


def seeded(config: LlamaConfig, seed: int, dtype: torch.dtype = torch.float64) -> Llama:
    """A Llama on the CPU whose weights depend only on config and seed, the same to the bit in every dtype.

    An untied head is the embedding table in another order: as in a trained model, some next token stands out,
    so that greedy generation does not hang on rounding.
    """
    model = Llama(config, dtype)
    with torch.no_grad():
        for number, (name, parameter) in enumerate(model.named_parameters()):
            shape = tuple(parameter.shape)
            if "norm" in name:
                values = 1.0 + (noise(shape, seed + number) * 8).round() / 16
            elif "embed_tokens" in name:
                values = noise(shape, seed + number)
            else:
                values = noise(shape, seed + number, weight_scale(shape[-1]))
            parameter.copy_(values)
        if not config.tied:
            order = (torch.arange(config.vocab_size) * 5 + 3) % config.vocab_size
            model.lm_head.weight.copy_(model.model.embed_tokens.weight[order] * weight_scale(config.hidden_size))
    return model.requires_grad_(False).eval()
