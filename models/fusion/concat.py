"""Concat fusion: the feature concatenation that MMSA calls LF_DNN (Williams et al., 2018)."""

from __future__ import annotations

import torch
from torch import nn

from models.fusion.base import FusionModel
from models.fusion.layers import SubNets
from models.types import MODALITIES, Features, Modality, Prediction


class ConcatFusion(FusionModel):
    """[h_t; h_a; h_v] -> Dropout -> 2 x (Linear + ReLU) -> Linear."""

    def __init__(self, dims: dict[Modality, int], *, post_fusion: int, post_dropout: float, subnets: dict):
        super().__init__(dims)
        self.subnets = SubNets(self.dims, **subnets)
        self.head = nn.Sequential(
            nn.Dropout(post_dropout),
            nn.Linear(sum(self.subnets.widths.values()), post_fusion),
            nn.ReLU(),
            nn.Linear(post_fusion, post_fusion),
            nn.ReLU(),
            nn.Linear(post_fusion, 1),
        )

    def forward(self, features: Features) -> Prediction:
        """Score only: the network has no part that belongs to one modality."""
        embeddings = self.subnets(self.normalised(features))
        joint = torch.cat([embeddings[m] for m in MODALITIES], dim=1)
        return Prediction(self.bounded(self.head(joint)[:, 0]))
