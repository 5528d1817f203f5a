"""Layers that several methods share: pooling over time and the utterance subnets of TFN."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config
from models.types import MODALITIES, Features, Modality


@dataclass(frozen=True)
class SubNetShape(Config):
    """TFN's subnets without the widths of their embeddings."""

    text_pool: Literal["last", "mean"] = "mean"  # the LSTM at the last word, as the papers; or mean of words
    text_hidden: int = 64  # units of the text's LSTM
    dropout: float = 0.5  # of the text's LSTM, in [0, 1)
    nonverbal_dropout: float = 0.0  # of audio and vision, whose few coordinates suffer from it

    def of_width(self, width: int) -> SubNetsConfig:
        """All three embeddings of one width."""
        return SubNetsConfig(**asdict(self), text_out=width, audio=width, vision=width)


@dataclass(frozen=True)
class SubNetsConfig(SubNetShape):
    """TFN's subnets."""

    text_out: int = 64  # width of the text's embedding
    audio: int = 32  # width of the embedding, and units of each layer
    vision: int = 32  # the same


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Mean of states (B, T, d) over the steps where mask (B, T) is True: (B, d), zero without any."""
    counts = mask.sum(1).clamp_min(1)
    return torch.where(mask[..., None], states, 0.0).sum(1) / counts[:, None]


def last_step(states: Tensor, lengths: Tensor) -> Tensor:
    """States (B, T, d) at the last valid of lengths (B,) steps: (B, d); what is padded is never read."""
    rows = torch.arange(len(states), device=states.device)
    return states[rows, (lengths - 1).clamp_min(0)]


def feed_forward(inputs: int, hidden: int, outputs: int, dropout: float) -> nn.Sequential:
    """Linear -> ReLU -> Dropout -> Linear, the small network that MFN, MFM and EF-LSTM are made of."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, outputs)
    )


def lstm_states(lstm: nn.LSTM, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden and cell states (B, T, H) after each step of inputs (B, T, d), for a one-layer batch-first LSTM.

    nn.LSTM gives the hidden states alone.
    """
    return (_on_gpu if inputs.is_cuda else _step_by_step)(lstm, inputs)


def _step_by_step(lstm: nn.LSTM, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The inputs' part of the gates at once, the rest as an LSTMCell would, with fewer operations."""
    of_inputs, of_states, input_bias, state_bias = lstm.parameters()
    of_states = of_states.t()
    hidden = cell = inputs.new_zeros(len(inputs), lstm.hidden_size)
    states, cells = [], []
    for step in F.linear(inputs.transpose(0, 1), of_inputs, input_bias + state_bias).unbind(0):
        gates = torch.addmm(step, hidden, of_states)
        enter, forget, _, out = gates.sigmoid().chunk(4, dim=1)
        candidate = gates.chunk(4, dim=1)[2].tanh()
        cell = torch.addcmul(enter * candidate, forget, cell)
        hidden = out * cell.tanh()
        states.append(hidden)
        cells.append(cell)
    return torch.stack(states, dim=1), torch.stack(cells, dim=1)


def _on_gpu(lstm: nn.LSTM, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The hidden states by the fused LSTM, the gates again from them: twice the work, a fifth of the calls.

    With all hidden states every gate is known, and c^s = f^s c^{s-1} + i^s g^s.
    """
    hidden, _ = lstm(inputs)
    before = F.pad(hidden[:, :-1], (0, 0, 1, 0))
    of_inputs, of_states, input_bias, state_bias = lstm.parameters()
    gates = F.linear(inputs, of_inputs, input_bias) + F.linear(before, of_states, state_bias)
    enter, forget, candidate, _ = gates.chunk(4, dim=2)
    added, kept = enter.sigmoid() * candidate.tanh(), forget.sigmoid()
    cells = [added[:, 0]]
    for step in range(1, inputs.shape[1]):
        cells.append(torch.addcmul(added[:, step], kept[:, step], cells[-1]))
    return hidden, torch.stack(cells, dim=1)


def mean_over_present(values: Tensor, present: Tensor) -> Tensor:
    """Mean of values (B, ...) over rows where present (B,) is True; 0 with a gradient without any."""
    return torch.where(present, values, 0.0).sum() / present.sum().clamp_min(1)


def random_part(present: Tensor) -> Tensor:
    """For each row of present (B, 3) a random proper, non-empty part of it, where it has more than one."""
    noise = torch.rand(present.shape, device=present.device).masked_fill(~present, 2.0)
    ranks = noise.argsort(1).argsort(1)  # present entries come first, in random order
    kept = 1 + (torch.rand(len(present), device=present.device) * (present.sum(1) - 1)).long()
    return present & (ranks < kept[:, None])


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
    """TFN's text subnet: one-layer LSTM -> Dropout -> Linear, without an activation."""

    def __init__(self, dim: int, config: SubNetsConfig):
        super().__init__()
        self.pool, hidden = config.text_pool, config.text_hidden
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        with torch.no_grad():  # forget gates start open, so the last state can sum up the sentence
            self.lstm.get_parameter("bias_ih_l0")[hidden : 2 * hidden] = 1.0
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Linear(hidden, config.text_out)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (B, T, d), zero at padding, mask (B, T) -> (B, out)."""
        # padding stands right of the words, so no output that is read below has seen it
        outputs, _ = self.lstm(states)
        pooled = masked_mean(outputs, mask) if self.pool == "mean" else last_step(outputs, mask.sum(1))
        return self.linear(self.dropout(pooled))


class SubNets(nn.Module):
    """One subnet per modality; an absent modality's embedding is zero.

    dims : {modality: d} of the states; widths : {modality: width} of the embeddings
    """

    def __init__(self, dims: dict[Modality, int], config: SubNetsConfig):
        super().__init__()
        self.widths = dict(zip(MODALITIES, (config.text_out, config.audio, config.vision), strict=True))
        self.text = TextSubNet(dims[Modality.TEXT], config)
        self.audio = TimeMeanSubNet(dims[Modality.AUDIO], config.audio, config.nonverbal_dropout)
        self.vision = TimeMeanSubNet(dims[Modality.VISION], config.vision, config.nonverbal_dropout)

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


def weighted_concat(embeddings: dict[Modality, Tensor], weights: Tensor) -> Tensor:
    """concat_m[w_m * h_m / |h_m|] of {modality: (B, d)} and weights (B, 3): (B, 3 d) (MCLEA, MEAformer)."""
    directions = (F.normalize(embeddings[m], dim=1) for m in MODALITIES)
    return torch.cat([weights[:, i : i + 1] * h for i, h in enumerate(directions)], dim=1)


class ScoreHead(nn.Module):
    """Score of an embedding's direction: scaled to unit coordinates -> `feed_forward`."""

    def __init__(self, width: int, hidden: int, dropout: float):
        super().__init__()
        self.layers = feed_forward(width, hidden, 1, dropout)

    def forward(self, embedding: Tensor) -> Tensor:
        """embedding (B, width) of any length -> scores (B,), not bounded."""
        # the parts of a joint embedding have length w_m <= 1: their coordinates would be tiny inputs
        unit = F.normalize(embedding, dim=1) * embedding.shape[1] ** 0.5
        return self.layers(unit)[:, 0]
