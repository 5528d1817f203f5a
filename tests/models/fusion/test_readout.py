"""The readout that brings classifiers and late fusion to the scale of the labels."""

from __future__ import annotations

import pytest
import torch

from models.registry import FUSION_MODELS, spec
from models.types import Modality

READ_OUT = [name for name in FUSION_MODELS if spec(name).model.has_readout]


@pytest.fixture(params=READ_OUT)
def model(request, build_method, make_features):
    torch.manual_seed(0)
    model = build_method(request.param)
    model.set_normalisation(make_features(64, seed=99))
    return model.eval()


def test_methods_that_average_have_one():
    assert set(READ_OUT) == {"late", "mla", "qmf", "tate"}


@torch.no_grad()
def test_scores_are_mapped_to_the_labels_scale(model, make_features):
    features = make_features(64, seed=1)
    target = 1.5 * model(features).score + 0.2
    model.fit_readout(features, target)
    torch.testing.assert_close(model(features).score, target, atol=1e-3, rtol=0)


@torch.no_grad()
def test_without_words_it_is_a_shift_alone(model, make_features):
    features, target = make_features(64, seed=2), torch.linspace(-3, 3, 64)
    alone = features.only((Modality.AUDIO,))
    before = model(alone).score
    model.fit_readout(features, target)
    after = model(alone).score
    torch.testing.assert_close(after - after.mean(), before - before.mean(), atol=1e-4, rtol=0)
    assert after.mean().item() == pytest.approx(target.mean().item(), abs=1e-4)


@torch.no_grad()
def test_too_few_utterances_change_nothing(model, make_features):
    features = make_features(8, seed=3)
    before = model(features).score
    model.fit_readout(features, torch.linspace(-3, 3, 8))
    assert torch.equal(model(features).score, before)
