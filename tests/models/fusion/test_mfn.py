"""MFN: cell states, attention over two steps, gated memory."""

from __future__ import annotations

import pytest
import torch

from models.fusion.alignment import align
from models.fusion.layers import lstm_states
from models.registry import spec
from models.types import MODALITIES, Modality


@pytest.fixture
def mfn(dims):
    torch.manual_seed(5)
    return spec("mfn").build(dims).eval()


def test_states_are_those_of_the_lstm_step_by_step():
    torch.manual_seed(0)
    lstm, inputs = torch.nn.LSTM(5, 4, batch_first=True), torch.randn(3, 7, 5)
    hidden, cells = lstm_states(lstm, inputs)
    cell = torch.nn.LSTMCell(5, 4)
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in lstm.state_dict().items()})
    state = (torch.zeros(3, 4), torch.zeros(3, 4))
    for step in range(7):
        state = cell(inputs[:, step], state)
        torch.testing.assert_close(hidden[:, step], state[0])
        torch.testing.assert_close(cells[:, step], state[1])
    wanted = torch.autograd.grad(state[1].square().sum(), list(cell.parameters()))
    found = torch.autograd.grad(cells[:, -1].square().sum(), list(lstm.parameters()))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_is_the_papers_recurrence(mfn, make_features):
    """Every step of one utterance, written out as in the paper with LSTM cells."""
    features = mfn.normalised(make_features(1))
    aligned = align(features, mfn.steps)
    encoder, widths = mfn.encoder, mfn.encoder.hidden
    cells = {}
    for m in MODALITIES:
        lstm = encoder.lstms[m]
        cells[m] = torch.nn.LSTMCell(lstm.input_size, lstm.hidden_size)
        cells[m].load_state_dict({name.removesuffix("_l0"): p for name, p in lstm.state_dict().items()})
    states = {m: (torch.zeros(1, w), torch.zeros(1, w)) for m, w in zip(MODALITIES, widths, strict=True)}
    memory = torch.zeros(1, encoder.memory)
    for step in range(int(aligned.lengths[0])):
        before = [states[m][1] for m in MODALITIES]
        for m in MODALITIES:
            states[m] = cells[m](aligned.states[m][:, step], states[m])
        window = torch.cat([*before, *(states[m][1] for m in MODALITIES)], dim=1)
        attended = encoder.attention(window).softmax(1) * window
        seen = torch.cat([attended, memory], dim=1)
        proposal = encoder.proposal(attended).tanh()
        memory = encoder.retain(seen).sigmoid() * memory + encoder.update(seen).sigmoid() * proposal
    wanted = torch.cat([*(states[m][0] for m in MODALITIES), memory], dim=1)
    torch.testing.assert_close(encoder(features, aligned)[0], wanted)


@torch.no_grad()
def test_attention_per_step_sums_to_one_over_what_is_present(mfn, make_features):
    features = make_features(4)
    attention = mfn(features).traces["attention"]
    assert attention.shape == (4, mfn.steps, 2, 3)
    for row, length in zip(attention, features.text.lengths.tolist(), strict=True):
        torch.testing.assert_close(row[:length].sum((1, 2)), torch.ones(length))
        assert (row[length:] == 0).all()
    without = mfn(features.only((Modality.TEXT, Modality.VISION))).traces["attention"]
    assert (without[..., MODALITIES.index(Modality.AUDIO)] == 0).all()
    torch.testing.assert_close(without[:, 0].sum((1, 2)), torch.ones(4))


@torch.no_grad()
def test_a_wide_lstm_gets_no_larger_share_for_its_width(mfn, make_features):
    mfn.encoder.attention[-1].weight.zero_()
    mfn.encoder.attention[-1].bias.zero_()  # all coordinates alike
    shares = mfn(make_features(2)).traces["attention"][:, 0]
    torch.testing.assert_close(shares, torch.full_like(shares, 1 / 6))


@torch.no_grad()
def test_gates_lie_between_zero_and_one_and_end_with_the_utterance(mfn, make_features):
    features = make_features(3)
    traces = mfn(features).traces
    for name in ("retain", "update", "memory_norm"):
        for row, length in zip(traces[name], features.text.lengths.tolist(), strict=True):
            assert (row[:length] > 0).all() and (row[length:] == 0).all()
            assert name == "memory_norm" or (row[:length] < 1).all()
