"""MMIN: imagines the embeddings that are absent from those that are there."""

from __future__ import annotations

import pytest
import torch

from models.fusion.layers import random_part
from models.fusion.mmin import ResidualCascade
from models.registry import spec
from models.types import MODALITIES, Features, Modality, Sequence


@pytest.fixture
def mmin(dims):
    torch.manual_seed(4)
    return spec("mmin").build(dims).eval()


@torch.no_grad()
def test_what_is_absent_is_imagined_and_nothing_else(mmin, make_features):
    imagined = mmin(make_features(3).only((Modality.AUDIO,))).traces["imagined"]
    assert imagined.shape == (3, 3, spec("mmin").config.width)
    assert (imagined[:, 1] == 0).all()
    assert (imagined[:, [0, 2]].abs().sum(2) > 0).all()
    assert (mmin(make_features(3)).traces["imagined"] == 0).all()


@torch.no_grad()
def test_an_absent_embedding_is_zero_and_not_that_of_zeros(mmin, make_features):
    embedded = mmin._embed(make_features(3).only((Modality.TEXT,)))
    assert (embedded[:, 1:] == 0).all()
    torch.testing.assert_close(embedded[:, 0].square().mean(1), torch.ones(3), atol=1e-2, rtol=0)


@torch.no_grad()
def test_each_autoencoder_adds_to_what_the_last_one_left():
    cascade, inputs = ResidualCascade(10, [8, 4], blocks=2), torch.randn(3, 10)
    output, latents = cascade(inputs)
    first = inputs + cascade.decoders[0](cascade.encoders[0](inputs))
    torch.testing.assert_close(output, first + cascade.decoders[1](cascade.encoders[1](first)))
    torch.testing.assert_close(latents[:, 4:], cascade.encoders[1](first))


def test_every_proper_part_of_a_row_is_hidden_in_training():
    torch.manual_seed(0)
    present = torch.tensor([[True, True, True], [True, False, True], [False, True, False]])
    parts = [random_part(present) for _ in range(200)]
    seen = [{tuple(kept[row].tolist()) for kept in parts} for row in range(3)]
    assert len(seen[0]) == 6 and (True, True, True) not in seen[0]
    assert seen[1] == {(True, False, False), (False, False, True)}
    assert seen[2] == {(False, True, False)}


def test_the_truth_to_be_imagined_gets_no_gradient(mmin, make_features, monkeypatch):
    features, target = make_features(8).only((Modality.TEXT, Modality.AUDIO)), torch.zeros(8)
    text = mmin.subnets.text.linear.weight
    whole, present = mmin._embed(features), features.present()
    only_voice = torch.zeros_like(present)
    only_voice[:, 1] = True
    monkeypatch.setattr("models.fusion.mmin.random_part", lambda present: only_voice)
    losses = mmin._imagination_losses(whole, present, target)
    for name in ("imagination", "cycle"):
        (gradient,) = torch.autograd.grad(losses[name], text, retain_graph=True)
        assert (gradient == 0).all(), name
    assert torch.autograd.grad(losses["imagination"], mmin.subnets.audio.linears[0].weight)[0].abs().sum() > 0


def test_rows_with_one_modality_have_nothing_to_imagine(mmin, make_features):
    assert set(mmin.loss(make_features(4).only((Modality.VISION,)), torch.zeros(4))) == {"l1"}
    assert set(mmin.loss(make_features(4), torch.zeros(4))) == {"l1", "l1_hidden", "imagination", "cycle"}


def test_it_learns_to_imagine_what_modalities_share(mmin, dims):
    torch.manual_seed(0)
    (train, target), (held_out, _) = told_thrice(256, dims), told_thrice(128, dims)
    mmin.set_normalisation(train)
    mmin.train()
    optimizer = torch.optim.AdamW(mmin.parameters(), lr=5e-3)
    for _ in range(10):
        for rows in torch.randperm(256).split(64):
            mmin.training_step(train.select(rows), target[rows], optimizer, 0.0)
    mmin.eval()
    with torch.no_grad():
        truth = mmin._embed(held_out)[:, 2]
        imagined = mmin(held_out.only((Modality.AUDIO,))).traces["imagined"][:, 2]
        error = (imagined - truth).square().mean()
        mean_predictor = (truth.mean(0) - truth).square().mean()
    assert error < 0.7 * mean_predictor


def told_thrice(rows: int, dims: dict[Modality, int]) -> tuple[Features, torch.Tensor]:
    """Features whose first coordinate is, under noise, the target (rows,) in every modality."""
    target, sequences = torch.randn(rows), {}
    for modality in MODALITIES:
        values = 0.1 * torch.randn(rows, 4, dims[modality])
        values[:, :, 0] += target[:, None]
        present = torch.ones(rows, dtype=torch.bool)
        sequences[modality] = Sequence(values, torch.full((rows,), 4), present)
    return Features(**sequences), target
