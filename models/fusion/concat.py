"""Concat fusion: the feature concatenation that MMSA calls LF_DNN (Williams et al., 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from models.config import Config
from models.fusion.base import FusionModel
from models.fusion.layers import SubNets, SubNetsConfig
from models.fusion.spec import CLAMPED, SUBNETS, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction


@dataclass(frozen=True)
class ConcatConfig(Config):
    """Settings of `ConcatFusion`."""

    post_fusion: int = 128  # units of both hidden layers
    post_dropout: float = 0.3  # of the concatenation, in [0, 1)
    subnets: SubNetsConfig = SubNetsConfig(text_out=128, vision=64)


class ConcatFusion(FusionModel):
    """[h_t; h_a; h_v] -> Dropout -> 2 x (Linear + ReLU) -> Linear."""

    def __init__(self, dims: dict[Modality, int], config: ConcatConfig):
        super().__init__(dims, config)
        self.subnets = SubNets(self.dims, config.subnets)
        units = config.post_fusion
        self.head = nn.Sequential(
            nn.Dropout(config.post_dropout),
            nn.Linear(sum(self.subnets.widths.values()), units),
            nn.ReLU(),
            nn.Linear(units, units),
            nn.ReLU(),
            nn.Linear(units, 1),
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
    config=ConcatConfig(),
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
