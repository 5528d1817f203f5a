"""MLA: Multimodal Representation Learning by Alternating Unimodal Adaptation (Zhang et al., CVPR 2024)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config
from models.fusion.base import (
    CLASSES,
    GRADIENT_NORM,
    FusionModel,
    evaluating,
    expected_score,
    seven_class_target,
)
from models.fusion.calibration import best_temperature
from models.fusion.layers import SubNets, SubNetShape, mean_over_present
from models.fusion.projection import protected_step, protection
from models.fusion.spec import READOUT, SUBNETS, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction, Weights

VISITING_ORDER = (Modality.AUDIO, Modality.VISION, Modality.TEXT)  # the authors'


@dataclass(frozen=True)
class MLAConfig(Config):
    """Settings of `MLA`."""

    width: int = 128  # D, the common width of the embeddings
    subnets: SubNetShape = SubNetShape()


class MLA(FusionModel):
    """Modalities trained in turns on one shared linear head, fused by the entropy of their predictions."""

    has_readout = True

    temperature: Tensor  # (3,), see `calibrate`

    def __init__(self, dims: dict[Modality, int], config: MLAConfig):
        super().__init__(dims, config)
        self.subnets = SubNets(self.dims, config.subnets.of_width(config.width))
        self.norms = nn.ModuleDict({str(m): nn.LayerNorm(config.width) for m in MODALITIES})
        self.head = nn.Linear(config.width, CLASSES)
        self.register_buffer("temperature", torch.ones(len(MODALITIES)))

    def forward(self, features: Features) -> Prediction:
        """Entropy fusion, clip by clip: lambda = softmax(-e_m) over present m, logits = sum lambda_m l_m.

        Traces: `unimodal_logits` (B, 3, 7) and `entropies` (B, 3) in nats.
        """
        logits, entropies = self.unimodal(features)
        weights = entropy_weights(entropies, features.present())
        fused = (weights[..., None] * logits).sum(1)
        return Prediction(
            self.read_out(expected_score(fused), features),
            logits=fused,
            weights=Weights("entropy", weights),
            make_traces=lambda: {"unimodal_logits": logits, "entropies": entropies},
        )

    def unimodal(self, features: Features) -> tuple[Tensor, Tensor]:
        """What each modality says alone: logits (B, 3, 7) at its temperature, entropies (B, 3) in nats.

        An absent modality knows nothing: zero logits, entropy log 7.
        """
        embeddings = self._embed(features)
        logits = torch.stack([self.head(embeddings[m]) for m in MODALITIES], dim=1)
        logits = logits / self.temperature[:, None]
        logits = torch.where(features.present()[..., None], logits, 0.0)
        return logits, class_entropy(logits)

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """Cross entropy of each modality on the rows that have it; there is no joint term."""
        embeddings = self._embed(features)
        return {
            f"ce_{m}": self._cross_entropy(embeddings[m], features[m].present, target) for m in MODALITIES
        }

    def training_step(
        self, features: Features, target: Tensor, optimizer: torch.optim.Optimizer, progress: float
    ) -> dict[str, float]:
        """One update per modality in turn, of its encoder and of the shared head.

        The head's update for a modality is projected away from the mean features of the two others in
        this batch, both visited since its own last turn. The projection is rebuilt for every turn: carried
        on over batches it would run out of directions and freeze the head.
        """
        # the graph of an embedding holds only its own subnet, which no other turn changes
        embeddings = self._embed(features)
        visited = [m for m in VISITING_ORDER if features[m].present.any()]
        means = {m: embeddings[m][features[m].present].detach().mean(0) for m in visited}
        losses = {}
        for modality in visited:
            loss = self._cross_entropy(embeddings[modality], features[modality].present, target)
            optimizer.zero_grad(set_to_none=True)  # None, not zero: momentum would move the other subnets
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), GRADIENT_NORM)
            others = [means[m] for m in visited if m != modality]
            protected_step(self.head, optimizer, protection(others, self.head, 0.1 ** (1 + progress)))
            losses[f"ce_{modality}"] = loss.item()
        return losses

    @torch.no_grad()
    def calibrate(self, features: Features, target: Tensor) -> None:
        """Set each modality's temperature to the one with the least cross entropy on held-out data.

        target (B,) in [-3, 3]; a modality that no row has keeps its temperature.
        """
        with evaluating(self):
            logits = self.unimodal(features)[0] * self.temperature[:, None]
        classes = seven_class_target(target)
        for i, modality in enumerate(MODALITIES):
            present = features[modality].present
            if present.any():
                self.temperature[i] = best_temperature(logits[present, i], classes[present])

    def _embed(self, features: Features) -> dict[Modality, Tensor]:
        """{modality: (B, D)} layer-normalised, zero where absent."""
        embeddings = self.subnets(self.normalised(features))
        return {
            m: torch.where(features[m].present[:, None], self.norms[m](h), 0.0) for m, h in embeddings.items()
        }

    def _cross_entropy(self, embedding: Tensor, present: Tensor, target: Tensor) -> Tensor:
        losses = F.cross_entropy(self.head(embedding), seven_class_target(target), reduction="none")
        return mean_over_present(losses, present)


def class_entropy(logits: Tensor) -> Tensor:
    """Entropy in nats of softmax over the last axis of logits (..., C): (...), in [0, log C]."""
    log_probabilities = logits.log_softmax(-1)
    return -(log_probabilities.exp() * log_probabilities).sum(-1)


def entropy_weights(entropies: Tensor, present: Tensor) -> Tensor:
    """softmax(-e) over present modalities: (B, M), 0 where absent; all 0 where nothing is present.

    The paper's max_v e_v - e_m is the same: the maximum cancels. Per clip, unlike the released code, whose
    softmax runs over the batch.
    """
    return (-entropies).masked_fill(~present, -torch.inf).softmax(1).nan_to_num(0.0)


SPEC = ModelSpec(
    name="mla",
    title="MLA",
    paper="Multimodal Representation Learning by Alternating Unimodal Adaptation",
    year=2024,
    kind="classification",
    model=MLA,
    config=MLAConfig(),
    aligned=False,
    weights_kind="entropy",
    reconstructs=False,
    faithful=(
        "A classifier over seven rounded scores, read as their expectation.",
        (
            "Entropies per clip and over classes (the released code takes the softmax over the batch), only "
            "of present modalities."
        ),
        (
            "The projection is applied (it never runs in the released code), to the head's update with its "
            "bias, with the scalar denominator, rebuilt every turn from the other modalities' mean features."
        ),
        "One temperature per modality, fitted on held-out data.",
        SUBNETS,
        READOUT,
    ),
    url="https://arxiv.org/abs/2311.10707",
)
