"""Attention blocks: what masks promise, and that long inputs stay affordable."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.fusion.attention import AttentionBlock, MultiHeadAttention, shortened
from models.types import MODALITIES, Features, Sequence


@torch.no_grad()
def test_padding_of_the_memory_is_not_read():
    torch.manual_seed(0)
    attention, memory = MultiHeadAttention(8, 2), torch.randn(2, 5, 8)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    read, weights = attention(torch.randn(2, 3, 8), memory, mask)
    torch.testing.assert_close(weights.sum(3), torch.ones(2, 2, 3))
    assert (weights[1, :, :, 2:] == 0).all()
    assert read.isfinite().all()


@torch.no_grad()
def test_a_row_without_memory_passes_unchanged():
    torch.manual_seed(0)
    block, queries = AttentionBlock(8, 2), torch.randn(3, 4, 8)
    query_mask = torch.ones(3, 4, dtype=torch.bool)
    memory_mask = torch.ones(3, 5, dtype=torch.bool)
    memory_mask[1] = False
    memory = torch.randn(3, 5, 8)
    states, attention = block(queries, query_mask, memory, memory_mask)
    assert torch.equal(states[1], queries[1]) and (attention[1] == 0).all()
    alone, _ = block(queries[2:], query_mask[2:], memory[2:], memory_mask[2:])
    torch.testing.assert_close(states[2:], alone)
    assert not torch.allclose(states[2], queries[2])


def test_a_long_sequence_becomes_means_of_even_parts():
    values = torch.arange(1.0, 9.0).view(1, 8, 1).repeat(2, 1, 1)
    sequence = Sequence(values, torch.tensor([8, 3]), torch.tensor([True, True]))
    short = shortened(sequence, 4)
    assert short.lengths.tolist() == [4, 3]
    assert short.values[0, :, 0].tolist() == [1.5, 3.5, 5.5, 7.5]
    assert short.values[1, :, 0].tolist() == [1, 2, 3, 0]


def test_dropped_steps_do_not_count_in_the_means():
    values = torch.tensor([2.0, 0.0, 0.0, 0.0, 4.0, 6.0]).view(1, 6, 1)
    short = shortened(Sequence(values, torch.tensor([6]), torch.tensor([True])), 3)
    assert short.values[0, :, 0].tolist() == [2, 0, 5]


@pytest.mark.parametrize("name", ["lrcmt", "tfr_net", "tate"])
@torch.no_grad()
def test_a_minute_of_voice_costs_no_more_than_the_longest_attention(name, build_method, make_features):
    """Attention over every state of a long clip would take memory with the square of its length."""
    model = build_method(name).eval()
    most, usual = model.most_steps, make_features(2, steps=20)
    lengthy = {
        m: replace(usual[m], values=torch.randn(2, 750, d), lengths=torch.tensor([750, 300]))
        for m, d in model.dims.items()
        if m in MODALITIES[1:]
    }
    prediction = model(Features(text=usual.text, **lengthy))
    assert prediction.score.isfinite().all()
    shown = [*prediction.traces.values(), *(x[..., 0] for x in prediction.reconstructions.values())]
    assert max(max(tensor.shape[1:]) for tensor in shown) <= most
