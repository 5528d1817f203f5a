"""Concat fusion: the feature concatenation that MMSA calls LF_DNN (Williams et al., 2018)."""

from __future__ import annotations

import torch
from torch import nn

from models.fusion.base import FusionModel
from models.fusion.layers import SubNets
from models.fusion.spec import CLAMPED, SUBNET_SHAPE, SUBNETS, ModelSpec
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


SPEC = ModelSpec(
    name="concat",
    title="Concat fusion",
    paper="Recognizing Emotions in Video Using Multimodal DNN Feature Fusion",
    year=2018,
    kind="regression",
    model=ConcatFusion,
    config={
        "post_fusion": 128,
        "post_dropout": 0.3,
        "subnets": {**SUBNET_SHAPE, "text_out": 128, "audio": 32, "vision": 64},
    },
    aligned=False,
    weights_kind=None,
    reconstructs=False,
    faithful=(
        (
            "The network MMSA calls LF_DNN, with subnets of 64, 32 and 64 units instead of 128, 16 and 128, "
            "and half its text embedding."
        ),
        "An absent modality's embedding is masked.",
        CLAMPED,
        SUBNETS,
    ),
    url="https://aclanthology.org/W18-3302/",
)
