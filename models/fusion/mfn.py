"""MFN: Memory Fusion Network for Multi-view Sequential Learning (Zadeh et al., AAAI 2018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config, ModalityWidths
from models.fusion.alignment import Aligned, align, step_traces
from models.fusion.base import FusionModel
from models.fusion.layers import feed_forward, last_step, lstm_states
from models.fusion.spec import CLAMPED, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction


@dataclass(frozen=True)
class MemoryFusionConfig(Config):
    """Settings of `MemoryFusion`."""

    hidden: ModalityWidths = ModalityWidths(text=64, audio=8, vision=32)  # units of the LSTMs
    memory: int = 64  # width of the memory u
    attention: int = 32  # hidden units of the network that attends, D_a
    proposal: int = 64  # hidden units of the network that proposes an update, D_u
    gates: int = 32  # hidden units of the two networks that gate the memory, D_gamma
    dropout: float = 0.2  # of those networks, in [0, 1)


# nearer to MMSA's sizes: better on the validation videos of both public sets
LARGER_MEMORY_FUSION = MemoryFusionConfig(
    hidden=ModalityWidths(text=128, audio=32, vision=64), memory=128, gates=64
)


class MemoryFusion(nn.Module):
    """One LSTM per modality, delta-memory attention over two neighbouring steps, a gated shared memory.

    An absent modality's cell states are zero and get no attention.
    """

    def __init__(self, dims: dict[Modality, int], config: MemoryFusionConfig):
        super().__init__()
        self.hidden = tuple(config.hidden[m] for m in MODALITIES)
        window, memory, gates, dropout = 2 * sum(self.hidden), config.memory, config.gates, config.dropout
        self.memory = memory
        self.width = sum(self.hidden) + memory
        self.lstms = nn.ModuleDict(
            {str(m): nn.LSTM(dims[m], config.hidden[m], batch_first=True) for m in MODALITIES}
        )
        self.attention = feed_forward(window, config.attention, window, dropout)
        self.proposal = feed_forward(window, config.proposal, memory, dropout)
        self.retain = feed_forward(window + memory, gates, memory, dropout)
        self.update = feed_forward(window + memory, gates, memory, dropout)

    def forward(self, features: Features, aligned: Aligned) -> tuple[Tensor, Callable[[], dict[str, Tensor]]]:
        """Encoding [h_t; h_a; h_v; u] (B, width) after the last step, and what makes traces over the steps.

        `attention` (B, S, 2, 3): share of the step before and of the step itself, and of each modality in
        them, in the attention per coordinate; it sums to 1. Sums over coordinates would favour wide LSTMs.
        `retain`, `update` (B, S): means of the two gates; `memory_norm` (B, S).
        """
        last, cells = [], []
        for i, modality in enumerate(MODALITIES):
            lstm = cast(nn.LSTM, self.lstms[modality])  # nn.ModuleDict forgets the class of what it holds
            hidden, memory = lstm_states(lstm, aligned.states[modality])
            there = aligned.present[:, i, None]
            last.append(torch.where(there, last_step(hidden, aligned.lengths), 0.0))
            cells.append(torch.where(there[..., None], memory, 0.0))
        now = torch.cat(cells, dim=2)
        window = torch.cat([F.pad(now[:, :-1], (0, 0, 1, 0)), now], dim=2)  # c^{s-1}, c^s
        attention = self._attend(window, aligned.present)
        attended = attention * window
        memories, gates = self._remember(attended)

        def traces() -> dict[str, Tensor]:
            retained, updated = gates.mean(3).unbind(2)
            found = {
                "attention": self._shares(attention),
                "retain": retained,
                "update": updated,
                "memory_norm": memories.norm(dim=2),
            }
            there = aligned.mask() & aligned.present.any(1, keepdim=True)
            return {name: x * there.view(*there.shape, *[1] * (x.dim() - 2)) for name, x in found.items()}

        return torch.cat([*last, last_step(memories, aligned.lengths)], dim=1), traces

    def _attend(self, window: Tensor, present: Tensor) -> Tensor:
        """Softmax over all coordinates (B, S, 2C) of present modalities."""
        there = present | ~present.any(1, keepdim=True)  # of nothing, all: a softmax needs some
        barred = torch.where(there, 0.0, -torch.inf)
        parts = [barred[:, i, None].expand(-1, width) for i, width in enumerate(self.hidden)]
        return self.attention(window).add_(torch.cat(parts * 2, dim=1)[:, None]).softmax(2)

    def _remember(self, attended: Tensor) -> tuple[Tensor, Tensor]:
        """Memory u^s (B, S, memory) and its gates (B, S, 2, memory), to retain and to update.

        Both gates are one batch of two networks, and what they read of the attended states is computed for
        all steps at once: only the memory's part waits for the step before.
        """
        # nn.Sequential forgets the class of what it holds
        first, last = (
            [cast(nn.Linear, network[i]) for network in (self.retain, self.update)] for i in (0, -1)
        )
        dropout = cast(nn.Dropout, self.retain[2])
        of_attended, of_memory = torch.stack([layer.weight for layer in first]).split(
            [attended.shape[2], self.memory], dim=2
        )
        read = F.linear(attended, of_attended.flatten(0, 1), torch.cat([layer.bias for layer in first]))
        read = read.unflatten(2, (2, -1)).permute(1, 2, 0, 3)  # (S, 2, B, gates)
        of_memory = of_memory.transpose(1, 2)
        weight = torch.stack([layer.weight.t() for layer in last])
        bias = torch.stack([layer.bias for layer in last])[:, None]
        proposals = self.proposal(attended).tanh()
        memory = proposals.new_zeros(len(attended), self.memory)
        memories, gates = [], []
        for part, proposal in zip(read.unbind(0), proposals.unbind(1), strict=True):
            hidden = torch.baddbmm(part, memory.expand(2, -1, -1), of_memory).relu()
            gate = torch.baddbmm(bias, dropout(hidden), weight).sigmoid()
            retain, update = gate.unbind(0)
            memory = torch.addcmul(update * proposal, retain, memory)
            memories.append(memory)
            gates.append(gate)
        return torch.stack(memories, dim=1), torch.stack(gates).permute(2, 0, 1, 3)

    def _shares(self, attention: Tensor) -> Tensor:
        """Attention (B, S, 2C) per coordinate, as shares (B, S, 2, 3) of both steps and all modalities."""
        parts = attention.unflatten(2, (2, -1)).split(self.hidden, dim=3)
        means = torch.stack([part.mean(3) for part in parts], dim=3)
        return means / means.sum((2, 3), keepdim=True).clamp_min(1e-9)


@dataclass(frozen=True)
class MFNConfig(Config):
    """Settings of `MFN`."""

    steps: int = 24  # most steps of an utterance
    encoder: MemoryFusionConfig = MemoryFusionConfig()
    head: int = 64  # hidden units of the network that reads the score
    dropout: float = 0.3  # of that network, in [0, 1)


class MFN(FusionModel):
    """Score of [h_t; h_a; h_v; u] after the last step, read by a network of one hidden layer."""

    def __init__(self, dims: dict[Modality, int], config: MFNConfig):
        super().__init__(dims, config)
        self.steps = config.steps
        self.encoder = MemoryFusion(self.dims, config.encoder)
        self.head = feed_forward(self.encoder.width, config.head, 1, config.dropout)

    @property
    def subnets(self) -> nn.Module:
        """The LSTMs of the modalities."""
        return self.encoder.lstms

    def forward(self, features: Features) -> Prediction:
        """Score; traces of `MemoryFusion` and `spans` (B, steps, 2), zero past an utterance's end."""
        features = self.normalised(features)
        aligned = align(features, self.steps)
        encoding, traces = self.encoder(features, aligned)
        score = self.head(encoding)[:, 0]
        return Prediction(
            self.bounded(score),
            make_traces=lambda: step_traces({**traces(), "spans": aligned.spans}, self.steps),
        )


SPEC = ModelSpec(
    name="mfn",
    title="MFN",
    paper="Memory Fusion Network for Multi-view Sequential Learning",
    year=2018,
    kind="regression",
    model=MFN,
    config=MFNConfig(),
    aligned=True,
    weights_kind=None,
    reconstructs=False,
    faithful=(
        "As the paper, smaller (less so on a researcher's features).",
        "An absent modality's cell states are masked and get no attention.",
        "The state after the last real step is read.",
        "An utterance has at most 24 steps.",
        CLAMPED,
    ),
    url="https://arxiv.org/abs/1802.00927",
    on_features=MFNConfig(encoder=LARGER_MEMORY_FUSION),
)
