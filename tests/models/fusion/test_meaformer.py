"""MEAformer: a clip's weights are the attention that its modalities receive."""

from __future__ import annotations

import math

import pytest
import torch

from models.fusion.meaformer import ModalityAttention, meta_weights
from models.registry import spec
from models.types import Modality


@pytest.fixture
def meaformer(dims):
    torch.manual_seed(5)
    model = spec("meaformer").build(dims).eval()
    with torch.no_grad():
        model.hybrid.attention.query.weight *= 200  # decided enough for the weights to differ
    return model


@torch.no_grad()
def test_the_weights_vary_across_clips(meaformer, make_features):
    weights = meaformer(make_features(6)).weights.values
    assert weights.std(0).max() > 0.01


@torch.no_grad()
def test_the_weight_of_a_modality_is_what_it_receives(meaformer, make_features):
    prediction = meaformer(make_features(4))
    attention = prediction.traces["attention"]
    torch.testing.assert_close(attention.sum(2), torch.ones(4, 3))  # every reader shares out 1
    torch.testing.assert_close(prediction.weights.values, (attention.sum(1) / math.sqrt(3)).softmax(1))


@torch.no_grad()
def test_absent_modalities_neither_read_nor_are_read(meaformer, make_features):
    prediction = meaformer(make_features(4).only((Modality.TEXT, Modality.VISION)))
    attention = prediction.traces["attention"]
    assert (attention[:, 1] == 0).all() and (attention[:, :, 1] == 0).all()
    torch.testing.assert_close(attention[:, [0, 2]].sum(2), torch.ones(4, 2))
    received = attention[:, :, [0, 2]].sum(1) / math.sqrt(2)
    torch.testing.assert_close(prediction.weights.values[:, [0, 2]], received.softmax(1))


@torch.no_grad()
def test_each_place_of_the_attention_belongs_to_its_modality(meaformer, make_features):
    features = make_features(3).only((Modality.TEXT, Modality.AUDIO))
    attention = meaformer(features).traces["attention"]
    assert (attention[:, 2] == 0).all() and (attention[:, :, 2] == 0).all()
    _, late, _, _ = meaformer._hybrid(features)
    assert (late[Modality.VISION] == 0).all()
    assert (late[Modality.TEXT] != 0).any() and (late[Modality.AUDIO] != 0).any()


def test_weights_are_soft_by_design():
    all_read_the_first = torch.zeros(1, 1, 3, 3)
    all_read_the_first[..., 0] = 1.0
    present = torch.ones(1, 3, dtype=torch.bool)
    weights = meta_weights(all_read_the_first, present)[0]
    assert weights[0].item() == pytest.approx(0.74, abs=0.01)
    assert weights[1].item() == pytest.approx(0.13, abs=0.01)
    uniform = meta_weights(torch.full((1, 2, 3, 3), 1 / 3), present)
    torch.testing.assert_close(uniform, torch.full((1, 3), 1 / 3))


@torch.no_grad()
def test_a_token_is_renewed_by_what_it_reads_from_present_ones():
    torch.manual_seed(0)
    layer, tokens = ModalityAttention(8, 2, 16, dropout=0.5).eval(), torch.randn(2, 3, 8)
    present = torch.tensor([[True, True, True], [True, False, True]])
    hidden, attention = layer(tokens, present)
    assert (hidden[~present] == 0).all()
    own = layer.attention
    values = own.value(tokens).unflatten(2, (2, 4))  # two heads of four coordinates
    read = torch.einsum("bhqm,bmhd->bqhd", attention, values).flatten(2)
    inner = layer.norms[0](tokens + own.out(read))
    torch.testing.assert_close(hidden[present], layer.norms[1](inner + layer.feed_forward(inner))[present])


def test_attention_is_not_noisy_in_training():
    layer, tokens = ModalityAttention(8, 1, 16, dropout=0.9).train(), torch.randn(3, 3, 8)
    present = torch.ones(3, 3, dtype=torch.bool)
    torch.testing.assert_close(layer(tokens, present)[1], layer(tokens, present)[1])


@torch.no_grad()
def test_the_score_is_the_mean_of_early_and_late(meaformer, make_features):
    prediction = meaformer(make_features(5))
    early, late = prediction.traces["early_score"], prediction.traces["late_score"]
    torch.testing.assert_close(prediction.score, (early + late) / 2)
    assert not torch.allclose(early, late)


def test_every_parameter_learns_and_the_weights_through_the_score(meaformer, make_features):
    meaformer.train()
    losses = meaformer.loss(make_features(16), torch.linspace(-3, 3, 16))
    parameters = dict(meaformer.named_parameters())
    gradients = torch.autograd.grad(
        losses["l1_early"], parameters.values(), retain_graph=True, allow_unused=True
    )
    by_early_score = {
        key for key, g in zip(parameters, gradients, strict=True) if g is not None and g.abs().sum() > 0
    }
    # the early head reads raw tokens: attention reaches it only as the weights
    assert {"hybrid.attention.query.weight", "hybrid.attention.key.weight"} <= by_early_score
    assert "hybrid.attention.value.weight" not in by_early_score
    sum(losses.values()).backward()
    for key, parameter in parameters.items():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key


def test_a_modality_alone_in_the_batch_has_no_contrast(meaformer, make_features):
    features = make_features(3)
    kept = torch.zeros(3, 3, dtype=torch.bool)
    kept[torch.arange(3), torch.arange(3)] = True  # one row of each modality
    losses = meaformer.loss(features.keep(kept), torch.tensor([1.0, 1.0, 1.0]))
    assert losses["icl_early"] == losses["icl_late"] == losses["icl_joint"] == 0
