"""Our metrics against MMSA's, on scores with ties at .5, zeros and values beyond the scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.training.metrics import sentiment_metrics, sims_metrics
from tests.parity import mmsa

pytestmark = pytest.mark.parity

NAMES = {
    "mae": "MAE",
    "corr": "Corr",
    "acc7": "Mult_acc_7",
    "acc5": "Mult_acc_5",
    "acc2_has0": "Has0_acc_2",
    "f1_has0": "Has0_F1_score",
    "acc2_non0": "Non0_acc_2",
    "f1_non0": "Non0_F1_score",
}

SIMS_NAMES = {
    "mae": "MAE",
    "corr": "Corr",
    "acc2": "Mult_acc_2",
    "acc3": "Mult_acc_3",
    "acc5": "Mult_acc_5",
    "f1": "F1_score",
}


def assert_mmsas(
    dataset: str, ours: dict[str, float], names: dict[str, str], predicted: np.ndarray, true: np.ndarray
) -> None:
    """Our figures are MMSA's for its `dataset`; names : {our metric: its name there}."""
    evaluate = mmsa.part("utils.metricsTop").MetricsTop("regression").getMetics(dataset)
    expected = evaluate(torch.from_numpy(predicted), torch.from_numpy(true))
    rounded = {name: round(ours[name], 4) for name in names}  # as MMSA rounds
    assert rounded == pytest.approx({name: float(expected[theirs]) for name, theirs in names.items()})


@pytest.mark.parametrize("seed", range(5))
def test_ch_sims_metrics_are_mmsas(seed):
    random = np.random.default_rng(seed)
    true = random.integers(-5, 6, 200) / 5
    predicted = np.concatenate([random.integers(-12, 13, 100) / 10, random.normal(0, 0.7, 100)])
    assert_mmsas("sims", sims_metrics(predicted, true), SIMS_NAMES, predicted, true)


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_mmsas(seed):
    random = np.random.default_rng(seed)
    true = random.integers(-6, 7, 200) / 2
    predicted = np.concatenate([random.integers(-8, 9, 100) / 2, random.normal(0, 2, 100)])
    assert_mmsas("mosi", sentiment_metrics(predicted, true), NAMES, predicted, true)
