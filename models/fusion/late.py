"""Late fusion: one predictor per modality, and the mean of those that are present."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.config import Config
from models.fusion.base import FusionModel
from models.fusion.layers import SubNets, SubNetsConfig, mean_over_present
from models.fusion.spec import CLAMPED, READOUT, SUBNETS, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction


@dataclass(frozen=True)
class LateConfig(Config):
    """Settings of `LateFusion`."""

    subnets: SubNetsConfig = SubNetsConfig()


class LateFusion(FusionModel):
    """y = mean over present modalities of y_m, each y_m read from one modality alone."""

    has_readout = True

    def __init__(self, dims: dict[Modality, int], config: LateConfig):
        super().__init__(dims, config)
        self.subnets = SubNets(self.dims, config.subnets)
        self.heads = nn.ModuleDict({str(m): nn.Linear(w, 1) for m, w in self.subnets.widths.items()})

    def forward(self, features: Features) -> Prediction:
        """Score, and the trace `unimodal_scores` (B, 3), 0 where a modality is absent."""
        scores = self._unimodal(features)
        return Prediction(self._mean(scores, features), make_traces=lambda: {"unimodal_scores": scores})

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """L1 of every head on the rows that have its modality, and L1 of the mean."""
        scores, present = self._unimodal(features), features.present()
        errors = (scores - target[:, None]).abs()
        unimodal = {
            f"l1_{m}": mean_over_present(errors[:, i], present[:, i]) for i, m in enumerate(MODALITIES)
        }
        return {"l1": (self._mean(scores, features) - target).abs().mean(), **unimodal}

    def _mean(self, scores: Tensor, features: Features) -> Tensor:
        """Score (B,) of the unimodal scores (B, 3), 0 where a modality is absent."""
        present = features.present()
        shares = present / present.sum(1, keepdim=True).clamp_min(1)
        return self.read_out((shares * scores).sum(1), features)

    def _unimodal(self, features: Features) -> Tensor:
        embeddings = self.subnets(self.normalised(features))
        scores = torch.cat([self.heads[m](embeddings[m]) for m in MODALITIES], dim=1)
        return self.bounded(torch.where(features.present(), scores, 0.0))


SPEC = ModelSpec(
    name="late",
    title="Late fusion",
    paper="Multimodal Machine Learning: A Survey and Taxonomy (late fusion)",
    year=2017,
    kind="regression",
    model=LateFusion,
    config=LateConfig(),
    aligned=False,
    weights_kind=None,
    reconstructs=False,
    faithful=(
        "The textbook baseline: one predictor per modality, plain mean over those present.",
        CLAMPED,
        SUBNETS,
        READOUT,
    ),
    url="https://arxiv.org/abs/1705.09406",
)
