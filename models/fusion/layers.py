"""Layers that several methods share: pooling over time and the utterance subnets of TFN."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.types import MODALITIES, Features, Modality

TEXT_POOLS = ("last", "mean")


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Mean of states (B, T, d) over the steps where mask (B, T) is True: (B, d), zero without any."""
    counts = mask.sum(1).clamp_min(1)
    return torch.where(mask[..., None], states, 0.0).sum(1) / counts[:, None]


def mean_over_present(values: Tensor, present: Tensor) -> Tensor:
    """Mean of values (B, ...) over rows where present (B,) is True; 0 with a gradient without any."""
    return torch.where(present, values, 0.0).sum() / present.sum().clamp_min(1)


class PresentBatchNorm(nn.BatchNorm1d):
    """BatchNorm whose statistics come from present rows only; absent rows give zeros in training.

    A batch with fewer than two present rows has no variance: it is normalised with, and leaves alone,
    the running statistics.
    """

    def forward(self, inputs: Tensor, present: Tensor) -> Tensor:
        """inputs (B, d), present (B,) bool -> (B, d)."""
        if not self.training or present.sum() < 2:
            return F.batch_norm(
                inputs, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        outputs = torch.zeros_like(inputs)
        outputs[present] = super().forward(inputs[present])
        return outputs


class TimeMeanSubNet(nn.Module):
    """TFN's audio and vision subnet: time mean -> BatchNorm -> Dropout -> 3 x (Linear + ReLU)."""

    def __init__(self, dim: int, hidden: int, dropout: float):
        super().__init__()
        self.norm = PresentBatchNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.linears = nn.ModuleList([nn.Linear(width, hidden) for width in (dim, hidden, hidden)])

    def forward(self, states: Tensor, mask: Tensor, present: Tensor) -> Tensor:
        """states (B, T, d), mask (B, T), present (B,) -> (B, hidden)."""
        hidden = self.dropout(self.norm(masked_mean(states, mask), present))
        for linear in self.linears:
            hidden = linear(hidden).relu()
        return hidden


class TextSubNet(nn.Module):
    """TFN's text subnet: one-layer LSTM -> Dropout -> Linear, without an activation.

    pool : "last" reads the LSTM at the last word, as the papers do; "mean" averages it over the words
    """

    def __init__(self, dim: int, hidden: int, out: int, dropout: float, pool: str = "last"):
        super().__init__()
        if pool not in TEXT_POOLS:
            raise ValueError(f"text_pool must be one of {', '.join(TEXT_POOLS)}; got {pool!r}")
        self.pool = pool
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        with torch.no_grad():  # forget gates start open, so the last state can sum up the sentence
            self.lstm.bias_ih_l0[hidden : 2 * hidden] = 1.0
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, out)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (B, T, d), zero at padding, mask (B, T) -> (B, out)."""
        # padding stands right of the words, so no output that is read below has seen it
        outputs, _ = self.lstm(states)
        if self.pool == "mean":
            pooled = masked_mean(outputs, mask)
        else:
            last = (mask.sum(1) - 1).clamp_min(0)
            pooled = outputs[torch.arange(len(outputs), device=outputs.device), last]
        return self.linear(self.dropout(pooled))


class SubNets(nn.Module):
    """One subnet per modality; an absent modality's embedding is zero.

    dims : {modality: d} of the states; text_hidden : LSTM units; text_out, audio, vision : widths of
    the embeddings, see `widths`; dropout : of all three, unless nonverbal_dropout is given for audio and
    vision, whose few coordinates suffer from it
    """

    def __init__(
        self,
        dims: dict[Modality, int],
        *,
        text_hidden: int,
        text_out: int,
        audio: int,
        vision: int,
        dropout: float,
        nonverbal_dropout: float | None = None,
        text_pool: str = "last",
    ):
        super().__init__()
        if nonverbal_dropout is None:
            nonverbal_dropout = dropout
        self.widths = {Modality.TEXT: text_out, Modality.AUDIO: audio, Modality.VISION: vision}
        self.text = TextSubNet(dims[Modality.TEXT], text_hidden, text_out, dropout, text_pool)
        self.audio = TimeMeanSubNet(dims[Modality.AUDIO], audio, nonverbal_dropout)
        self.vision = TimeMeanSubNet(dims[Modality.VISION], vision, nonverbal_dropout)

    def forward(self, features: Features) -> dict[Modality, Tensor]:
        """Standardised features -> {modality: (B, width)}, zero rows where it is absent."""
        text, audio, vision = (features[m] for m in MODALITIES)
        embeddings = {
            Modality.TEXT: self.text(text.values, text.mask()),
            Modality.AUDIO: self.audio(audio.values, audio.mask(), audio.present),
            Modality.VISION: self.vision(vision.values, vision.mask(), vision.present),
        }
        # masked here and not at the input: biases and BatchNorm's shift speak for zero inputs too
        return {m: torch.where(features[m].present[:, None], h, 0.0) for m, h in embeddings.items()}


def with_one(embedding: Tensor) -> Tensor:
    """[1; h] for h (B, d): (B, d + 1), what lets a product keep its lower orders (TFN, LMF)."""
    return torch.cat([embedding.new_ones(len(embedding), 1), embedding], dim=1)
