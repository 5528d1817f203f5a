"""EF-LSTM: early fusion, one LSTM over the concatenated states of aligned steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from models.config import Config
from models.fusion.alignment import Aligned, align, step_traces
from models.fusion.base import FusionModel
from models.fusion.layers import feed_forward, last_step
from models.fusion.spec import CLAMPED, ModelSpec
from models.types import Features, Modality, Prediction


@dataclass(frozen=True)
class EarlyFusionConfig(Config):
    """Settings of `EarlyFusion`."""

    hidden: int = 64  # units of the LSTM


class EarlyFusion(nn.Module):
    """Aligned states [x_t; x_a; x_v] of each step -> LSTM -> its state after the last step.

    An absent modality's block of inputs is zero, and an LSTM's input map has no part of its own for it to
    shift: that is the LSTM of the other modalities.
    """

    def __init__(self, dims: dict[Modality, int], config: EarlyFusionConfig):
        super().__init__()
        self.width = config.hidden
        self.lstm = nn.LSTM(sum(dims.values()), config.hidden, batch_first=True)

    def forward(self, features: Features, aligned: Aligned) -> tuple[Tensor, Callable[[], dict[str, Tensor]]]:
        """Encoding (B, width), and what makes the trace `hidden_norm` (B, S)."""
        outputs, _ = self.lstm(aligned.joined())
        return last_step(outputs, aligned.lengths), lambda: {
            "hidden_norm": outputs.norm(dim=2) * aligned.mask()
        }


@dataclass(frozen=True)
class EFLSTMConfig(Config):
    """Settings of `EFLSTM`."""

    steps: int = 24  # most steps of an utterance
    encoder: EarlyFusionConfig = EarlyFusionConfig()
    dropout: float = 0.3  # of the LSTM's last state and of the hidden layer, in [0, 1)


class EFLSTM(FusionModel):
    """Early fusion: the LSTM's last state, read by a network of one hidden layer."""

    def __init__(self, dims: dict[Modality, int], config: EFLSTMConfig):
        super().__init__(dims, config)
        self.steps = config.steps
        # nothing is read from one modality alone: standardised states go straight into the fusion
        self.subnets = nn.ModuleDict()
        self.encoder = EarlyFusion(self.dims, config.encoder)
        self.dropout = nn.Dropout(config.dropout)
        self.head = feed_forward(self.encoder.width, self.encoder.width, 1, config.dropout)

    def forward(self, features: Features) -> Prediction:
        """Score; traces `hidden_norm` (B, steps) and `spans` (B, steps, 2), zero past an utterance's end."""
        features = self.normalised(features)
        aligned = align(features, self.steps)
        encoding, traces = self.encoder(features, aligned)
        score = self.head(self.dropout(encoding))[:, 0]
        return Prediction(
            self.bounded(score),
            make_traces=lambda: step_traces({**traces(), "spans": aligned.spans}, self.steps),
        )


SPEC = ModelSpec(
    name="ef_lstm",
    title="EF-LSTM",
    paper="Memory Fusion Network for Multi-view Sequential Learning (its early-fusion baseline)",
    year=2018,
    kind="regression",
    model=EFLSTM,
    config=EFLSTMConfig(),
    aligned=True,
    weights_kind=None,
    reconstructs=False,
    faithful=(
        "One LSTM layer of 64 units.",
        (
            "States are standardised per coordinate instead of by a BatchNorm over step numbers, which would "
            "fix the length."
        ),
        "The state after the last real step is read, not one that has run over padding.",
        "An utterance has at most 24 steps.",
        CLAMPED,
    ),
    url="https://arxiv.org/abs/1802.00927",
)
