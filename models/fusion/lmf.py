"""LMF: Efficient Low-rank Multimodal Fusion with Modality-Specific Factors (Liu et al., ACL 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.config import Config
from models.fusion.base import FusionModel
from models.fusion.layers import SubNets, SubNetsConfig, with_one
from models.fusion.spec import CLAMPED, SUBNETS, ModelSpec, TrainingSettings
from models.types import MODALITIES, Features, Modality, Prediction


@dataclass(frozen=True)
class LMFConfig(Config):
    """Settings of `LMF`."""

    rank: int = 4  # r, products of modality factors that the weight tensor is the sum of
    subnets: SubNetsConfig = SubNetsConfig()


class LMF(FusionModel):
    """Tensor fusion whose weight tensor is a sum of `rank` products of modality factors.

    The tensor W = sum_i omega_i (w_t^i (x) w_a^i (x) w_v^i) is never built. Its contraction is a sum over
    ranks of products over modalities; the paper's last derivation line swaps the two, which would collapse
    to rank 1. The output width is 1: the fused value is the score.
    """

    subnets: SubNets

    def __init__(self, dims: dict[Modality, int], config: LMFConfig):
        super().__init__(dims, config)
        self.subnets = SubNets(self.dims, config.subnets)
        self.factors = nn.ParameterDict(
            {str(m): nn.Parameter(_factor(config.rank, width)) for m, width in self.subnets.widths.items()}
        )
        self.rank_weights = nn.Parameter(nn.init.xavier_normal_(torch.empty(1, config.rank))[0])  # omega
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, features: Features) -> Prediction:
        """Score, and the trace `rank_terms` (B, rank) that sums, with the bias, to it."""
        embeddings = self.subnets(self.normalised(features))
        product = torch.ones_like(self.rank_weights)
        for modality in MODALITIES:
            product = product * (with_one(embeddings[modality]) @ self.factors[modality].T)
        terms = product * self.rank_weights
        return Prediction(self.bounded(terms.sum(1) + self.bias), make_traces=lambda: {"rank_terms": terms})

    def sizes(self) -> dict[str, int]:
        """Adds the rank and the entries of the tensor that the factors stand for."""
        full = 1
        for width in self.subnets.widths.values():
            full *= width + 1
        return {**super().sizes(), "rank": len(self.rank_weights), "full_tensor": full}


def _factor(rank: int, width: int) -> Tensor:
    """(rank, width + 1): per rank a Xavier (width + 1, 1) matrix whose "1" entry is 1.

    Initialised slice by slice, since fans of the whole tensor would be wrong; with the constant entries
    at 1 the product of three factors starts alive, and an absent modality starts as a neutral factor.
    """
    slices = [nn.init.xavier_normal_(torch.empty(width + 1, 1))[:, 0] for _ in range(rank)]
    factor = torch.stack(slices)
    factor[:, 0] = 1.0
    return factor


SPEC = ModelSpec(
    name="lmf",
    title="LMF",
    paper="Efficient Low-rank Multimodal Fusion with Modality-Specific Factors",
    year=2018,
    kind="regression",
    model=LMF,
    config=LMFConfig(),
    aligned=False,
    weights_kind=None,
    reconstructs=False,
    faithful=(
        (
            "Sum over ranks of products, as the authors' code (the paper's last derivation line would "
            "collapse to rank 1)."
        ),
        "Factors initialised per rank with the constant entry at 1.",
        "An absent modality's embedding is masked.",
        CLAMPED,
        SUBNETS,
    ),
    url="https://arxiv.org/abs/1806.00064",
    training=TrainingSettings(lr=4e-3, features_lr=2e-3),
)
