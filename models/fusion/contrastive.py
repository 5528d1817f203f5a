"""Contrastive losses between the utterances of a batch, as MCLEA and MEAformer use them.

In entity alignment a pair is one entity in two knowledge graphs. A labelled utterance has no twin, so here
two utterances are a positive pair where their scores lie close together. A modality's losses compare only
pairs of rows that both have it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.fusion.layers import mean_over_present
from models.types import MODALITIES, Modality

NEVER = -1e4  # logit of a pair that is not compared; finite, so that a row without any pair has a gradient


class Pairs:
    """Which pairs of a batch's rows the losses compare, and which of those are positive.

    present : (B, 3) bool; target : (B,) scores; margin : scores nearer than this make a positive pair
    joint : (B, B) bool, rows with a modality in common; unimodal : {modality: (B, B)}, both have it; alike :
    (B, B) bool. No row is compared with itself.
    """

    def __init__(self, present: Tensor, target: Tensor, margin: float):
        others = ~torch.eye(len(target), dtype=torch.bool, device=target.device)
        both = present[:, None] & present[None, :] & others[..., None]
        self.joint = both.any(2)
        self.unimodal = {m: both[..., i] for i, m in enumerate(MODALITIES)}
        self.alike = (target[:, None] - target[None, :]).abs() < margin


def cosine_logits(embedding: Tensor, temperature: float) -> Tensor:
    """Cosine similarity of every two rows of embedding (B, d), over the temperature: (B, B)."""
    direction = F.normalize(embedding, dim=1)
    return direction @ direction.T / temperature


def contrastive_loss(embedding: Tensor, compared: Tensor, alike: Tensor, temperature: float) -> Tensor:
    """Intra-modal contrastive loss: a positive pair against all negatives of its first row.

    embedding (B, d), compared and alike (B, B) bool -> scalar, 0 where no positive pair is compared.
    -log(e^s+ / (e^s+ + sum e^s-)), averaged over the positives of a row and then over rows: MCLEA's
    equation for ICL in the form of its code (both directions of a pair are averaged), with the other
    positives of a row taken out of the denominator.
    """
    logits = cosine_logits(embedding, temperature)
    positive = compared & alike
    negatives = logits.masked_fill(~compared | alike, NEVER).logsumexp(1, keepdim=True)
    losses = torch.where(positive, F.softplus(negatives - logits), 0.0)
    return mean_over_present(losses.sum(1) / positive.sum(1).clamp_min(1), positive.any(1))


def alignment_loss(joint: Tensor, embedding: Tensor, compared: Tensor, temperature: float) -> Tensor:
    """Inter-modal alignment loss: KL(q || p) of who is near whom, q in the joint and p in one embedding.

    joint (B, D), embedding (B, d), compared (B, B) bool -> scalar, 0 where nothing is compared. The joint
    embedding is the teacher: no gradient reaches it (MCLEA's IAL).
    """
    teacher = cosine_logits(joint.detach(), temperature).masked_fill(~compared, NEVER).log_softmax(1)
    student = cosine_logits(embedding, temperature).masked_fill(~compared, NEVER).log_softmax(1)
    divergences = (teacher.exp() * (teacher - student)).sum(1)
    return mean_over_present(divergences, compared.any(1))


def intra_modal_losses(
    embeddings: dict[Modality, Tensor], pairs: Pairs, temperature: float
) -> dict[Modality, Tensor]:
    """{modality: `contrastive_loss` of (B, d)}, of the modalities in which the batch has a positive pair."""
    return {
        m: contrastive_loss(embeddings[m], compared, pairs.alike, temperature)
        for m, compared in pairs.unimodal.items()
        if (compared & pairs.alike).any()
    }


def inter_modal_losses(
    joint: Tensor, embeddings: dict[Modality, Tensor], pairs: Pairs, temperature: float
) -> dict[Modality, Tensor]:
    """{modality: `alignment_loss` of (B, D) and (B, d)} of the modalities that two rows of the batch have."""
    return {
        m: alignment_loss(joint, embeddings[m], compared, temperature)
        for m, compared in pairs.unimodal.items()
        if compared.any()
    }


class UncertaintyWeights(nn.Module):
    """sum_m exp(-s_m) L_m + s_m with one learned log-variance s_m a modality (Kendall et al., CVPR 2018)."""

    def __init__(self):
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(len(MODALITIES)))

    def factors(self) -> Tensor:
        """(3,) weights exp(-s_m) of the modalities' losses."""
        return (-self.log_variance).exp()

    def forward(self, losses: dict[Modality, Tensor]) -> Tensor:
        """A scalar; a modality without a loss in this batch is left out, or its s_m would fall for ever."""
        total = self.log_variance.new_zeros(())
        for i, modality in enumerate(MODALITIES):
            if modality in losses:
                total = total + (-self.log_variance[i]).exp() * losses[modality] + self.log_variance[i]
        return total
