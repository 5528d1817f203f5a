"""LRCMT: low-rank cross-modal Transformer (Sun, Che, Gao; Computer Engineering & Science 46(10), 2024).

Rebuilt from the abstract, which is all that could be read. From it: low-rank matrices trained in every layer
of the frozen language model, and vision and audio that interact with each other before they interact with
the text. Everything else (the maps that carry adapters, their rank, the blocks, the head) is our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from models.config import Config
from models.fusion.attention import AttentionBlock, SelfAttentionBlock, positions, shortened
from models.fusion.base import FusionModel
from models.fusion.layers import feed_forward, masked_mean
from models.fusion.spec import CLAMPED, ModelSpec, TrainingSettings
from models.language_model import MINILM, MPNET, AdaptedLanguageModel, Adapters, LanguageModelShape
from models.types import Features, Modality, Prediction, Sequence


@dataclass(frozen=True)
class LRCMTConfig(Config):
    """Settings of `LRCMT`."""

    language_model: LanguageModelShape = MPNET
    adapters: Adapters = "low_rank"  # "full" trains the whole language model instead, for comparison
    rank: int = 4  # r of the adapters
    alpha: float = 8.0  # of the adapters, whose change is scaled by alpha / r
    language_rate: float = 0.5  # learning rate in the language model, as a share of the rest's
    absent_ids: tuple[int, ...] = (101, 102)  # token ids that stand for absent words: [CLS] and [SEP]
    most_steps: int = 64  # of voice and face; longer ones are averaged, see `shortened`
    width: int = 32  # of the cross-modal blocks, a multiple of `heads`
    heads: int = 4  # of the cross-modal blocks
    dropout: float = 0.1  # of blocks and head, in [0, 1)
    hidden: int = 64  # units of the head's hidden layer


class LRCMT(FusionModel):
    """An adapted language model whose words read a voice and a face that have read each other.

    The language model's weights come by `attach_language_model`.
    """

    config: LRCMTConfig
    subnets: nn.ModuleDict
    absent_ids: Tensor
    needs_language_model = True

    def __init__(self, dims: dict[Modality, int], config: LRCMTConfig):
        super().__init__(dims, config)
        shape, width, heads, dropout = config.language_model, config.width, config.heads, config.dropout
        self.most_steps = config.most_steps
        self.subnets = nn.ModuleDict(
            {
                "text": AdaptedLanguageModel(
                    shape, adapters=config.adapters, rank=config.rank, alpha=config.alpha
                ),
                "audio": nn.Linear(self.dims[Modality.AUDIO], width),
                "vision": nn.Linear(self.dims[Modality.VISION], width),
            }
        )
        self.words = nn.Linear(shape.width, width)
        self.voice_from_face, self.face_from_voice, self.words_from_voice, self.words_from_face = (
            AttentionBlock(width, heads, dropout) for _ in range(4)
        )
        self.joint = SelfAttentionBlock(2 * width, heads, dropout)
        self.norm = nn.LayerNorm(2 * width)
        self.head = feed_forward(2 * width, config.hidden, 1, dropout)
        self.register_buffer("absent_ids", torch.tensor(config.absent_ids), persistent=False)

    @property
    def language_model(self) -> AdaptedLanguageModel:
        """The subnet of the words."""
        return cast(AdaptedLanguageModel, self.subnets["text"])  # nn.ModuleDict forgets the class

    def attach_language_model(self, weights: Mapping[str, Tensor]) -> None:
        """Take the frozen language model's weights, by their names in transformers' BertModel.

        ValueError names each that is missing or mis-shaped.
        """
        self.language_model.attach(weights)

    def forward(self, features: Features) -> Prediction:
        """Score; ValueError where there are words without token ids.

        Traces, zero at padding: `voice_from_face` (B, Ta, Tv), `face_from_voice` (B, Tv, Ta),
        `words_from_voice` (B, Tt, Ta) and `words_from_face` (B, Tt, Tv): attention, row = who reads, mean
        over heads, zero where a side is absent; `adapter_strength` (B, layers), the
        adapters' change of each layer's weights relative to them.
        """
        normalised = self.normalised(features)
        ids, lengths = self._tokens(features.text)
        words_mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        words = self.words(self.language_model(ids, lengths))
        voice, voice_mask = self._nonverbal(normalised.audio, "audio")
        face, face_mask = self._nonverbal(normalised.vision, "vision")

        traces = {}
        # both read the other as it came, so neither goes first
        (voice, traces["voice_from_face"]), (face, traces["face_from_voice"]) = (
            self.voice_from_face(voice, voice_mask, face, face_mask),
            self.face_from_voice(face, face_mask, voice, voice_mask),
        )
        with_voice, traces["words_from_voice"] = self.words_from_voice(words, words_mask, voice, voice_mask)
        with_face, traces["words_from_face"] = self.words_from_face(words, words_mask, face, face_mask)
        joint, _ = self.joint(torch.cat([with_voice, with_face], dim=2), words_mask)
        pooled = self.norm(masked_mean(joint, words_mask))

        def all_traces() -> dict[str, Tensor]:
            strength = self.language_model.adapter_strength().expand(len(ids), -1)
            return {**traces, "adapter_strength": strength}

        return Prediction(self.bounded(self.head(pooled)[:, 0]), make_traces=all_traces)

    def parameter_groups(self, lr: float) -> list[dict]:
        """The language model's adapters (or all of it) at `language_rate` of lr, everything else at lr."""
        adapted = set(self.language_model.parameters())
        rest = [p for p in self.parameters() if p not in adapted]
        return [
            {"params": rest, "lr": lr},
            {"params": list(self.language_model.parameters()), "lr": lr * self.config.language_rate},
        ]

    def clip_parameter_groups(self, lr: float) -> list[dict]:
        """All but the language model's adapters, which would learn a few hundred clips by heart."""
        return self.parameter_groups(lr)[:1]

    def end_pretraining(self) -> None:
        self.language_model.freeze()

    def sizes(self) -> dict[str, int]:
        """Adds `language_model`, its frozen weights, and `adapters`, what is trained inside it."""
        return {**super().sizes(), **self.language_model.counts()}

    def _tokens(self, text: Sequence) -> tuple[Tensor, Tensor]:
        """Ids (B, T) and lengths (B,); absent words become `absent_ids`."""
        ids, absent = text.ids, ~text.present[:, None]
        if ids is None:
            if text.present.any():
                raise ValueError(
                    "LRCMT runs the language model itself and needs token ids, which these text states lack; "
                    "extract them with the profile, or choose a method that reads states"
                )
            ids = self.absent_ids.expand(len(text.present), -1)
        if ids.shape[1] < len(self.absent_ids):
            ids = nn.functional.pad(ids, (0, len(self.absent_ids) - ids.shape[1]))
        stand_in = nn.functional.pad(self.absent_ids, (0, ids.shape[1] - len(self.absent_ids)))
        lengths = torch.where(text.present, text.lengths, len(self.absent_ids))
        return torch.where(absent, stand_in, ids), lengths

    def _nonverbal(self, sequence: Sequence, modality: str) -> tuple[Tensor, Tensor]:
        """States of voice or face with their positions (B, T, width), and their mask."""
        sequence = shortened(sequence, self.most_steps)
        states, mask = self.subnets[modality](sequence.values), sequence.mask()
        encoding = positions(states.shape[1], states.shape[2], states.device)
        return torch.where(mask[..., None], states + encoding, 0.0), mask


SPEC = ModelSpec(
    name="lrcmt",
    title="LRCMT (rebuilt)",
    paper="A Low-rank Cross-modal Transformer for Multimodal Sentiment Analysis",
    year=2024,
    kind="regression",
    model=LRCMT,
    config=LRCMTConfig(),
    aligned=False,
    weights_kind=None,
    reconstructs=False,
    faithful=(
        (
            "Rebuilt from the abstract, the only part that could be read: low-rank adapters in every layer "
            "of the frozen language model (here rank 4 on its six maps: 0.61 % of its parameters), voice and "
            "face attend to each other before the words attend to them."
        ),
        "All else is ours.",
        (
            "The language model is the text encoder's: MPNet with sentiment adapters trained beforehand and "
            "merged in; on a researcher's features of other extractors it is MiniLM (there the adapters are "
            "0.74 %)."
        ),
        "Absent words are read as [CLS] [SEP].",
        "More than 64 states of voice or face are averaged to 64.",
        CLAMPED,
    ),
    url="https://search.napstic.cn/literature/periodical/010jsjgcykx202410018",
    training=TrainingSettings(items=0.2),
    on_features=LRCMTConfig(language_model=MINILM),
)
