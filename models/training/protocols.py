"""How a trained model is measured: in full, on every subset, under dropped frames, on MMIN's conditions.

A protocol is a function from a model and utterances to {row: {metric: value}}, rows in the order of a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from models.checkpoint import subset_name
from models.features.feature_set import SCORES
from models.features.missing import RATES, drop_frames, modality_generators, neutral_states
from models.features.utterances import Utterance
from models.fusion.base import FusionModel
from models.training.metrics import auilc
from models.training.prediction import PREDICTION_BATCH, model_metrics, predict, score_metrics
from models.types import MODALITIES, Modality

Figures = dict[str, dict[str, float]]

MEAN_OF_SIX = "mean of the six"  # conditions with one or two modalities missing


@dataclass(frozen=True)
class Setting:
    """What a protocol may need beside model and utterances.

    label_range : of the labels, see `prediction.score_metrics`; constant : median training target in
    [-3, 3], the answer where every frame dropped; rates, seed : of the dropped frames
    """

    constant: float
    label_range: tuple[float, float] = SCORES
    rates: tuple[float, ...] = RATES
    seed: int = 0


def full(model: FusionModel, items: list[Utterance], setting: Setting) -> Figures:
    """Everything an utterance has is on."""
    return {subset_name(MODALITIES): _on_subset(model, items, MODALITIES, setting)}


def subsets(model: FusionModel, items: list[Utterance], setting: Setting) -> Figures:
    """Each of the seven non-empty subsets of modalities."""
    return {subset_name(subset): _on_subset(model, items, subset, setting) for subset in Modality.subsets()}


def mmin(model: FusionModel, items: list[Utterance], setting: Setting) -> Figures:
    """The six conditions with one or two modalities missing, and their mean (Zhao et al., ACL 2021)."""
    conditions = {
        subset_name(subset): _on_subset(model, items, subset, setting)
        for subset in reversed(Modality.subsets())
        if len(subset) < len(MODALITIES)
    }
    return {**conditions, MEAN_OF_SIX: combined(list(conditions.values()), np.mean)}


def rmfm(model: FusionModel, items: list[Utterance], setting: Setting) -> Figures:
    """Frames and words dropped at each rate, from test items alone, and AUILC over the rates.

    An utterance of which nothing is left gets the constant; at rate 1 these are all. ValueError for rates
    that are not increasing shares.
    """
    if not all(0 <= rate <= 1 for rate in setting.rates) or any(np.diff(setting.rates) <= 0):
        raise ValueError(f"missing rates must increase and lie in [0, 1]; got {setting.rates}")
    curve = {f"rate {rate:g}": _dropped(model, items, rate, setting) for rate in setting.rates}
    if len(setting.rates) < 2:
        return curve
    area = combined(list(curve.values()), lambda values: auilc(setting.rates, values))
    return {**curve, "AUILC": area}


PROTOCOLS: dict[str, Callable[[FusionModel, list[Utterance], Setting], Figures]] = {
    "full": full,
    "subsets": subsets,
    "rmfm": rmfm,
    "mmin": mmin,
}


def scores_without_frames(
    model: FusionModel, items: list[Utterance], rate: float, constant: float, seed: int = 0
) -> np.ndarray:
    """Scores (n,) with each frame and word dropped with probability `rate`; `constant` where nothing is left.

    One seed drops the same at every rate: what is dropped at one stays dropped at the higher ones.
    """
    drop = partial(
        drop_frames, rate=rate, neutral=neutral_states(model), generators=modality_generators(seed)
    )
    scores = predict(model, items, model.dims, MODALITIES, PREDICTION_BATCH, drop)
    return np.where(np.isnan(scores), constant, scores)


def _on_subset(
    model: FusionModel, items: list[Utterance], subset: tuple[Modality, ...], setting: Setting
) -> dict[str, float]:
    return model_metrics(model, items, setting.label_range, subset)


def _dropped(model: FusionModel, items: list[Utterance], rate: float, setting: Setting) -> dict[str, float]:
    scores = scores_without_frames(model, items, rate, setting.constant, setting.seed)
    return score_metrics(scores, items, setting.label_range)


def combined(rows: list[dict[str, float]], combine: Callable[[list[float]], float]) -> dict[str, float]:
    """Each metric of the rows combined to one number; none where a row lacks it."""
    metrics = [m for m in rows[0] if m != "items" and all(m in row for row in rows)]
    return {m: float(combine([row[m] for row in rows])) for m in metrics}
