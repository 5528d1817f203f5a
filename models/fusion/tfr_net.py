"""TFR-Net: Transformer-based Feature Reconstruction Network (Yuan et al., ACM MM 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.config import Config, ModalityFactors, ModalityWidths
from models.fusion.attention import AttentionBlock, SelfAttentionBlock, all_shortened, positions
from models.fusion.base import FusionModel
from models.fusion.layers import feed_forward, random_part
from models.fusion.spec import CLAMPED, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction, Sequence

KERNELS = {Modality.TEXT: 1, Modality.AUDIO: 5, Modality.VISION: 3}
GATE_KERNEL = 3


@dataclass(frozen=True)
class Frames:
    """One modality of a batch, with the frames that dropped.

    values : (B, T, d) standardised, zero where nothing is known
    mask : (B, T) bool, all frames, dropped ones too; known : (B, T) bool, those that did not drop
    origin : (B, T) int64, the step of the input that each frame stands for
    A row of which nothing is known, be it absent or dropped to the last frame, has a fixed number of
    dropped frames: not even its length is left.
    """

    values: Tensor
    mask: Tensor
    known: Tensor
    origin: Tensor

    @classmethod
    def of(cls, sequence: Sequence, kept: Tensor, absent_steps: int) -> Frames:
        """Frames of a standardised sequence of which `kept` (B, T) bool did not drop."""
        valid = sequence.mask()
        known = valid & kept
        gone = ~known.any(1)
        steps = max(valid.shape[1], absent_steps if gone.any() else 1)
        step = torch.arange(steps, device=valid.device)
        # frames of a lost modality stand for even steps of what it was
        even = step * sequence.lengths[:, None] // absent_steps
        origin = torch.where(gone[:, None], even, step).clamp_max(valid.shape[1] - 1)
        known = F.pad(known, (0, steps - known.shape[1]))
        mask = torch.where(gone[:, None], step < absent_steps, F.pad(valid, (0, steps - valid.shape[1])))
        values = F.pad(sequence.values, (0, 0, 0, steps - valid.shape[1]))
        return cls(torch.where(known[..., None], values, 0.0), mask, known, origin)


@dataclass(frozen=True)
class TFRNetConfig(Config):
    """Settings of `TFRNet`."""

    most_steps: int = 48  # frames a modality may have; longer ones are averaged, see `shortened`
    width: int = 32  # of the nine transformers, three a modality; a multiple of `heads`
    heads: int = 4  # of the transformers
    layers: int = 1  # of the transformers
    dropout: float = 0.1  # of transformers and head, in [0, 1)
    gates: ModalityWidths = ModalityWidths(text=24, audio=12, vision=16)  # GRU units per direction
    hidden: int = 64  # units of the head's hidden layer
    most_dropped: float = 0.6  # highest share of frames that drop in a training row; each up to it as likely
    lost: float = 0.25  # share of training rows that lose whole modalities
    absent_steps: int = 12  # frames that stand for a modality of which nothing is known
    reconstruction: ModalityFactors = ModalityFactors()  # of the reconstruction losses


class TFRNet(FusionModel):
    """Attention over time within and between modalities, reconstruction of dropped frames, gated fusion."""

    config: TFRNetConfig
    subnets: nn.ModuleDict
    hides = "frames and whole modalities"

    def __init__(self, dims: dict[Modality, int], config: TFRNetConfig):
        super().__init__(dims, config)
        width, heads, dropout, gates = config.width, config.heads, config.dropout, config.gates
        self.most_steps, self.absent_steps = config.most_steps, config.absent_steps
        self.subnets = nn.ModuleDict(
            {
                str(m): nn.Conv1d(self.dims[m], width, KERNELS[m], padding=KERNELS[m] // 2, bias=False)
                for m in MODALITIES
            }
        )
        # transformers["audio_from_text"]: audio frames that read the text; ["audio_from_audio"]: each other
        self.transformers = nn.ModuleDict(
            {
                f"{reader}_from_{read}": nn.ModuleList(
                    AttentionBlock(width, heads, dropout) for _ in range(config.layers)
                )
                for reader in MODALITIES
                for read in MODALITIES
            }
        )
        joint = len(MODALITIES) * width
        self.temporal = nn.ModuleDict({str(m): SelfAttentionBlock(joint, heads, dropout) for m in MODALITIES})
        self.generators = nn.ModuleDict({str(m): nn.Linear(joint, self.dims[m]) for m in MODALITIES})
        self.gates = nn.ModuleDict({str(m): GatedPooling(joint, gates[m]) for m in MODALITIES})
        fused = sum(2 * gates[m] for m in MODALITIES)
        self.norm = nn.LayerNorm(fused)
        self.dropout = nn.Dropout(dropout)
        self.head = feed_forward(fused, config.hidden, 1, dropout)

    def forward(self, features: Features) -> Prediction:
        """Score, and every modality as generated, in states of the profile.

        A step whose standardised state is zero in every coordinate counts as dropped: that is how the RMFM
        protocol writes it. A modality longer than `most_steps` is generated as so many even parts, one
        without a known frame as `absent_steps` of them, from the others.
        Traces, zero at padding: `gate_text` … (B, T), in (0, 1) how much of a frame is let through, and
        `text_from_audio` … (B, Tt, Ta), attention of the last layer, mean over heads.
        """
        standard = self._standard(features)
        frames = {m: Frames.of(s, observed(s), self.absent_steps) for m, s in standard}
        states, traces = self._attend(frames)
        score, gates = self._fuse(states, frames)
        return Prediction(
            self.bounded(score),
            make_reconstructions=lambda: {
                m: torch.where(frames[m].mask[..., None], self.raw(m, x), 0.0)
                for m, x in self._generate(states, frames).items()
            },
            make_traces=lambda: {**{f"gate_{m}": gate for m, gate in gates.items()}, **traces},
        )

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """L1 and, in training, smooth L1 of what was generated in the place of frames that dropped.

        In training each row loses frames at its own random rate in each modality, and some rows lose whole
        modalities; the score is predicted from what is left. Frames that came dropped are no truth.
        """
        if not self.training:
            return super().loss(features, target)
        standard = self._standard(features)
        kept = self._drop(standard)
        frames = {m: Frames.of(s, kept[m] & observed(s), self.absent_steps) for m, s in standard}
        states, _ = self._attend(frames)
        score, _ = self._fuse(states, frames)
        losses = {"l1": F.l1_loss(score, target)}
        for modality, generated in self._generate(states, frames).items():
            sequence = standard[modality]
            error = reconstruction_loss(generated, sequence, frames[modality])
            losses[f"generate_{modality}"] = self.config.reconstruction[modality] * error
        return losses

    def _standard(self, features: Features) -> Features:
        return all_shortened(self.normalised(features), self.most_steps)

    def _drop(self, features: Features) -> dict[Modality, Tensor]:
        """{modality: (B, T) bool}, False where a frame drops; [CLS] and [SEP] drop only with all words."""
        present = features.present()
        lost = torch.rand(len(present), 1, device=present.device) < self.config.lost
        left = random_part(present) | ~lost
        kept = {}
        for i, (modality, sequence) in enumerate(features):
            mask = sequence.mask()
            rates = self.config.most_dropped * torch.rand(len(mask), 1, device=mask.device)
            stays = torch.rand(mask.shape, device=mask.device) >= rates
            if modality is Modality.TEXT:
                step = torch.arange(mask.shape[1], device=mask.device)
                stays |= (step == 0) | (step == sequence.lengths[:, None] - 1)
            kept[modality] = stays & left[:, i : i + 1]
        return kept

    def _attend(self, frames: dict[Modality, Frames]) -> tuple[dict[Modality, Tensor], dict[str, Tensor]]:
        """{modality: (B, T, 3 width)}: each frame's attention to every modality, and attention traces.

        Only known frames are keys; dropped ones are queries.
        """
        embedded = {}
        for modality, part in frames.items():
            states = self.subnets[modality](part.values.transpose(1, 2)).transpose(1, 2)
            states = states + positions(states.shape[1], states.shape[2], states.device)
            embedded[modality] = torch.where(part.mask[..., None], states, 0.0)
        readings, traces = {}, {}
        for reader, own in frames.items():
            parts = []
            for read, other in frames.items():
                name, states = f"{reader}_from_{read}", embedded[reader]
                for block in self.transformers[name].children():
                    memory = states if reader is read else embedded[read]
                    states, attention = block(states, own.mask, memory, other.known)
                parts.append(states)
                if reader is not read:
                    traces[name] = attention
            readings[reader] = torch.cat(parts, dim=2)
        return readings, traces

    def _generate(
        self, states: dict[Modality, Tensor], frames: dict[Modality, Frames]
    ) -> dict[Modality, Tensor]:
        """{modality: (B, T, d)} standardised states as the frames' surroundings tell them."""
        return {
            m: self.generators[m](self.temporal[m](readings, frames[m].mask)[0])
            for m, readings in states.items()
        }

    def _fuse(
        self, states: dict[Modality, Tensor], frames: dict[Modality, Frames]
    ) -> tuple[Tensor, dict[Modality, Tensor]]:
        """Scores (B,) and the gates {modality: (B, T)}."""
        pooled, gates = [], {}
        for modality, readings in states.items():
            utterance, gates[modality] = self.gates[modality](readings, frames[modality].mask)
            pooled.append(utterance)
        joint = self.norm(self.dropout(torch.cat(pooled, dim=1)))
        return self.head(joint)[:, 0], gates


def observed(sequence: Sequence) -> Tensor:
    """(B, T) bool: steps of a standardised sequence that are not zero in every coordinate."""
    return (sequence.values != 0).any(2)


def reconstruction_loss(generated: Tensor, truth: Sequence, frames: Frames) -> Tensor:
    """Smooth L1 per coordinate over the dropped frames whose truth is known; 0 without any.

    generated : (B, T', d) for the frames; truth : standardised sequence before anything dropped
    """
    there = observed(truth).gather(1, frames.origin)
    wanted = frames.mask & ~frames.known & there & truth.present[:, None]
    origin = frames.origin[..., None].expand(-1, -1, generated.shape[2])
    errors = F.smooth_l1_loss(generated, truth.values.gather(1, origin), reduction="none").mean(2)
    return torch.where(wanted, errors, 0.0).sum() / wanted.sum().clamp_min(1)


class GatedPooling(nn.Module):
    """The paper's C_GATE encoder: a bidirectional GRU, a gate on each frame, and the maximum over time."""

    def __init__(self, width: int, units: int):
        super().__init__()
        self.gru = nn.GRU(width, units, batch_first=True, bidirectional=True)
        self.gate = nn.Conv1d(2 * units, 1, GATE_KERNEL, padding=GATE_KERNEL // 2)
        self.joint = nn.Linear(width + 2 * units, 2 * units)

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """states (B, T, width), mask (B, T), True first -> (B, 2 units), gates (B, T), 0 at padding."""
        # packed: the backward direction must start at the last frame and not in the padding
        packed = pack_padded_sequence(states, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=mask.shape[1])
        gate = self.gate(hidden.transpose(1, 2))[:, 0].sigmoid() * mask
        gated = hidden.tanh() * gate[..., None]
        joint = self.joint(torch.cat([states, gated], dim=2)).tanh()
        return joint.masked_fill(~mask[..., None], -torch.inf).amax(1), gate


SPEC = ModelSpec(
    name="tfr_net",
    title="TFR-Net",
    paper="Transformer-based Feature Reconstruction Network for Robust Multimodal Sentiment Analysis",
    year=2021,
    kind="regression",
    model=TFRNet,
    config=TFRNetConfig(),
    aligned=False,
    weights_kind=None,
    reconstructs=True,
    faithful=(
        "States of the frozen extractors drop, not the words' ids.",
        "The transformer before the generator attends over time (the released one attends over the batch).",
        "Nothing reads padding, and no attention within or between modalities reads dropped frames.",
        "One model for all drop rates, drawn anew for each clip, instead of one model a rate.",
        "An absent modality is twelve dropped frames.",
        "No causal mask.",
        "The generators learn from the first epoch.",
        (
            "One layer instead of three, LayerNorm for BatchNorm, ReLU for LeakyReLU, loss factors for "
            "standardised states."
        ),
        "More than 48 frames are averaged to 48.",
        CLAMPED,
    ),
    url="https://doi.org/10.1145/3474085.3475585",
)
