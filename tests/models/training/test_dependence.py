"""HSIC, and which factor of MFM each generated modality depends on."""

from __future__ import annotations

import math

import pytest
import torch

from models.features.utterances import Utterance
from models.fusion.mfm import MFM
from models.training.dependence import Dependence, dependences, hsic
from models.types import MODALITIES, Modality
from tests.models.feature_sets import DIMS, feature_set

TEXT, AUDIO, VISION = MODALITIES


def test_hsic_is_nothing_of_independent_rows_however_wide():
    torch.manual_seed(0)
    for width in (1, 8, 500):
        found = [hsic(torch.randn(100, width), torch.randn(100, width)) for _ in range(20)]
        assert abs(sum(found) / 20) < 0.02
        assert max(map(abs, found)) < 0.15


def test_hsic_sees_dependence_that_a_correlation_does_not():
    torch.manual_seed(0)
    rows = torch.randn(200, 3)
    noisy = rows + 0.5 * torch.randn(200, 3)
    assert hsic(rows, rows) == pytest.approx(1)
    assert 0.3 < hsic(rows, noisy) < 0.95
    assert hsic(rows, rows.square()) > 0.1


def test_hsic_does_not_change_where_either_is_moved_scaled_or_turned():
    torch.manual_seed(0)
    rows = torch.randn(60, 4)
    others = rows[:, :2] + 0.3 * torch.randn(60, 2)
    turn = torch.linalg.qr(torch.randn(4, 4)).Q
    before = hsic(rows, others)
    for changed in (rows + 100, 7 * rows, rows @ turn):
        assert hsic(changed, others) == pytest.approx(before, abs=1e-4)
    assert hsic(others, rows) == pytest.approx(before)


def test_hsic_of_rows_that_are_all_equal_is_zero():
    assert hsic(torch.full((50, 2), 0.1) + 1e-7 * torch.rand(50, 2), torch.randn(50, 3)) == 0
    with pytest.raises(ValueError, match="at least 4; got 3 and 3"):
        hsic(torch.randn(3, 1), torch.randn(3, 1))


@pytest.fixture
def model(build_method) -> MFM:
    """Untrained; what it generates of the words comes from F_y alone, of the voice from F_m alone."""
    torch.manual_seed(0)
    model = build_method("mfm", DIMS).eval()
    shared = model.config.factors.label
    with torch.no_grad():
        model.generators[TEXT].lstm.weight_ih_l0[:, shared:] = 0
        model.generators[AUDIO].lstm.weight_ih_l0[:, :shared] = 0
    return model


def test_a_modality_depends_on_the_factor_that_drives_it(model):
    torch.manual_seed(1)
    alone = [{m: torch.randn(4, width) for m, width in DIMS.items()} for _ in range(96)]
    found = dependences(model, [Utterance(states, 0.0, "made", "") for states in alone])
    assert set(found) == set(MODALITIES)
    assert found[TEXT].shared > 0.7 and found[TEXT].private < 0.4
    assert found[AUDIO].private > 0.7 and found[AUDIO].shared < 0.4
    assert found[TEXT].ratio > 1 > found[AUDIO].ratio


def test_only_whole_utterances_count(model):
    items = feature_set().train
    whole = dependences(model, items)
    lacking = [Utterance({TEXT: item.states[TEXT]}, 0.0, "made", "") for item in items]
    assert dependences(model, items + lacking)[TEXT].shared == pytest.approx(whole[TEXT].shared, abs=1e-5)
    with pytest.raises(ValueError, match="at least 4 utterances with every modality; there are 0"):
        dependences(model, lacking)
    model.known.copy_(torch.tensor([True, False, False]))  # as of training data of words alone
    assert set(dependences(model, lacking)) == {Modality.TEXT}


def test_a_ratio_needs_something_to_divide_by():
    assert Dependence(0.3, 0.6).ratio == pytest.approx(0.5)
    assert math.isnan(Dependence(0.3, -0.01).ratio)
