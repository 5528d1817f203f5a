"""MCLEA: one set of weights for all clips, shared out among what is present."""

from __future__ import annotations

import pytest
import torch

from models.fusion.contrastive import Pairs, inter_modal_losses, intra_modal_losses
from models.registry import spec
from models.types import MODALITIES, Modality


@pytest.fixture
def mclea(dims):
    torch.manual_seed(3)
    model = spec("mclea").build(dims).eval()
    with torch.no_grad():
        model.weight_logits.copy_(torch.tensor([2.0, 1.0, 0.0]))
    return model


@torch.no_grad()
def test_the_weights_do_not_vary_across_clips(mclea, make_features):
    weights = mclea(make_features(6)).weights.values
    torch.testing.assert_close(weights, torch.tensor([2.0, 1.0, 0.0]).softmax(0).expand(6, 3))


@torch.no_grad()
def test_the_weights_are_shared_out_among_present_modalities(mclea, make_features):
    prediction = mclea(make_features(2).only((Modality.TEXT, Modality.VISION)))
    expected = torch.tensor([2.0, 0.0]).softmax(0)
    torch.testing.assert_close(prediction.weights.values[:, [0, 2]], expected.expand(2, 2))
    whole = torch.tensor([2.0, 1.0, 0.0]).softmax(0)  # what was learned stays visible
    torch.testing.assert_close(prediction.traces["global_weights"], whole.expand(2, 3))


@torch.no_grad()
def test_the_joint_embedding_is_the_weighted_concatenation_of_directions(mclea, make_features):
    features = make_features(4)
    embeddings, joint, weights = mclea._embed(features)
    parts = joint.chunk(3, dim=1)
    for i, modality in enumerate(MODALITIES):
        torch.testing.assert_close(parts[i].norm(dim=1), weights[:, i])
        cosine = torch.nn.functional.cosine_similarity(parts[i], embeddings[modality])
        torch.testing.assert_close(cosine, torch.ones(4))


def test_every_term_of_the_loss_moves_its_parameters(mclea, make_features):
    features, target = make_features(16), torch.linspace(-3, 3, 16)
    mclea.train()
    parameters = dict(mclea.named_parameters())
    moved = {}
    for name, loss in mclea.loss(features, target).items():
        gradients = torch.autograd.grad(loss, parameters.values(), retain_graph=True, allow_unused=True)
        moved[name] = {
            key for key, g in zip(parameters, gradients, strict=True) if g is not None and g.abs().sum() > 0
        }
    assert {"l1", "icl_joint", "icl", "ial"} == set(moved)
    assert "weight_logits" in moved["l1"] & moved["icl_joint"]
    assert "icl_weights.log_variance" in moved["icl"] and "ial_weights.log_variance" in moved["ial"]
    assert "weight_logits" not in moved["icl"] | moved["ial"]  # the joint embedding teaches, IAL does not
    for name in ("icl_joint", "icl", "ial"):
        assert all(any(key.startswith(f"subnets.{m}") for key in moved[name]) for m in MODALITIES)
        assert not any(key.startswith("head") for key in moved[name])
    assert set().union(*moved.values()) == set(parameters)


def test_each_contrastive_term_is_scaled_once(mclea, make_features):
    features, target = make_features(8), torch.linspace(-3, 3, 8)
    embeddings, joint, _ = mclea._embed(features)
    pairs, (tau_icl, tau_ial) = (
        Pairs(features.present(), target, mclea.config.margin),
        mclea.config.temperatures,
    )
    ial = mclea.ial_weights(inter_modal_losses(joint, embeddings, pairs, tau_ial))
    icl = mclea.icl_weights(intra_modal_losses(embeddings, pairs, tau_icl))
    losses, config = mclea.loss(features, target), spec("mclea").config
    torch.testing.assert_close(losses["ial"], config.contrast * config.alignment * ial)
    torch.testing.assert_close(losses["icl"], config.contrast * icl)
    assert ial > 0


def test_a_row_without_a_modality_adds_nothing_to_its_terms(mclea, make_features):
    target = torch.tensor([1.0, 1.1, -2.0, 1.0])
    features = make_features(4)
    kept = torch.ones(4, 3, dtype=torch.bool)
    kept[3] = torch.tensor([False, True, False])
    mixed = mclea.loss(features.keep(kept).only((Modality.TEXT, Modality.AUDIO)), target)
    first = torch.arange(3)
    text_of_three = mclea.loss(features.select(first).only((Modality.TEXT,)), target[:3])
    audio_of_four = mclea.loss(features.only((Modality.AUDIO,)), target)
    torch.testing.assert_close(mixed["icl"], text_of_three["icl"] + audio_of_four["icl"])


@torch.no_grad()
def test_traces_say_how_much_each_loss_counts(mclea, make_features):
    mclea.icl_weights.log_variance.copy_(torch.tensor([0.0, 1.0, -1.0]))
    traces = mclea(make_features(2)).traces
    torch.testing.assert_close(traces["icl_loss_weights"], torch.tensor([0.0, -1.0, 1.0]).exp().expand(2, 3))
    torch.testing.assert_close(traces["ial_loss_weights"], torch.ones(2, 3))
