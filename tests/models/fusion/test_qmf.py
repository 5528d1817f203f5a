"""QMF: a modality counts as much as the energy of its own logits says."""

from __future__ import annotations

import pytest
import torch

from models.fusion.base import expected_score, seven_class_target
from models.fusion.qmf import rank_loss
from models.registry import spec
from models.types import Modality


@pytest.fixture
def qmf(dims):
    torch.manual_seed(2)
    model = spec("qmf").build(dims).eval()
    with torch.no_grad():
        for head in model.heads.values():
            head.weight *= 30  # decided enough for the confidences to differ
    return model


@torch.no_grad()
def test_logits_are_summed_with_unnormalised_confidences(qmf, make_features):
    prediction = qmf(make_features(4).only((Modality.TEXT, Modality.AUDIO)))
    confidences, logits = prediction.traces["confidences"], prediction.traces["unimodal_logits"]
    fused = confidences[:, :1] * logits[:, 0] + confidences[:, 1:2] * logits[:, 1]
    torch.testing.assert_close(prediction.logits, fused)
    torch.testing.assert_close(prediction.score, expected_score(fused))


@torch.no_grad()
def test_confidence_follows_the_energy_and_the_weights_are_its_shares(qmf, make_features):
    prediction = qmf(make_features(12))
    confidences = prediction.traces["confidences"]
    energies = prediction.traces["unimodal_logits"].logsumexp(2)
    assert torch.equal(confidences.argsort(0), energies.argsort(0))
    torch.testing.assert_close(prediction.weights.values, confidences / confidences.sum(1, keepdim=True))
    assert prediction.weights.values.std(0).max() > 0.01  # per clip


@torch.no_grad()
def test_a_vote_is_never_turned_round(qmf, make_features):
    for head in qmf.heads.values():
        head.bias -= 50  # energies far below zero
    assert (qmf(make_features(6)).traces["confidences"] > 0).all()


def test_the_fused_loss_does_not_train_the_confidences(qmf, make_features):
    target = torch.linspace(-3, 3, 8)
    features = make_features(8).only((Modality.TEXT,))
    losses = qmf.loss(features, target)
    constant = qmf(features).traces["confidences"][:, :1]
    logits, _ = qmf._unimodal(features)
    expected = torch.nn.functional.cross_entropy(constant * logits[:, 0], seven_class_target(target))
    bias = qmf.heads["text"].bias
    torch.testing.assert_close(torch.autograd.grad(losses["ce"], bias), torch.autograd.grad(expected, bias))


def test_the_row_with_the_higher_loss_must_be_less_confident():
    losses = torch.tensor([0.0, 2.0])
    assert rank_loss(torch.tensor([1.0, 0.0]), losses).item() == 0
    assert rank_loss(torch.tensor([0.5, 0.5]), losses).item() == pytest.approx(1.0)
    assert rank_loss(torch.tensor([0.0, 1.0]), losses).item() == pytest.approx(2.0)


def test_the_rank_term_moves_confidences_and_not_losses():
    confidences, losses = (
        torch.zeros(3, requires_grad=True),
        torch.tensor([0.0, 1.0, 3.0], requires_grad=True),
    )
    rank_loss(confidences, losses).backward()
    assert losses.grad is None
    assert confidences.grad[0] < 0 < confidences.grad[2]


def test_rows_that_cannot_be_ranked_cost_nothing():
    for count in (0, 1, 4):
        confidences = torch.ones(count, requires_grad=True)
        loss = rank_loss(confidences, torch.ones(count))
        loss.backward()
        assert loss.item() == 0


def test_only_rows_that_have_the_modality_are_ranked(qmf, make_features):
    features, target = make_features(5), torch.linspace(-3, 3, 5)
    kept = torch.ones(5, 3, dtype=torch.bool)
    kept[3, 1] = False
    mixed = qmf.loss(features.keep(kept), target)
    rows = torch.tensor([0, 1, 2, 4])
    without = qmf.loss(features.select(rows), target[rows])
    torch.testing.assert_close(mixed["rank_audio"], without["rank_audio"])
    torch.testing.assert_close(mixed["ce_audio"], without["ce_audio"])


@torch.no_grad()
def test_calibration_fits_each_number_of_modalities_apart(qmf, make_features):
    features, target = make_features(200), torch.linspace(-3, 3, 200)
    kept = torch.ones(200, 3, dtype=torch.bool)
    kept[100:, 1:] = False
    before = qmf(features.keep(kept))
    qmf.calibrate(features.keep(kept), target)
    after = qmf(features.keep(kept))
    assert qmf.temperature[1] == 1  # no row has two modalities
    torch.testing.assert_close(after.logits[:100], before.logits[:100] / qmf.temperature[2])
    torch.testing.assert_close(after.logits[100:], before.logits[100:] / qmf.temperature[0])
    classes = seven_class_target(target)
    cross_entropy = torch.nn.functional.cross_entropy
    assert cross_entropy(after.logits, classes) < cross_entropy(before.logits, classes)
