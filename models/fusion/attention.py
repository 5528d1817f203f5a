"""What attention over time needs in several methods: heads with masks, a pre-norm block, bounded lengths."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from models.types import Features, Sequence


class MultiHeadAttention(nn.Module):
    """Queries read a memory; padding of the memory gets no attention.

    Not nn.MultiheadAttention, which returns the attention after dropout: maps would be noise in training.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0):
        super().__init__()
        if width % heads:
            raise ValueError(f"width must be a multiple of heads; got width {width} and {heads} heads")
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, memory: Tensor, memory_mask: Tensor) -> tuple[Tensor, Tensor]:
        """queries (B, T, d), memory (B, S, d), memory_mask (B, S), some True in every row
        -> read (B, T, d), attention (B, heads, T, S), rows of which sum to 1.
        """
        query, key, value = (
            linear(states).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for linear, states in ((self.query, queries), (self.key, memory), (self.value, memory))
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(key.shape[3])
        attention = scores.masked_fill(~memory_mask[:, None, None], -torch.inf).softmax(3)
        read = (self.dropout(attention) @ value).transpose(1, 2).flatten(2)
        return self.out(read), attention


class AttentionBlock(nn.Module):
    """Pre-norm transformer block: attention and feed-forward layer, each added to what it reads.

    A row whose memory or whose queries are empty passes unchanged: an absent modality adds nothing.
    width : of queries and memory; the feed-forward layer is twice as wide
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0):
        super().__init__()
        self.query_norm, self.memory_norm, self.forward_norm = (nn.LayerNorm(width) for _ in range(3))
        self.attention = MultiHeadAttention(width, heads, dropout)
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, queries: Tensor, query_mask: Tensor, memory: Tensor, memory_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """queries (B, T, d), memory (B, S, d) and their masks -> states (B, T, d), attention (B, T, S).

        The attention is the mean over heads, for display: without a gradient, zero at padding.
        """
        rows = (query_mask.any(1) & memory_mask.any(1)).nonzero()[:, 0]
        if len(rows) == len(queries):
            return self._attend(queries, query_mask, memory, memory_mask)
        states, attention = queries, queries.new_zeros(*query_mask.shape, memory_mask.shape[1])
        if len(rows):
            part = (tensor[rows] for tensor in (queries, query_mask, memory, memory_mask))
            attended, weights = self._attend(*part)
            states = states.index_copy(0, rows, attended)
            attention = attention.index_copy(0, rows, weights)
        return states, attention

    def _attend(
        self, queries: Tensor, query_mask: Tensor, memory: Tensor, memory_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        read, attention = self.attention(self.query_norm(queries), self.memory_norm(memory), memory_mask)
        states = queries + self.dropout(read)
        states = states + self.dropout(self.feed_forward(self.forward_norm(states)))
        return states, attention.detach().mean(1) * query_mask[..., None]


class SelfAttentionBlock(AttentionBlock):
    """The block with its own queries as memory."""

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """states (B, T, d), mask (B, T) -> states (B, T, d), attention (B, T, T)."""
        return super().forward(states, mask, states, mask)


def positions(steps: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Sinusoidal encoding of the steps 0 … steps - 1: (steps, width), width even (Vaswani et al., 2017)."""
    rates = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10_000.0) / width))
    angles = torch.arange(steps, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def all_shortened(features: Features, most: int) -> Features:
    """Each modality `shortened`."""
    return Features(**{modality: shortened(sequence, most) for modality, sequence in features})


def shortened(sequence: Sequence, most: int) -> Sequence:
    """The sequence with at most `most` steps a row: a longer row becomes the means of as many even parts.

    Attention takes memory that grows with the square of the steps: a minute of voice would fill a machine.
    Steps that are zero in every coordinate, standardised ones that dropped, do not count in a mean; a part
    of nothing else stays zero. Padding and absent rows become zero; token ids and times are left out.
    """
    values, steps = sequence.clean(), sequence.values.shape[1]
    lengths = sequence.lengths.clamp_max(most)
    if steps > most:
        step = torch.arange(steps, device=values.device)
        part = step * lengths[:, None] // sequence.lengths.clamp_min(1)[:, None]
        counted = (values != 0).any(2)
        belongs = (part[:, None] == torch.arange(most, device=values.device)[:, None]) & counted[:, None]
        shares = belongs / belongs.sum(2, keepdim=True).clamp_min(1)
        values = torch.bmm(shares, values)
    return replace(sequence, values=values, lengths=lengths, ids=None, times=None)
