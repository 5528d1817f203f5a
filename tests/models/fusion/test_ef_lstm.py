"""EF-LSTM: one LSTM over the joined states."""

from __future__ import annotations

import pytest
import torch

from models.fusion.alignment import align
from models.registry import spec
from models.types import Modality


@pytest.fixture
def ef_lstm(dims):
    torch.manual_seed(5)
    return spec("ef_lstm").build(dims).eval()


@torch.no_grad()
def test_reads_the_state_after_the_last_real_step(ef_lstm, make_features):
    features = ef_lstm.normalised(make_features(4))
    aligned = align(features, ef_lstm.steps)
    encoding, _ = ef_lstm.encoder(features, aligned)
    assert len(set(aligned.lengths.tolist())) > 1
    for row, length in enumerate(aligned.lengths.tolist()):
        _, (last, _) = ef_lstm.encoder.lstm(aligned.joined()[row : row + 1, :length])
        torch.testing.assert_close(encoding[row], last[0, 0])


@torch.no_grad()
def test_order_of_the_words_matters(ef_lstm, make_features):
    features = make_features(1).only((Modality.TEXT,))
    steps = int(features.text.lengths[0])
    turned = features.text.values.clone()
    turned[0, :steps] = turned[0, :steps].flip(0)
    before = ef_lstm(features).score
    features.text.values.copy_(turned)
    assert (ef_lstm(features).score - before).abs() > 1e-5


@torch.no_grad()
def test_norms_end_with_the_utterance(ef_lstm, make_features):
    features = make_features(3)
    norms = ef_lstm(features).traces["hidden_norm"]
    assert norms.shape == (3, ef_lstm.steps)
    for row, length in zip(norms, features.text.lengths.tolist(), strict=True):
        assert (row[:length] > 0).all() and (row[length:] == 0).all()
