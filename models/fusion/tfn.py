"""TFN: Tensor Fusion Network for Multimodal Sentiment Analysis (Zadeh et al., EMNLP 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.config import Config
from models.fusion.alignment import Aligned
from models.fusion.base import FusionModel
from models.fusion.layers import SubNets, SubNetsConfig, with_one
from models.fusion.spec import SUBNETS, ModelSpec, TrainingSettings
from models.types import MODALITIES, Features, Modality, Prediction

# blocks of the cube, by which modalities they multiply: t, a, v, ta, tv, av, tav
BLOCKS: tuple[tuple[Modality, ...], ...] = tuple(sorted(Modality.subsets(), key=len))


def outer_product(embeddings: dict[Modality, Tensor]) -> Tensor:
    """[1; h_t] (x) [1; h_a] (x) [1; h_v] of {modality: (B, H_m)}: (B, H_t + 1, H_a + 1, H_v + 1)."""
    text, audio, vision = (with_one(embeddings[m]) for m in MODALITIES)
    return (text[:, :, None] * audio[:, None])[..., None] * vision[:, None, None]


@dataclass(frozen=True)
class TFNConfig(Config):
    """Settings of `TFN`."""

    post_fusion: int = 64  # units of both hidden layers
    post_dropout: float = 0.5  # of the cube, in [0, 1)
    subnets: SubNetsConfig = SubNetsConfig(text_out=32, audio=24, vision=24)


class TFN(FusionModel):
    """The outer product of [1; h_m] over the modalities, read by a network of two hidden layers.

    With h_m := 0 for an absent modality the cube is non-zero only where m contributes its constant 1: it
    becomes the TFN of the modalities that are left.
    """

    def __init__(self, dims: dict[Modality, int], config: TFNConfig):
        super().__init__(dims, config)
        self.subnets = SubNets(self.dims, config.subnets)
        self.cube_shape = tuple(self.subnets.widths[m] + 1 for m in MODALITIES)
        self.dropout = nn.Dropout(config.post_dropout)
        self.first = nn.Linear(math.prod(self.cube_shape), config.post_fusion)
        self.second = nn.Linear(config.post_fusion, config.post_fusion)
        self.last = nn.Linear(config.post_fusion, 1)

    def cube(self, features: Features) -> Tensor:
        """z_t (x) z_a (x) z_v: (B, H_t + 1, H_a + 1, H_v + 1), index 0 being the constant 1."""
        return outer_product(self.subnets(self.normalised(features)))

    def forward(self, features: Features) -> Prediction:
        """Score, and the trace `block_energy` (B, 7), see `block_energy`."""
        cube = self.cube(features)
        hidden = self.first(self.dropout(cube.flatten(1))).relu()
        hidden = self.second(hidden).relu()
        score = 6 * self.last(hidden)[:, 0].sigmoid() - 3
        return Prediction(score, make_traces=lambda: {"block_energy": self.block_energy(cube)})

    def block_energy(self, cube: Tensor) -> Tensor:
        """Share of each block of `BLOCKS` in the first layer, |W_block Z_block|^2: (B, 7), at least 0."""
        weight = self.first.weight.view(-1, *self.cube_shape)
        energies = []
        for block in BLOCKS:
            index = tuple(slice(1, None) if m in block else slice(0, 1) for m in MODALITIES)
            contribution = cube[:, *index].flatten(1) @ weight[:, *index].flatten(1).T
            energies.append(contribution.square().sum(1))
        return torch.stack(energies, dim=1)

    def sizes(self) -> dict[str, int]:
        """Adds the entries of the cube."""
        return {**super().sizes(), "cube": self.first.in_features}


@dataclass(frozen=True)
class TensorFusionConfig(Config):
    """Settings of `TensorFusion`."""

    width: int  # of the encoding
    subnets: SubNetsConfig
    dropout: float  # of the cube, in [0, 1)


class TensorFusion(nn.Module):
    """TFN's subnets and cube as an encoder, for methods that put their own head on it (MFM)."""

    def __init__(self, dims: dict[Modality, int], config: TensorFusionConfig):
        super().__init__()
        self.width = config.width
        self.subnets = SubNets(dims, config.subnets)
        cells = math.prod(w + 1 for w in self.subnets.widths.values())
        self.projection = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(cells, config.width), nn.ReLU())

    def forward(self, features: Features, aligned: Aligned) -> tuple[Tensor, Callable[[], dict[str, Tensor]]]:
        """Encoding (B, width) of standardised features, which it reads before any alignment; no traces."""
        return self.projection(outer_product(self.subnets(features)).flatten(1)), dict


SPEC = ModelSpec(
    name="tfn",
    title="TFN",
    paper="Tensor Fusion Network for Multimodal Sentiment Analysis",
    year=2017,
    kind="regression",
    model=TFN,
    config=TFNConfig(),
    aligned=False,
    weights_kind=None,
    reconstructs=False,
    faithful=(
        (
            "A cube of 33 x 25 x 25 instead of 129 x 33 x 33, so that the model stays below 2.5 million "
            "parameters."
        ),
        "An absent modality's embedding is masked, which leaves exactly the TFN of the others.",
        SUBNETS,
    ),
    url="https://arxiv.org/abs/1707.07250",
    training=TrainingSettings(features_lr=4e-3),
)
