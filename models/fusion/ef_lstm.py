"""EF-LSTM: early fusion, one LSTM over the concatenated states of aligned steps."""

from __future__ import annotations

from torch import Tensor, nn

from models.fusion.alignment import Aligned, align, step_traces
from models.fusion.base import FusionModel
from models.fusion.layers import feed_forward, last_step
from models.fusion.spec import CLAMPED, ModelSpec
from models.types import Features, Modality, Prediction


class EarlyFusion(nn.Module):
    """Aligned states [x_t; x_a; x_v] of each step -> LSTM -> its state after the last step.

    An absent modality's block of inputs is zero, and an LSTM's input map has no part of its own for it to
    shift: that is the LSTM of the other modalities.
    """

    def __init__(self, dims: dict[Modality, int], *, hidden: int, layers: int = 1, dropout: float = 0.0):
        super().__init__()
        self.width = hidden
        self.lstm = nn.LSTM(
            sum(dims.values()), hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
        )

    def forward(self, features: Features, aligned: Aligned) -> tuple[Tensor, dict[str, Tensor]]:
        """Encoding (B, width), and the trace `hidden_norm` (B, S)."""
        outputs, _ = self.lstm(aligned.joined())
        norms = outputs.detach().norm(dim=2) * aligned.mask()
        return last_step(outputs, aligned.lengths), {"hidden_norm": norms}


class EFLSTM(FusionModel):
    """Early fusion: the LSTM's last state, read by a network of one hidden layer.

    steps : most steps of an utterance; encoder : keywords of `EarlyFusion`; dropout : of its last state and
    of the hidden layer
    """

    def __init__(self, dims: dict[Modality, int], *, steps: int, encoder: dict, dropout: float):
        super().__init__(dims)
        self.steps = steps
        # nothing is read from one modality alone: standardised states go straight into the fusion
        self.subnets = nn.ModuleDict()
        self.encoder = EarlyFusion(self.dims, **encoder)
        self.dropout = nn.Dropout(dropout)
        self.head = feed_forward(self.encoder.width, self.encoder.width, 1, dropout)

    def forward(self, features: Features) -> Prediction:
        """Score; traces `hidden_norm` (B, steps) and `spans` (B, steps, 2), zero past an utterance's end."""
        features = self.normalised(features)
        aligned = align(features, self.steps)
        encoding, traces = self.encoder(features, aligned)
        score = self.head(self.dropout(encoding))[:, 0]
        return Prediction(
            self.bounded(score),
            traces=step_traces({**traces, "spans": aligned.spans}, self.steps),
        )


SPEC = ModelSpec(
    name="ef_lstm",
    title="EF-LSTM",
    paper="Memory Fusion Network for Multi-view Sequential Learning (its early-fusion baseline)",
    year=2018,
    kind="regression",
    model=EFLSTM,
    config={"steps": 24, "encoder": {"hidden": 64}, "dropout": 0.3},
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
