"""Words -> states: MPNet with low-rank sentiment adapters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.extractors.mpnet import FOLDER, REMEDY, load_mpnet, load_tokenizer
from models.extractors.windows import read_in_windows
from models.language_model import MPNET, AdaptedLanguageModel
from models.tensors import CheckpointError

RANK, ALPHA = 16, 32  # of the adapters (Hu et al., LoRA, ICLR 2022)
# Both with [CLS] and [SEP]. The adapters learned from utterances, 99 % of which are shorter than a window.
WINDOW = 96  # token ids that are read together
MAX_TOKENS = MPNET.positions  # of a transcript; LRCMT's language model reads as many together


def plain(text: str) -> str:
    """Lower case without punctuation, as MOSI's transcripts have it; apostrophes go too (`DIDNT`)."""
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s]", " ", re.sub(r"['’]", "", text.lower()))).strip()


class TextEncoder(nn.Module):
    """Frozen MPNet, trainable adapters on all its maps, and a linear head for the score.

    A token's state is its last hidden state and, as one more coordinate, the score head's reading of it;
    that coordinate's mean over the tokens is the utterance's score. More than WINDOW tokens are read in
    overlapping windows.
    folder : of MPNet and its tokenizer; CheckpointError where they are missing or damaged
    """

    width: ClassVar = MPNET.width  # of a hidden state
    dim: ClassVar = width + 1  # of a state

    def __init__(self, folder: Path = FOLDER):
        super().__init__()
        self.tokenizer = load_tokenizer(folder, MAX_TOKENS)
        self.language_model = AdaptedLanguageModel(MPNET, adapters="low_rank", rank=RANK, alpha=ALPHA)
        try:
            self.language_model.attach(load_mpnet(folder))
        except ValueError as error:
            raise CheckpointError(f"{folder} holds something else: {error}; {REMEDY}") from error
        self.score_head = nn.Linear(self.width, 1)

    def tokenize(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Token ids (B, T) int64, right-padded, and lengths (B,), both with [CLS] and [SEP]."""
        batch = self.tokenizer.encode_batch(texts)
        return (
            torch.tensor([row.ids for row in batch]),
            torch.tensor([sum(row.attention_mask) for row in batch]),
        )

    def states(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """States (B, T, 769) of token ids (B, T)."""
        hidden = read_in_windows(self.language_model, ids, lengths, WINDOW).float()
        return torch.cat([hidden, self.score_head(hidden)], dim=2)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Score (B,) in about [-3, 3]."""
        valid = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        return (self.states(ids, lengths)[..., -1] * valid).sum(1) / lengths

    def trained(self) -> dict[str, Tensor]:
        """Adapters and head by name, without the frozen language model: what a checkpoint stores."""
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def merge(self) -> None:
        """Add the adapters to the language model, for good: the same states, quicker."""
        self.language_model.merge()
