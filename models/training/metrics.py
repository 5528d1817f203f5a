"""The field's metrics for sentiment scores, as MMSA computes them: in [-3, 3], and CH-SIMS's in [-1, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np

COVERAGE = 0.8  # nominal, of the interval
SIMS_EDGES = {"acc2": (0.0,), "acc3": (-0.1, 0.1), "acc5": (-0.7, -0.1, 0.1, 0.7)}  # right ends are inside


def sentiment_metrics(predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """MAE, Corr, Acc-7, Acc-5, Acc-3, and Acc-2 / weighted F1 both ways, of scores in [-3, 3].

    predicted, true : (n,) scores; `predicted` is not clipped for MAE and Corr
    `has0` compares negative with non-negative over all items; `non0` drops items whose true score is
    exactly 0 and compares negative with positive. Acc-k rounds half to even after clipping to k classes
    around 0. Corr of a constant prediction is 0. Shares are in [0, 1]; a group without items gives NaN.
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    non0 = true != 0
    return {
        "mae": float(np.abs(predicted - true).mean()),
        "corr": correlation(predicted, true),
        **{f"acc{k}": _rounded_accuracy(predicted, true, (k - 1) / 2) for k in (7, 5, 3)},
        **_binary("has0", predicted >= 0, true >= 0),
        **_binary("non0", predicted[non0] > 0, true[non0] > 0),
    }


def sims_metrics(predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """MAE, Corr, Acc-2, Acc-3, Acc-5 and weighted F1 of scores in [-1, 1], as CH-SIMS is measured.

    predicted, true : (n,) scores, both clipped to [-1, 1] before anything else
    0 counts as negative in Acc-2 and F1; the neutral class of Acc-3 and Acc-5 is (-0.1, 0.1]. In float32,
    as the published labels are: in float64 a label of 0.1 that went through a computation may change class.
    """
    predicted, true = (np.clip(np.asarray(scores, np.float32), -1, 1) for scores in (predicted, true))
    classes = {
        name: [np.digitize(scores, np.float32(edges), right=True) for scores in (true, predicted)]
        for name, edges in SIMS_EDGES.items()
    }
    return {
        "mae": float(np.abs(predicted - true).mean()),
        "corr": correlation(predicted, true),
        **{name: float(np.equal(*pair).mean()) for name, pair in classes.items()},
        "f1": _f1(*classes["acc2"]),
    }


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of two (n,) arrays; 0 where either is constant."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def conformal_quantile(residuals: np.ndarray, coverage: float = COVERAGE) -> float:
    """Half width that covers a new residual with probability `coverage`: split conformal, |error| sorted.

    The ceil((n + 1) coverage)-th smallest of n residuals (Lei et al., JASA 2018), the largest if there are
    fewer.
    """
    ordered = np.sort(np.abs(residuals))
    return float(ordered[min(len(ordered), int(np.ceil((len(ordered) + 1) * coverage))) - 1])


def spread(runs: list[dict[str, float]]) -> dict[str, list[float]]:
    """{metric: [mean, standard deviation over seeds]}, NaN where a run has none (NaN, or None from JSON)."""
    values = {metric: np.array([run[metric] for run in runs], float) for metric in runs[0]}
    return {metric: [float(each.mean()), float(each.std())] for metric, each in values.items()}


def auilc(rates: tuple[float, ...], values: list[float]) -> float:
    """Area under the indicators line chart: the trapezoid under a metric over increasing missing rates.

    Not divided by the span of the rates, as published: areas over different grids do not compare. For MAE
    less is better.
    """
    if len(rates) != len(values) or len(rates) < 2 or any(np.diff(rates) <= 0):
        raise ValueError(f"AUILC needs a value for each of two or more increasing rates; got {rates}")
    return float(np.trapezoid(values, rates))


def _rounded_accuracy(predicted: np.ndarray, true: np.ndarray, limit: float) -> float:
    classes = [np.round(np.clip(scores, -limit, limit)) for scores in (true, predicted)]
    return float(np.equal(*classes).mean())


def _f1(true: np.ndarray, predicted: np.ndarray) -> float:
    from sklearn.metrics import f1_score  # takes 1.7 s, which only what measures should pay

    never: Any = 0  # of a class without a prediction; the stub knows no numbers
    return float(f1_score(true, predicted, average="weighted", zero_division=never))


def _binary(group: str, predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    if not len(true):
        return {f"acc2_{group}": float("nan"), f"f1_{group}": float("nan")}
    return {
        f"acc2_{group}": float((true == predicted).mean()),
        f"f1_{group}": _f1(true, predicted),
    }
