"""The pieces of a Llama that hold no configuration: projections, norm, rotation, attention.

Shapes in comments: B batch, T new tokens, S all tokens so far, H heads, K key-value heads, D head width.
"""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Linear(nn.Module):
    """A linear layer without initialisation, so that building a model draws no random numbers."""

    def __init__(self, inputs: int, outputs: int, bias: bool, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, dtype=dtype, device="cpu"))
        self.bias = nn.Parameter(torch.empty(outputs, dtype=dtype, device="cpu")) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Embedding(nn.Module):
    """A table of token vectors."""

    def __init__(self, words: int, width: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(words, width, dtype=dtype, device="cpu"))

    def forward(self, tokens: Tensor) -> Tensor:
        return F.embedding(tokens, self.weight)


def widened(dtype: torch.dtype) -> torch.dtype:
    """The dtype for sums of squares and softmax: float32 for half precisions, else the dtype itself."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight, with the mean taken in ``widened`` precision."""

    def __init__(self, width: int, eps: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, dtype=dtype, device="cpu"))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(widened(x.dtype))
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        result: Tensor = self.weight * wide.to(x.dtype)
        return result


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of x (B, heads, T, D): element i is paired with element i + D/2."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def attend(queries: Tensor, keys: Tensor, values: Tensor, allowed: Optional[Tensor], kind: str) -> Tensor:
    """softmax(q k^T / sqrt(D)) v, (B, H, T, D), where ``allowed`` (B or 1, 1, T, S; None: everywhere).

    kind ``math`` writes it out, ``sdpa`` uses the fused operator of torch 2.0 and newer. Neighbouring query
    heads share a key-value head (B, K, S, D).
    """
    batch, heads, length, width = queries.shape
    shared, total = keys.shape[1], keys.shape[2]
    groups = heads // shared
    if kind == "sdpa":
        if groups > 1:
            keys, values = keys.repeat_interleave(groups, dim=1), values.repeat_interleave(groups, dim=1)
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=allowed)
    if kind != "math":
        raise ValueError(f"attention {kind!r} is not known (math, sdpa are)")
    # The heads of one group are stacked along T, so that keys and values need no copies.
    stacked = queries.reshape(batch, shared, groups * length, width)
    scores = stacked @ keys.transpose(-1, -2) * (width**-0.5)
    if allowed is not None:
        scores = scores.view(batch, shared, groups, length, total).masked_fill(~allowed[:, :, None], float("-inf"))
    weights = scores.softmax(-1, dtype=widened(scores.dtype)).to(values.dtype)
    mixed: Tensor = weights.view(batch, shared, groups * length, total) @ values
    return mixed.view(batch, heads, length, width)
