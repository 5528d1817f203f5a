"""LMF's fusion against the tensor it stands for."""

from __future__ import annotations

import pytest
import torch

from models.fusion.layers import SubNetsConfig
from models.fusion.lmf import LMF, LMFConfig
from models.registry import spec
from models.types import MODALITIES

SUBNETS = SubNetsConfig(text_hidden=8, text_out=5, audio=4, vision=3, dropout=0.0)


def build(dims, rank: int) -> LMF:
    torch.manual_seed(3)
    return LMF(dims, LMFConfig(rank, SUBNETS)).train()  # in training the score is not clamped


def embeddings_with_one(model: LMF, features) -> list[torch.Tensor]:
    model.subnets.eval()
    embeddings = model.subnets(model.normalised(features))
    return [torch.cat([torch.ones(len(features), 1), embeddings[m]], dim=1) for m in MODALITIES]


@pytest.mark.parametrize("rank", [1, 4])
@torch.no_grad()
def test_equals_the_contraction_with_the_rebuilt_tensor(rank, dims, make_features):
    model, features = build(dims, rank), make_features(6)
    factors = [model.factors[m] for m in MODALITIES]
    tensor = torch.einsum("r,rt,ra,rv->tav", model.rank_weights, *factors)
    assert tensor.numel() == model.sizes()["full_tensor"]
    expected = torch.einsum("bt,ba,bv,tav->b", *embeddings_with_one(model, features), tensor) + model.bias
    torch.testing.assert_close(model(features).score, expected)


@torch.no_grad()
def test_rank_one_is_the_product_of_three_projections(dims, make_features):
    model, features = build(dims, rank=1), make_features(6)
    projections = [
        z @ model.factors[m][0] for m, z in zip(MODALITIES, embeddings_with_one(model, features), strict=True)
    ]
    product = projections[0] * projections[1] * projections[2]
    torch.testing.assert_close(model(features).score, model.rank_weights[0] * product + model.bias)


@torch.no_grad()
def test_rank_terms_add_up_to_the_score(dims, make_features):
    model = build(dims, rank=4)
    prediction = model(make_features(6))
    assert prediction.traces["rank_terms"].shape == (6, 4)
    torch.testing.assert_close(prediction.traces["rank_terms"].sum(1) + model.bias, prediction.score)


def test_one_step_updates_every_parameter(dims, make_features):
    torch.manual_seed(0)
    model = spec("lmf").build(dims).train()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameter_groups(1e-3))
    model.training_step(make_features(16), torch.linspace(-3, 3, 16), optimizer, progress=0.0)
    unmoved = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    assert unmoved == []


@torch.no_grad()
def test_products_start_alive_and_an_absent_modality_starts_neutral(dims, make_features):
    model = spec("lmf").build(dims).eval()
    silent = make_features(4).keep(torch.zeros(4, 3, dtype=torch.bool))
    terms = model(silent).traces["rank_terms"]
    torch.testing.assert_close(terms, model.rank_weights.expand(4, -1))
