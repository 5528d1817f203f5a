"""Scores of a model on utterances, and their metrics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from models.features.feature_set import SCORES, SIMS_SCORES, scaled
from models.features.utterances import Utterance, collate
from models.fusion.base import FusionModel
from models.training.metrics import sentiment_metrics, sims_metrics
from models.types import MODALITIES, Features, Modality

PREDICTION_BATCH = 256


@torch.inference_mode()
def predict(
    model: FusionModel,
    items: list[Utterance],
    dims: dict[Modality, int],
    subset: tuple[Modality, ...],
    batch: int = 128,
    corrupt: Callable[[Features], Features] | None = None,
) -> np.ndarray:
    """Scores (n,) with only `subset` switched on, where the model is; NaN for an item that has none of it.

    corrupt : takes something from the features of each batch, on the CPU
    """
    device = next(model.parameters()).device
    scores = np.full(len(items), np.nan)
    for start in range(0, len(items), batch):
        features, _ = collate(items[start : start + batch], dims)
        if corrupt is not None:
            features = corrupt(features)
        features = features.only(subset).to(device)
        usable = features.present().any(1).cpu().numpy()
        predicted = model(features).score.cpu().numpy()
        scores[start : start + batch][usable] = predicted[usable]
    return scores


def model_metrics(
    model: FusionModel,
    items: list[Utterance],
    label_range: tuple[float, float] = SCORES,
    subset: tuple[Modality, ...] = MODALITIES,
) -> dict[str, float]:
    """Metrics of a model on utterances with only `subset` switched on; see `score_metrics`."""
    return score_metrics(predict(model, items, model.dims, subset, PREDICTION_BATCH), items, label_range)


def score_metrics(
    scores: np.ndarray, items: list[Utterance], label_range: tuple[float, float] = SCORES
) -> dict[str, float]:
    """Metrics of scores (n,) in [-3, 3] against the utterances' targets.

    CH-SIMS's, in its units, for labels in [-1, 1] (`metrics.sims_metrics`); else those of scores in [-3, 3]
    (`metrics.sentiment_metrics`). NaN stands for no answer: `items` counts the others, which are measured;
    without any, nothing else is returned.
    """
    answered = ~np.isnan(scores)
    count: dict[str, float] = {"items": int(answered.sum())}
    if not answered.any():
        return count
    true = np.array([item.target for item in items])[answered]
    if label_range == SIMS_SCORES:
        metrics = sims_metrics(*(scaled(each, SCORES, label_range) for each in (scores[answered], true)))
    else:
        metrics = sentiment_metrics(scores[answered], true)
    return {**metrics, **count}
