"""Self-attention with a learned bias per distance, over the keys of a frame and over the frames of a key."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tivit.model.linear import TokenLinear

FAR_SIDE_BIAS = 3.0
"""How much lower (logit) the attention to the far side starts: that side then weighs a twentieth of the other."""
QUERY_BLOCK = 96
"""Queries whose attention is computed at a time in `eval()` mode."""
BLOCK_TOKENS, FEWEST_SEQUENCES = 2816, 16
"""About so many tokens are taken through an attention at a time in `eval()` mode, so that what is computed of them stays in the
processor's cache; and at least so many sequences, which `TokenLinear` is fast with."""


class BiasedAttention(nn.Module):
    """Self-attention over sequences (N, L, dim) with a learned bias per head and distance, as far as `reach`.

    In training the attention is written out, because with a learned bias torch's own `scaled_dot_product_attention` takes a
    third longer on a CPU. Without gradients torch's takes a quarter of the time. Then queries are taken in blocks, each of
    which meets only the keys within its reach.
    """

    def __init__(self, dim: int, heads: int, reach: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.reach = heads, reach
        self.norm = nn.LayerNorm(dim)
        self.qkv = TokenLinear(dim, 3 * dim)
        self.dropout = nn.Dropout(dropout)
        self.out = TokenLinear(dim, dim)
        self.bias = nn.Parameter(_sided_bias(heads, reach))

    def forward(self, x: Tensor) -> Tensor:
        place = torch.arange(x.shape[1], device=x.device)
        distance = place - place.unsqueeze(1)  # (L, L)
        bias = self.bias[:, distance.clamp(-self.reach, self.reach) + self.reach]  # (heads, L, L)
        bias = bias.masked_fill(distance.abs() > self.reach, float("-inf"))
        return self._learning(x, bias) if self.training else self._answering(x, bias)

    def _learning(self, x: Tensor, bias: Tensor) -> Tensor:
        q, k, v = self._projected(x)
        weights = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias, dim=-1)
        return self._joined(self.dropout(weights).to(v.dtype) @ v)

    def _answering(self, x: Tensor, bias: Tensor) -> Tensor:
        parts = []
        for part in x.split(max(BLOCK_TOKENS // x.shape[1], FEWEST_SEQUENCES)):
            q, k, v = self._projected(part)
            parts.append(self._joined(self._near(q, k, v, bias.to(v.dtype))))
        return torch.cat(parts)

    def _near(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        length, parts = q.shape[2], []
        for first in range(0, length, QUERY_BLOCK):
            end = min(first + QUERY_BLOCK, length)
            near = slice(max(first - self.reach, 0), min(end + self.reach, length))
            mask = bias[None, :, first:end, near]
            parts.append(F.scaled_dot_product_attention(q[:, :, first:end], k[:, :, near], v[:, :, near], attn_mask=mask))
        return torch.cat(parts, dim=2)

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, (N, heads, L, dim / heads) each."""
        q, k, v = self.qkv(self.norm(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return q, k, v

    def _joined(self, y: Tensor) -> Tensor:
        """Return the result for sequences, (N, L, dim), from that of the heads, (N, heads, L, dim / heads)."""
        return self.out(y.transpose(1, 2).flatten(2))


def _sided_bias(heads: int, reach: int) -> Tensor:
    """Return biases (heads, 2 reach + 1) by which each head first looks to one side; learned from zero that takes too long."""
    # By numpy: on the device "meta", where `load_checkpoint` tries the sizes of a file, torch.arange takes a second of imports.
    distance, side = np.arange(-reach, reach + 1), 1 - 2 * (np.arange(heads) % 2)
    return torch.from_numpy(-FAR_SIDE_BIAS * ((side[:, None] * distance) > 0).astype(np.float32))
