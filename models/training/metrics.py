"""The field's metrics for sentiment scores in [-3, 3], as MMSA computes them."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import f1_score


def sentiment_metrics(predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """MAE, Corr, Acc-7, and Acc-2 / weighted F1 both ways.

    predicted, true : (n,) scores; `predicted` is not clipped for MAE and Corr
    `has0` compares negative with non-negative over all items; `non0` drops items whose true score is
    exactly 0 and compares negative with positive. Acc-7 rounds half to even after clipping to [-3, 3].
    Corr of a constant prediction is 0. Shares are in [0, 1]; a group without items gives NaN.
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    non0 = true != 0
    classes = [np.round(np.clip(scores, -3, 3)) for scores in (predicted, true)]
    return {
        "mae": float(np.abs(predicted - true).mean()),
        "corr": correlation(predicted, true),
        "acc7": float((classes[0] == classes[1]).mean()),
        **_binary("has0", predicted >= 0, true >= 0),
        **_binary("non0", predicted[non0] > 0, true[non0] > 0),
    }


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of two (n,) arrays; 0 where either is constant."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _binary(group: str, predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    if not len(true):
        return {f"acc2_{group}": float("nan"), f"f1_{group}": float("nan")}
    return {
        f"acc2_{group}": float((predicted == true).mean()),
        f"f1_{group}": float(f1_score(true, predicted, average="weighted", zero_division=0)),
    }
