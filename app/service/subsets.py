"""What fusion models say of one clip: a method on subsets of its modalities, and MLA on each alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.fusion.base import FusionModel
from models.fusion.mla import MLA, entropy_weights
from models.types import MODALITIES, Features, Modality

Subset = tuple[Modality, ...]


@dataclass(frozen=True)
class SubsetScores:
    """What one method says of one clip.

    score : in [-3, 3], on all used modalities
    alone : {modality: score of the method on it alone}
    occlusion : {modality: |score - score without it|}, empty where only one is used
    own_weights : {modality: the method's own weight}, None where it has none
    """

    score: float
    alone: dict[Modality, float]
    occlusion: dict[Modality, float]
    own_weights: dict[Modality, float] | None


@torch.inference_mode()
def score_subsets(model: FusionModel, features: Features, used: Subset) -> SubsetScores:
    """Score of `used`, of each of its modalities alone and of each leave-one-out, as rows of one batch.

    features : batch of one, in which every modality of `used` is present
    """
    singles = [(modality,) for modality in used]
    rests = {modality: tuple(m for m in used if m != modality) for modality in used}
    subsets = list(dict.fromkeys([used, *singles, *filter(None, rests.values())]))
    device = features.text.present.device
    kept = torch.tensor([[m in subset for m in MODALITIES] for subset in subsets], device=device)
    rows = features.select(torch.zeros(len(subsets), dtype=torch.long, device=device)).keep(kept)
    prediction = model(rows)
    scores = dict(zip(subsets, prediction.score.tolist(), strict=True))
    own_weights = None
    if prediction.weights is not None:
        by_modality = dict(zip(MODALITIES, prediction.weights.values[0].tolist(), strict=True))
        own_weights = {modality: by_modality[modality] for modality in used}
    return SubsetScores(
        score=scores[used],
        alone={modality: scores[modality,] for modality in used},
        occlusion={m: abs(scores[used] - scores[rest]) for m, rest in rests.items() if rest},
        own_weights=own_weights,
    )


@dataclass(frozen=True)
class Certainty:
    """How sure one modality is of its own class distribution.

    probabilities : over the classes -3 … 3, summing to 1
    entropy : of them, in nats, in [0, log 7]
    weight : its share of softmax(-entropy) over used modalities; None where it is not used
    """

    probabilities: list[float]
    entropy: float
    weight: float | None


@torch.inference_mode()
def read_certainty(mla: MLA, features: Features, used: Subset) -> dict[Modality, Certainty]:
    """Every present modality's certainty, from MLA's unimodal predictions, whatever method is shown beside.

    features : batch of one, in which every modality of `used` is present
    """
    logits, entropies = mla.unimodal(features)
    weights = entropy_weights(entropies, features.only(used).present())
    rows = zip(
        MODALITIES,
        features.present()[0].tolist(),
        logits[0].softmax(-1).tolist(),
        entropies[0].tolist(),
        weights[0].tolist(),
        strict=True,
    )
    return {
        modality: Certainty(probabilities, entropy, weight if modality in used else None)
        for modality, present, probabilities, entropy, weight in rows
        if present
    }
