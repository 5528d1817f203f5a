"""The field's metrics on a hand-made vector with ties, zeros and constants."""

import numpy as np
import pytest

from models.training.metrics import correlation, sentiment_metrics

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


def test_constant_prediction_has_no_correlation():
    assert sentiment_metrics(np.zeros(8), TRUE)["corr"] == 0.0


def test_correlation_is_pearsons():
    assert correlation(TRUE, 2 * TRUE + 1) == pytest.approx(1.0)
    assert correlation(TRUE, -TRUE) == pytest.approx(-1.0)


def test_only_zero_labels_leave_non0_undefined():
    assert np.isnan(sentiment_metrics(np.ones(3), np.zeros(3))["acc2_non0"])
