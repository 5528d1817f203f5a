"""How unlike the utterances that the fusion models learned from a new one is."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from models.extractors.local_profile import LocalProfile
from models.extractors.profile import Profile
from models.tensors import CHECKPOINTS, CheckpointError, load_strictly, load_tensors
from models.types import Features, Modality


def mahalanobis(states: Tensor, mean: Tensor, whitener: Tensor) -> Tensor:
    """Mahalanobis distances (n,) of (n, d); whitener (d, d) is a root of the inverse covariance."""
    return torch.linalg.vector_norm((states - mean) @ whitener, dim=-1)


class OutlierDetector(nn.Module):
    """Mahalanobis distance of an utterance's mean state from those of training, per modality.

    As Lee et al. (A Simple Unified Framework for Detecting Out-of-Distribution Samples, NeurIPS 2018), with
    one Gaussian for all, since a score has no classes.
    """

    def __init__(self, dims: dict[Modality, int] = LocalProfile.dims):
        super().__init__()
        for modality, width in dims.items():
            self.register_buffer(f"{modality}_mean", torch.zeros(width))
            self.register_buffer(f"{modality}_whitener", torch.eye(width))

    @classmethod
    def load(cls, profile: Profile, root: Path | None = None) -> OutlierDetector:
        """The one that was fitted on this profile's states, from `<root>/<profile>/extractors`.

        CheckpointError for a missing, damaged or misfitting file, and for one of other extractors.
        """
        path = Path(root or CHECKPOINTS) / profile.name / "extractors" / "out_of_distribution.safetensors"
        tensors, meta = load_tensors(path)
        if meta.get("fingerprints") != profile.fingerprints:
            raise CheckpointError(
                f"{path} was fitted on states of other extractors; fit it again with "
                "`python -m models.shipped train-extractors out_of_distribution`"
            )
        detector = cls(profile.dims)
        load_strictly(detector.state_dict(), tensors, path)
        return detector

    def distances(self, modality: Modality, states: Tensor) -> Tensor:
        """Distances (n,) of mean states (n, d), in units of the one that 99 % of utterances stay below."""
        return mahalanobis(states, getattr(self, f"{modality}_mean"), getattr(self, f"{modality}_whitener"))

    def detect(self, features: Features) -> list[Modality]:
        """The modalities of a batch of one that are unlike what was learned from."""
        found = []
        for modality, sequence in features:
            if bool(sequence.present[0]):
                mean = sequence.values[0, : int(sequence.lengths[0])].mean(0).cpu()
                if self.distances(modality, mean[None]).item() > 1:
                    found.append(modality)
        return found
