"""QMF: Provable Dynamic Fusion for Low-Quality Multimodal Data (Zhang et al., ICML 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config
from models.fusion.base import CLASSES, FusionModel, evaluating, expected_score, seven_class_target
from models.fusion.calibration import best_temperature
from models.fusion.layers import SubNets, SubNetsConfig, mean_over_present
from models.fusion.spec import READOUT, SUBNETS, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction, Weights

ENERGY_SCALE = 10  # confidence = negative energy / 10, as in the authors' code


@dataclass(frozen=True)
class QMFConfig(Config):
    """Settings of `QMF`."""

    rank: float = 0.1  # lambda, factor of the term that makes confidence fall where the loss is high
    subnets: SubNetsConfig = SubNetsConfig()


class QMF(FusionModel):
    """logits = sum over present m of conf_m * l_m, conf_m from the energy of the modality's own logits."""

    has_readout = True

    config: QMFConfig
    subnets: SubNets
    temperature: Tensor  # (3,) of one, two, three modalities

    def __init__(self, dims: dict[Modality, int], config: QMFConfig):
        super().__init__(dims, config)
        self.subnets = SubNets(self.dims, config.subnets)
        self.heads = nn.ModuleDict({str(m): nn.Linear(w, CLASSES) for m, w in self.subnets.widths.items()})
        self.register_buffer("temperature", torch.ones(len(MODALITIES)))

    def forward(self, features: Features) -> Prediction:
        """Expected score of the fused logits at their temperature; the weights are each modality's share of
        the confidence.

        Traces: `unimodal_logits` (B, 3, 7) and `confidences` (B, 3), not normalised, 0 where absent.
        """
        logits, confidences = self._unimodal(features)
        counts = features.present().sum(1).clamp_min(1)
        fused = fuse(logits, confidences) / self.temperature[counts - 1, None]
        total = confidences.sum(1, keepdim=True).clamp_min(torch.finfo(confidences.dtype).tiny)
        return Prediction(
            self.read_out(expected_score(fused), features),
            logits=fused,
            weights=Weights("confidence", confidences / total),
            make_traces=lambda: {"unimodal_logits": logits, "confidences": confidences},
        )

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """Cross entropy of the fused logits and of each modality's, and the rank term of each modality."""
        logits, confidences = self._unimodal(features)
        classes = seven_class_target(target)
        losses = {"ce": F.cross_entropy(fuse(logits, confidences), classes)}
        for i, (modality, sequence) in enumerate(features):
            unimodal = F.cross_entropy(logits[:, i], classes, reduction="none")
            losses[f"ce_{modality}"] = mean_over_present(unimodal, sequence.present)
            rows = sequence.present.nonzero()[:, 0]
            losses[f"rank_{modality}"] = self.config.rank * rank_loss(confidences[rows, i], unimodal[rows])
        return losses

    @torch.no_grad()
    def calibrate(self, features: Features, target: Tensor) -> None:
        """Fit the fused logits' temperature on held-out data, apart for one, two and three modalities.

        target (B,) in [-3, 3]. Unnormalised confidences add up: with fewer modalities the fused logits are
        flatter, however clear those are. A number of modalities that no row has keeps its temperature.
        """
        with evaluating(self):
            fused = fuse(*self._unimodal(features))
        classes, counts = seven_class_target(target), features.present().sum(1)
        for i in range(len(MODALITIES)):
            rows = counts == i + 1
            if rows.any():
                self.temperature[i] = best_temperature(fused[rows], classes[rows])

    def _unimodal(self, features: Features) -> tuple[Tensor, Tensor]:
        """Logits (B, 3, 7) and confidences (B, 3) of each modality alone, zero where it is absent."""
        embeddings = self.subnets(self.normalised(features))
        logits = torch.stack([self.heads[m](embeddings[m]) for m in MODALITIES], dim=1)
        present = features.present()
        # softplus keeps the order of energies and, unlike them, the sign of a modality's vote
        confidences = F.softplus(logits.logsumexp(2)) / ENERGY_SCALE
        return torch.where(present[..., None], logits, 0.0), torch.where(present, confidences, 0.0)


def fuse(logits: Tensor, confidences: Tensor) -> Tensor:
    """Confidence-weighted sum of logits (B, 3, 7) by confidences (B, 3): (B, 7).

    The confidences are constants here, as in the paper: the fused loss trains the logits alone.
    """
    return (confidences.detach()[..., None] * logits).sum(1)


def rank_loss(confidences: Tensor, losses: Tensor) -> Tensor:
    """How far the order of confidences (n,) is from the reversed order of losses (n,): scalar.

    Each row is compared with the next one of the batch. With k the losses scaled to [0, 1], a pair costs
    max(0, sgn(k_i - k_j) (c_i - c_j) + |k_i - k_j|), the paper's equation after Moon et al. (ICML 2020): the
    row with the higher loss must be less confident by the difference. No gradient reaches the losses.
    """
    if len(losses) < 2:
        return confidences.sum() * 0.0
    losses = losses.detach()
    span = losses.max() - losses.min()
    scaled = (losses - losses.min()) / span if span > 0 else torch.zeros_like(losses)
    difference = scaled - scaled.roll(1)
    wrong_way = difference.sign() * (confidences - confidences.roll(1))
    return (wrong_way + difference.abs()).relu().mean()


SPEC = ModelSpec(
    name="qmf",
    title="QMF",
    paper="Provable Dynamic Fusion for Low-Quality Multimodal Data",
    year=2023,
    kind="classification",
    model=QMF,
    config=QMFConfig(),
    aligned=False,
    weights_kind="confidence",
    reconstructs=False,
    faithful=(
        "A classifier over seven rounded scores, read as their expectation.",
        (
            "The rank term orders by the losses of the batch instead of a history over epochs, since "
            "training items are drawn anew, with the paper's margin (the released code turns it into slack) "
            "and a tenth of the weight."
        ),
        "Energies pass a softplus, so that no vote is turned round.",
        "Shown weights are shares of confidences that the method itself leaves unnormalised.",
        "One temperature per number of present modalities, fitted on held-out data.",
        SUBNETS,
        READOUT,
    ),
    url="https://arxiv.org/abs/2306.02050",
)
