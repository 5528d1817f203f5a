"""MEAformer: Multi-modal Entity Alignment Transformer for Meta Modality Hybrid (Chen et al., ACM MM 2023).

Adapted from entity alignment to sentiment: an utterance stands where an entity stood, utterances of like
score are the aligned pairs, and regression heads read the early and the late joint embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config
from models.fusion.attention import MultiHeadAttention
from models.fusion.base import FusionModel
from models.fusion.contrastive import Pairs, UncertaintyWeights, contrastive_loss, intra_modal_losses
from models.fusion.layers import ScoreHead, SubNets, SubNetShape, weighted_concat
from models.fusion.spec import CLAMPED, SUBNETS, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction, Weights


@dataclass(frozen=True)
class MEAformerConfig(Config):
    """Settings of `MEAformer`."""

    width: int = 128  # of every modality's token, a multiple of `heads`
    heads: int = 1  # N_h of the attention between modalities
    intermediate: int = 170  # units of its feed-forward layer
    hidden: int = 64  # units of the score heads' hidden layer
    dropout: float = 0.3  # of score heads and attention layer, in [0, 1)
    margin: float = 0.5  # two clips whose scores, in [-3, 3], differ by less are a positive pair
    temperature: float = 0.1  # tau of the contrastive losses
    contrast: float = 0.1  # factor of all contrastive losses
    subnets: SubNetShape = SubNetShape()


class MEAformer(FusionModel):
    """Each clip's three tokens attend to each other; what a modality receives is its weight in that clip."""

    config: MEAformerConfig

    def __init__(self, dims: dict[Modality, int], config: MEAformerConfig):
        super().__init__(dims, config)
        width, dropout = config.width, config.dropout
        self.subnets = SubNets(self.dims, config.subnets.of_width(width))
        self.hybrid = ModalityAttention(width, config.heads, config.intermediate, dropout)
        self.early_head = ScoreHead(len(MODALITIES) * width, config.hidden, dropout)
        self.late_head = ScoreHead(len(MODALITIES) * width, config.hidden, dropout)
        self.loss_weights = UncertaintyWeights()

    def forward(self, features: Features) -> Prediction:
        """Score: mean of the early and the late one; the weights are the clip's meta weights.

        Traces: `attention` (B, 3, 3), mean over heads, row = who reads, column = who is read, zero where
        either is absent; `early_score` and `late_score` (B,).
        """
        early, late, weights, attention = self._hybrid(features)
        scores = {
            "early_score": self.early_head(weighted_concat(early, weights)),
            "late_score": self.late_head(weighted_concat(late, weights)),
        }
        scores = {name: self.bounded(score) for name, score in scores.items()}
        return Prediction(
            (scores["early_score"] + scores["late_score"]) / 2,
            weights=Weights("meta", weights),
            make_traces=lambda: {"attention": attention.mean(1), **scores},
        )

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """L1 of both scores and their mean, ICL of the early joint embedding and of all tokens.

        The modalities' terms before and after attention share one set of uncertainty weights.
        """
        early, late, weights, _ = self._hybrid(features)
        early_joint, late_joint = weighted_concat(early, weights), weighted_concat(late, weights)
        scores = [self.bounded(self.early_head(early_joint)), self.bounded(self.late_head(late_joint))]
        contrast, temperature = self.config.contrast, self.config.temperature
        pairs = Pairs(features.present(), target, self.config.margin)
        joint = contrastive_loss(early_joint, pairs.joint, pairs.alike, temperature)
        tokens = [
            self.loss_weights(intra_modal_losses(embeddings, pairs, temperature))
            for embeddings in (early, late)
        ]
        return {
            "l1": F.l1_loss((scores[0] + scores[1]) / 2, target),
            "l1_early": F.l1_loss(scores[0], target),
            "l1_late": F.l1_loss(scores[1], target),
            "icl_joint": contrast * joint,
            "icl_early": contrast * tokens[0],
            "icl_late": contrast * tokens[1],
        }

    def _hybrid(
        self, features: Features
    ) -> tuple[dict[Modality, Tensor], dict[Modality, Tensor], Tensor, Tensor]:
        """Early and late tokens {modality: (B, width)}, weights (B, 3), attention (B, heads, 3, 3)."""
        early = self.subnets(self.normalised(features))
        present = features.present()
        tokens, attention = self.hybrid(torch.stack([early[m] for m in MODALITIES], dim=1), present)
        late = {m: tokens[:, i] for i, m in enumerate(MODALITIES)}
        return early, late, meta_weights(attention, present), attention


def meta_weights(attention: Tensor, present: Tensor) -> Tensor:
    """softmax over present m of sum_{heads, queries} A[q, m] / sqrt(M * heads): (B, 3), 0 where absent.

    attention : (B, heads, 3, 3), zero where either side is absent; M is the number of present modalities.
    The sum runs over queries: a row of A sums to 1, so that a sum over keys would weigh all alike. Between
    three modalities and with one head a weight can only lie in [.13, .74]: soft by design.
    """
    received = attention.sum((1, 2)) / (present.sum(1, keepdim=True).clamp_min(1) * attention.shape[1]).sqrt()
    return received.masked_fill(~present, -torch.inf).softmax(1).nan_to_num(0.0)


class ModalityAttention(nn.Module):
    """A post-norm Transformer layer over a clip's modality tokens, which also returns its attention."""

    def __init__(self, width: int, heads: int, intermediate: int, dropout: float):
        super().__init__()
        self.attention = MultiHeadAttention(width, heads, dropout)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, intermediate), nn.GELU(), nn.Linear(intermediate, width)
        )
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, M, width), present (B, M) -> tokens, attention (B, heads, M, M); zero where absent."""
        # a row without anything has nothing to normalise its attention over: it reads its zero tokens
        readable = present | ~present.any(1, keepdim=True)
        read, attention = self.attention(tokens, tokens, readable)
        hidden = self.norms[0](tokens + self.dropout(read))
        hidden = self.norms[1](hidden + self.dropout(self.feed_forward(hidden)))
        return (
            torch.where(present[..., None], hidden, 0.0),
            torch.where(present[:, None, :, None], attention, 0.0),
        )


SPEC = ModelSpec(
    name="meaformer",
    title="MEAformer (adapted)",
    paper="MEAformer: Multi-modal Entity Alignment Transformer for Meta Modality Hybrid",
    year=2023,
    kind="regression",
    model=MEAformer,
    config=MEAformerConfig(),
    aligned=False,
    weights_kind="meta",
    reconstructs=False,
    faithful=(
        (
            "Adapted from entity alignment, in no paper on sentiment: utterances instead of entities of two "
            "graphs, those of like score as aligned pairs, L1 heads on the early and on the late joint "
            "embedding whose mean is the score."
        ),
        "Absent modalities neither read nor are read, and M counts the present ones.",
        "Weights from the attention before dropout.",
        "Tokens of 128 instead of 300.",
        "Without replay and minimum-confidence weighting, as the released script.",
        CLAMPED,
        SUBNETS,
    ),
    url="https://arxiv.org/abs/2212.14454",
)
