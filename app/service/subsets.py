"""What fusion models say of one clip: a method on subsets of its modalities, and MLA on each alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from app.service.analysis import Transcript
from models.checkpoint import Checkpoint, how_to_train, subset_name
from models.fusion.base import FusionModel
from models.fusion.mla import MLA, entropy_weights
from models.tensors import CheckpointError
from models.types import MODALITIES, Features, Modality

Subset = tuple[Modality, ...]

# 80 % quantile of |score of translated words - score of the English sentence|, over plain sentences in
# synthetic speech, which is harder to hear than a person's: python tests/benchmarks/translation.py
TRANSLATED = 2.5


@dataclass(frozen=True)
class SubsetScores:
    """What one method says of one clip.

    by_subset : {every non-empty subset of the present modalities: score in [-3, 3]}
    weights : {the same subsets: {modality in it: the method's own weight}}, None where it has none
    used : the subset asked for
    """

    by_subset: dict[Subset, float]
    weights: dict[Subset, dict[Modality, float]] | None
    used: Subset

    def of(self, used: Subset) -> SubsetScores:
        """The same about another subset of the clip's modalities."""
        return replace(self, used=used)

    @property
    def own_weights(self) -> dict[Modality, float] | None:
        """{used modality: the method's own weight}, None where it has none."""
        return None if self.weights is None else self.weights[self.used]

    @property
    def score(self) -> float:
        """On all used modalities."""
        return self.by_subset[self.used]

    @property
    def alone(self) -> dict[Modality, float]:
        """{used modality: score of the method on it alone}."""
        return {m: self.by_subset[m,] for m in self.used}

    @property
    def occlusion(self) -> dict[Modality, float]:
        """{used modality: |score - score without it|}, empty where only one is used."""
        rests = {m: tuple(n for n in self.used if n != m) for m in self.used}
        return {m: abs(self.score - self.by_subset[rest]) for m, rest in rests.items() if rest}


@torch.inference_mode()
def score_subsets(model: FusionModel, features: Features, used: Subset) -> SubsetScores:
    """Scores of every subset of the present modalities, as rows of one batch.

    features : batch of one, in which every modality of `used` is present
    """
    there = features.present()[0].tolist()
    present = {m for m, is_there in zip(MODALITIES, there, strict=True) if is_there}
    subsets = [subset for subset in Modality.subsets() if present.issuperset(subset)]
    device = features.text.present.device
    kept = torch.tensor([[m in subset for m in MODALITIES] for subset in subsets], device=device)
    rows = features.select(torch.zeros(len(subsets), dtype=torch.long, device=device)).keep(kept)
    prediction = model(rows)
    scores = dict(zip(subsets, prediction.score.tolist(), strict=True))
    weights = None
    if prediction.weights is not None:
        weights = {
            subset: {m: value for m, value in zip(MODALITIES, row, strict=True) if m in subset}
            for subset, row in zip(subsets, prediction.weights.values.tolist(), strict=True)
        }
    return SubsetScores(scores, weights, used)


@torch.inference_mode()
def score_subset(model: FusionModel, features: Features, used: Subset) -> float:
    """The score of one subset of the present modalities; features : batch of one."""
    return float(model(features.only(used)).score[0])


def interval(
    checkpoint: Checkpoint, score: float, used: Subset, transcript: Transcript | None = None
) -> tuple[float, float]:
    """80 % split-conformal interval around a score, within [-3, 3], from held-out errors of that subset.

    Wider by TRANSLATED where words that were translated are among what is used.
    CheckpointError where the checkpoint has none for the subset.
    """
    reach = checkpoint.meta.quantile(used)
    if reach is None:
        raise CheckpointError(
            f"the weights of {checkpoint.meta.method!r} have no residual quantile for {subset_name(used)}; "
            f"train them again with {how_to_train(checkpoint.meta.method, checkpoint.meta.profile)}"
        )
    if transcript and transcript.original and Modality.TEXT in used:
        reach += TRANSLATED
    return max(-3.0, score - reach), min(3.0, score + reach)


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
def read_certainty(mla: MLA, features: Features) -> dict[Modality, Certainty]:
    """Every present modality's certainty, from MLA's unimodal predictions, whatever method is shown beside.

    features : batch of one; nothing of it is in use, see `weighed`
    """
    logits, entropies = mla.unimodal(features)
    rows = zip(
        MODALITIES,
        features.present()[0].tolist(),
        logits[0].softmax(-1).tolist(),
        entropies[0].tolist(),
        strict=True,
    )
    return {
        modality: Certainty(probabilities, entropy, None)
        for modality, present, probabilities, entropy in rows
        if present
    }


def weighed(certainty: dict[Modality, Certainty], used: Subset) -> dict[Modality, Certainty]:
    """The same with the weights of the modalities that are `used`, each of them in `certainty`."""
    entropies = torch.tensor([[certainty[m].entropy for m in used]])
    weights = entropy_weights(entropies, torch.ones_like(entropies, dtype=torch.bool))[0].tolist()
    shares = dict(zip(used, weights, strict=True))
    return {m: replace(sure, weight=shares.get(m)) for m, sure in certainty.items()}
