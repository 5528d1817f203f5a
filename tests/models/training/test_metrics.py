"""The field's metrics on hand-made vectors with ties, zeros and constants."""

import numpy as np
import pytest

from models.training.metrics import conformal_quantile, correlation, sentiment_metrics, sims_metrics

TRUE = np.array([-3.0, -1.5, -0.5, 0.0, 0.0, 0.5, 1.5, 2.5])
PREDICTED = np.array([-4.0, -2.5, 0.0, 0.0, -0.2, 0.5, -0.1, 2.0])


def test_hand_made_vector():
    figures = sentiment_metrics(PREDICTED, TRUE)
    assert figures["mae"] == pytest.approx((1 + 1 + 0.5 + 0 + 0.2 + 0 + 1.6 + 0.5) / 8)
    # rounded half to even after clipping: true -3 -2 0 0 0 0 2 2, predicted -3 -2 0 0 0 0 0 2
    assert figures["acc7"] == pytest.approx(7 / 8)
    # has0: true - - - + + + + +, predicted - - + + - + - +
    assert figures["acc2_has0"] == pytest.approx(5 / 8)
    # non0 drops the two zeros: true - - - + + +, predicted (> 0) - - - + - +
    assert figures["acc2_non0"] == pytest.approx(5 / 6)
    # weighted F1 of non0: negatives 2*3/(4+3), positives 2*2/(2+3), three each
    assert figures["f1_non0"] == pytest.approx((6 / 7 + 4 / 5) / 2)


def test_each_number_of_classes_clips_before_it_rounds():
    true = np.array([-2.5, -1.5, 2.5, 3.0, 0.5, 0.0, 0.0, 1.0, 2.0])
    predicted = np.array([-3.5, -2.5, 1.5, 1.7, 1.2, -0.4, 0.0, 0.4, 1.0])
    figures = sentiment_metrics(predicted, true)
    assert figures["mae"] == pytest.approx(7.0 / 9)
    # ±3: true -2 -2 2 3 0 0 0 1 2, predicted -3 -2 2 2 1 0 0 0 1
    assert figures["acc7"] == pytest.approx(4 / 9)
    # ±2: true -2 -2 2 2 0 0 0 1 2, predicted -2 -2 2 2 1 0 0 0 1
    assert figures["acc5"] == pytest.approx(6 / 9)
    # ±1: true -1 -1 1 1 0 0 0 1 1, predicted -1 -1 1 1 1 0 0 0 1
    assert figures["acc3"] == pytest.approx(7 / 9)
    assert figures["acc2_has0"] == pytest.approx(8 / 9)
    # weights are the true supports, 2 and 7: those of the prediction, 3 and 6, would give another number
    assert figures["f1_has0"] == pytest.approx((2 * (4 / 5) + 7 * (12 / 13)) / 9)
    assert figures["acc2_non0"] == figures["f1_non0"] == 1


def test_a_constant_prediction():
    figures = sentiment_metrics(np.zeros(8), TRUE)
    assert figures["corr"] == 0.0
    assert figures["acc2_has0"] == pytest.approx(5 / 8)  # 0 counts as non-negative
    assert figures["acc2_non0"] == pytest.approx(3 / 6)  # but not as positive
    assert figures["f1_non0"] == pytest.approx((2 / 3 + 0) / 2)


def test_correlation_is_pearsons():
    assert correlation(TRUE, 2 * TRUE + 1) == pytest.approx(1.0)
    assert correlation(TRUE, -TRUE) == pytest.approx(-1.0)


def test_only_zero_labels_leave_non0_undefined():
    assert np.isnan(sentiment_metrics(np.ones(3), np.zeros(3))["acc2_non0"])


SIMS_TRUE = np.array([-1.0, -0.7, -0.1, 0.0, 0.1, 0.2, 0.7, 0.8])
SIMS_PREDICTED = np.array([-1.4, -0.6, 0.05, -0.05, 0.0, 0.9, 0.75, 0.7])


def test_ch_sims_on_a_hand_made_vector():
    figures = sims_metrics(SIMS_PREDICTED, SIMS_TRUE)
    # clipped to [-1, 1] before the error, too: the first is right
    assert figures["mae"] == pytest.approx((0 + 0.1 + 0.15 + 0.05 + 0.1 + 0.7 + 0.05 + 0.1) / 8)
    # 0 is negative: true - - - - + + + +, predicted - - + - - + + +
    assert figures["acc2"] == pytest.approx(6 / 8)
    assert figures["f1"] == pytest.approx(6 / 8)
    # right ends inside, (-0.1, 0.1] neutral: true - - - 0 0 + + +, predicted - - 0 0 0 + + +
    assert figures["acc3"] == pytest.approx(7 / 8)
    # also split after ±0.7: true 0 0 1 2 2 3 3 4, predicted 0 1 2 2 2 4 4 3
    assert figures["acc5"] == pytest.approx(3 / 8)


def test_ch_sims_survives_the_way_to_our_scale_and_back():
    there_and_back = [(scores * 3) / 3 for scores in (SIMS_PREDICTED, SIMS_TRUE)]
    found, expected = sims_metrics(*there_and_back), sims_metrics(SIMS_PREDICTED, SIMS_TRUE)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_torchmetrics(seed):
    torch, torchmetrics = pytest.importorskip("torch"), pytest.importorskip("torchmetrics")
    rng = np.random.default_rng(seed)
    true = np.round(rng.uniform(-3, 3, 200), 1)
    predicted = true + rng.normal(0, 1, 200)
    figures = sentiment_metrics(predicted, true)
    a, b = torch.from_numpy(predicted), torch.from_numpy(true)
    functional = torchmetrics.functional
    assert figures["mae"] == pytest.approx(functional.mean_absolute_error(a, b).item())
    assert figures["corr"] == pytest.approx(functional.pearson_corrcoef(a, b).item())
    signs = (a >= 0).long(), (b >= 0).long()
    weighted = functional.f1_score(*signs, "multiclass", num_classes=2, average="weighted")
    assert figures["f1_has0"] == pytest.approx(weighted.item(), abs=1e-6)
    classes = [x.clamp(-3, 3).round().long() + 3 for x in (a, b)]
    same = functional.accuracy(*classes, "multiclass", num_classes=7, average="micro")
    assert figures["acc7"] == pytest.approx(same.item(), abs=1e-6)


def test_conformal_quantile_is_the_ranked_residual():
    residuals = np.array([-9, 1, -2, 3, 4, 5, -6, 7, 8.0])
    assert conformal_quantile(residuals, 0.8) == 8  # ceil(10 * 0.8) = 8th smallest
    assert conformal_quantile(np.array([1.0]), 0.8) == 1.0


def test_conformal_interval_covers():
    rng = np.random.default_rng(0)
    covered = [
        np.mean(np.abs(rng.normal(size=500)) <= conformal_quantile(rng.normal(size=50))) for _ in range(200)
    ]
    assert np.mean(covered) == pytest.approx(0.8, abs=0.03)
