"""MMIN: Missing Modality Imagination Network for Emotion Recognition (Zhao et al., ACL 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config
from models.fusion.base import FusionModel
from models.fusion.layers import SubNets, SubNetShape, feed_forward, mean_over_present, random_part
from models.fusion.spec import CLAMPED, SUBNETS, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction


@dataclass(frozen=True)
class MMINConfig(Config):
    """Settings of `MMIN`."""

    width: int = 128  # of every modality's embedding
    blocks: int = 3  # B, residual autoencoders in the cascade
    hidden: tuple[int, ...] = (128, 64, 32)  # widths of their encoders; the last is the latent's
    dropout: float = 0.3  # of the head, in [0, 1)
    imagination: float = 1.0  # factor of the loss of what is imagined
    cycle: float = 1.0  # factor of the loss of the way back
    subnets: SubNetShape = SubNetShape()


class MMIN(FusionModel):
    """A cascade of residual autoencoders imagines absent embeddings; its latents predict the score."""

    config: MMINConfig
    hides = "modalities"

    def __init__(self, dims: dict[Modality, int], config: MMINConfig):
        super().__init__(dims, config)
        width, hidden, blocks = config.width, config.hidden, config.blocks
        self.subnets = SubNets(self.dims, config.subnets.of_width(width))
        # at a fixed scale: embeddings cannot shrink to make the cascade's errors small
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        joint = len(MODALITIES) * width
        self.forwards = ResidualCascade(joint, hidden, blocks)
        self.backwards = ResidualCascade(joint, hidden, blocks)
        self.transition = nn.Sequential(nn.Linear(joint, joint), nn.ReLU(), nn.Linear(joint, joint))
        self.head = feed_forward(blocks * hidden[-1], hidden[0], 1, config.dropout)

    def forward(self, features: Features) -> Prediction:
        """Score, and the trace `imagined` (B, 3, width): embeddings of absent modalities, zero elsewhere."""
        present = features.present()
        score, imagined = self._imagine(self._embed(features))
        imagined = torch.where(present[..., None], 0.0, imagined)
        return Prediction(self.bounded(score), make_traces=lambda: {"imagined": imagined})

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """L1; with a random part of each row hidden, L1 again, and the errors of imagination and way back.

        Only rows with more than one modality have something to hide. What the cascade is to imagine are the
        hidden embeddings as the subnets have them, with stopped gradient.
        """
        present, whole = features.present(), self._embed(features)
        losses = {"l1": F.l1_loss(self.bounded(self._imagine(whole)[0]), target)}
        rows = (present.sum(1) > 1).nonzero()[:, 0]
        if len(rows):
            losses |= self._imagination_losses(whole[rows], present[rows], target[rows])
        return losses

    def _imagination_losses(self, whole: Tensor, present: Tensor, target: Tensor) -> dict[str, Tensor]:
        """whole (B, 3, width) and target (B,) of rows with two modalities or more, present (B, 3)."""
        kept = random_part(present)
        visible = torch.where(kept[..., None], whole, 0.0)
        score, imagined = self._imagine(visible)
        errors = (imagined - whole.detach()).square().mean(2)
        back, _ = self.backwards(imagined.flatten(1))
        return {
            "l1_hidden": F.l1_loss(self.bounded(score), target),
            "imagination": self.config.imagination * mean_over_present(errors, present & ~kept),
            "cycle": self.config.cycle * F.mse_loss(back, visible.detach().flatten(1)),
        }

    def _embed(self, features: Features) -> Tensor:
        """(B, 3, width) layer-normalised, zero where absent."""
        embeddings = self.subnets(self.normalised(features))
        joint = torch.stack([self.norm(embeddings[m]) for m in MODALITIES], dim=1)
        return torch.where(features.present()[..., None], joint, 0.0)

    def _imagine(self, visible: Tensor) -> tuple[Tensor, Tensor]:
        """visible (B, 3, width) -> score (B,), imagined (B, 3, width)."""
        output, latents = self.forwards(visible.flatten(1))
        return self.head(latents)[:, 0], self.transition(output).view_as(visible)


class ResidualCascade(nn.Module):
    """x_{i+1} = x_i + AE_i(x_i), and the latents of all autoencoders (CRA; Tran et al., CVPR 2017)."""

    def __init__(self, width: int, hidden: tuple[int, ...], blocks: int):
        super().__init__()
        self.encoders = nn.ModuleList([_layers([width, *hidden], last=nn.ReLU()) for _ in range(blocks)])
        self.decoders = nn.ModuleList(
            [_layers([*reversed(hidden), width], last=nn.Identity()) for _ in range(blocks)]
        )

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """inputs (B, width) -> output (B, width), latents (B, blocks * hidden[-1])."""
        latents = []
        for encoder, decoder in zip(self.encoders, self.decoders, strict=True):
            latents.append(encoder(inputs))
            inputs = inputs + decoder(latents[-1])
        return inputs, torch.cat(latents, dim=1)


def _layers(widths: list[int], last: nn.Module) -> nn.Sequential:
    """Linear + ReLU between every two widths, `last` instead of the last ReLU."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1], last)


SPEC = ModelSpec(
    name="mmin",
    title="MMIN",
    paper="Missing Modality Imagination Network for Emotion Recognition with Uncertain Missing Modalities",
    year=2021,
    kind="regression",
    model=MMIN,
    config=MMINConfig(),
    aligned=False,
    weights_kind=None,
    reconstructs=False,
    faithful=(
        "A regression head with L1 instead of a classifier.",
        (
            "Subnets and imagination are trained together, on embeddings of fixed scale with stopped "
            "gradient, instead of after a teacher."
        ),
        "Complete rows are trained on too.",
        "Only what is hidden is compared with its truth.",
        "An absent embedding is zero, not that of zero inputs.",
        "It imagines embeddings, not states.",
        "An LSTM reads the text instead of a TextCNN.",
        CLAMPED,
        SUBNETS,
    ),
    url="https://aclanthology.org/2021.acl-long.203/",
)
