"""MCLEA: Multi-modal Contrastive Representation Learning for Entity Alignment (Lin et al., COLING 2022).

Adapted from entity alignment to sentiment: an utterance stands where an entity stood, utterances of like
score are the aligned pairs, and a regression head reads the joint embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config
from models.fusion.base import FusionModel
from models.fusion.contrastive import (
    Pairs,
    UncertaintyWeights,
    contrastive_loss,
    inter_modal_losses,
    intra_modal_losses,
)
from models.fusion.layers import ScoreHead, SubNets, SubNetShape, weighted_concat
from models.fusion.spec import CLAMPED, SUBNETS, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction, Weights


@dataclass(frozen=True)
class MCLEAConfig(Config):
    """Settings of `MCLEA`."""

    width: int = 100  # of every modality's embedding
    hidden: int = 64  # units of the head's hidden layer
    dropout: float = 0.3  # of the head, in [0, 1)
    margin: float = 0.5  # two clips whose scores, in [-3, 3], differ by less are a positive pair
    temperatures: tuple[float, float] = (0.1, 4.0)  # tau_1 of the contrastive loss ICL, tau_2 of IAL
    contrast: float = 0.1  # factor of all contrastive terms
    alignment: float = 0.1  # factor of the alignment loss IAL among them
    subnets: SubNetShape = SubNetShape()


class MCLEA(FusionModel):
    """Score from concat_m[alpha_m * h_m / |h_m|], with one alpha for all clips."""

    config: MCLEAConfig

    def __init__(self, dims: dict[Modality, int], config: MCLEAConfig):
        super().__init__(dims, config)
        self.subnets = SubNets(self.dims, config.subnets.of_width(config.width))
        self.weight_logits = nn.Parameter(torch.ones(len(MODALITIES)))  # w, alpha = softmax(w)
        self.head = ScoreHead(len(MODALITIES) * config.width, config.hidden, config.dropout)
        self.icl_weights, self.ial_weights = UncertaintyWeights(), UncertaintyWeights()

    def forward(self, features: Features) -> Prediction:
        """Score; the weights are alpha over the modalities that are present.

        Traces, the same for every clip: `global_weights` (B, 3), alpha over all three modalities;
        `icl_loss_weights` and `ial_loss_weights` (B, 3), the factors exp(-s_m) of the modalities' losses.
        """
        _, joint, weights = self._embed(features)

        def traces() -> dict[str, Tensor]:
            everywhere = {
                "global_weights": self.weight_logits.softmax(0),
                "icl_loss_weights": self.icl_weights.factors(),
                "ial_loss_weights": self.ial_weights.factors(),
            }
            return {name: value.expand(len(joint), -1) for name, value in everywhere.items()}

        return Prediction(
            self.bounded(self.head(joint)),
            weights=Weights("global", weights),
            make_traces=traces,
        )

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """L1, ICL of the joint embedding, ICL and IAL of each modality weighted by their uncertainty."""
        embeddings, joint, _ = self._embed(features)
        pairs = Pairs(features.present(), target, self.config.margin)
        (tau_icl, tau_ial), contrast = self.config.temperatures, self.config.contrast
        icl = self.icl_weights(intra_modal_losses(embeddings, pairs, tau_icl))
        ial = self.ial_weights(inter_modal_losses(joint, embeddings, pairs, tau_ial))
        return {
            "l1": F.l1_loss(self.bounded(self.head(joint)), target),
            "icl_joint": contrast * contrastive_loss(joint, pairs.joint, pairs.alike, tau_icl),
            "icl": contrast * icl,
            "ial": contrast * self.config.alignment * ial,
        }

    def _embed(self, features: Features) -> tuple[dict[Modality, Tensor], Tensor, Tensor]:
        """{modality: (B, width)}, the joint embedding (B, 3 width), and alpha over present (B, 3)."""
        embeddings = self.subnets(self.normalised(features))
        present = features.present()
        logits = self.weight_logits.expand(len(present), -1).masked_fill(~present, -torch.inf)
        weights = logits.softmax(1).nan_to_num(0.0)
        return embeddings, weighted_concat(embeddings, weights), weights


SPEC = ModelSpec(
    name="mclea",
    title="MCLEA (adapted)",
    paper="Multi-modal Contrastive Representation Learning for Entity Alignment",
    year=2022,
    kind="regression",
    model=MCLEA,
    config=MCLEAConfig(),
    aligned=False,
    weights_kind="global",
    reconstructs=False,
    faithful=(
        (
            "Adapted from entity alignment, in no paper on sentiment: utterances instead of entities of two "
            "graphs, those of like score as aligned pairs with the other positives out of the denominator, "
            "an L1 head on the joint embedding."
        ),
        "Weights renormalised over present modalities.",
        "Losses only between clips that both have the modality.",
        (
            "IAL scaled once and averaged per clip (the released code scales it twice and averages over "
            "pairs), all contrastive terms at a tenth of their weight."
        ),
        CLAMPED,
        SUBNETS,
    ),
    url="https://arxiv.org/abs/2209.00891",
)
