"""Fits what tells an utterance unlike the training data, on the states that the fusion models learn from."""

from __future__ import annotations

import torch
from sklearn.covariance import LedoitWolf
from sklearn.model_selection import GroupKFold
from torch import Tensor

from models.extractors.local_profile import LocalProfile
from models.extractors.out_of_distribution import OutlierDetector, mahalanobis
from models.extractors.vision import VALENCE
from models.features.utterances import Utterance
from models.shipped.sources import Sources, Speech
from models.types import MODALITIES, Modality

FOLDS = 5
KEPT = 0.97  # share of held-out training utterances that are no outliers


def fit_detector(
    sources: Sources, speech: Speech, dims: dict[Modality, int] = LocalProfile.dims
) -> OutlierDetector:
    """Gaussians of the utterances' mean states, in units of the held-out distances' 97 % quantile.

    Held out are speakers and videos, in five folds.
    """
    detector = OutlierDetector(dims)
    own = {Modality.TEXT: sources.text, Modality.AUDIO: speech.train, Modality.VISION: sources.faces}
    for modality in MODALITIES:
        unique = {id(item): item for item in (*own[modality], *sources.clips)}  # MOSI's rows are repeated
        items = [item for item in unique.values() if modality in item.states]
        states, groups = mean_states(items, modality), [item.group for item in items]
        unseen = torch.zeros(len(items))
        for training, held_out in GroupKFold(FOLDS).split(states, groups=groups):
            unseen[held_out] = mahalanobis(states[held_out], *_gaussian(states[training]))
        mean, whitener = _gaussian(states)
        getattr(detector, f"{modality}_mean").copy_(mean)
        getattr(detector, f"{modality}_whitener").copy_(whitener / unseen.quantile(KEPT))
    return detector


def evaluate_detector(
    detector: OutlierDetector, sources: Sources, speech: Speech
) -> dict[str, dict[str, float]]:
    """Share of utterances that nothing learned from and that are called outliers all the same."""
    unseen = {
        Modality.TEXT: sources.text_validation,
        Modality.AUDIO: speech.test,
        Modality.VISION: sources.test_faces,
    }
    figures = {}
    for modality, items in unseen.items():
        outliers = detector.distances(modality, mean_states(items, modality)) > 1
        figures[str(modality)] = {
            "unseen utterances": len(items),
            "called outliers %": 100 * float(outliers.float().mean()),
        }
    return figures


def mean_states(items: list[Utterance], modality: Modality) -> Tensor:
    """(n, d) means over time of utterances that have the modality.

    A face's valence less the person's mean is 0 on average over a clip, as in the single faces it is not.
    """
    means = torch.stack([item.states[modality].float().mean(0) for item in items])
    if modality is Modality.VISION:
        means[:, VALENCE + 1] = 0
    return means


def _gaussian(states: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and whitener (d, d) of states (n, d), the covariance shrunk (Ledoit & Wolf, 2004)."""
    fitted = LedoitWolf().fit(states.double().numpy())
    whitener = torch.linalg.cholesky(torch.from_numpy(fitted.precision_))
    return torch.from_numpy(fitted.location_).float(), whitener.float()
