"""Words -> states: the last hidden states of a text encoder of `transformers`."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from models.extractors.hub.loading import LOAD, load_model, precision, usable
from models.extractors.windows import read_in_windows
from models.tensors import CheckpointError

WINDOW = 256  # token ids that are read together, where the encoder knows as many positions
MAX_TOKENS = 512  # of a transcript, as in the profile `local`
BEFORE = 2  # positions that RoBERTa's kin count and do not use


class TextEncoder:
    """A text encoder; stateless.

    dim : width of a state
    """

    def __init__(self, folder: Path, device: str):
        """CheckpointError for what is no text encoder with a fast tokenizer."""
        with usable("words", folder):
            self._tokenizer, longest = _load_tokenizer(folder)
            self._model, _ = load_model(folder, device)
            self._device = device
            positions = getattr(self._model.config, "max_position_embeddings", WINDOW + BEFORE)
            self._window = min(WINDOW, longest, positions - BEFORE)
            ids = torch.tensor([self.encode("a").ids])
            self.dim = self.states(ids, torch.tensor([ids.shape[1]])).shape[2]

    def encode(self, transcript: str) -> Encoding:
        """Its tokens, at most MAX_TOKENS, with those at both ends."""
        return self._tokenizer.encode(transcript)

    @torch.inference_mode()
    def states(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """States (B, T, d) float32 of token ids (B, T) with lengths (B,), on their device."""
        return read_in_windows(self._read, ids, lengths, self._window)

    def _read(self, ids: Tensor, lengths: Tensor) -> Tensor:
        valid = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        with precision(self._device):
            read = self._model(input_ids=ids.to(self._device), attention_mask=valid.long().to(self._device))
        return read.last_hidden_state.float().to(ids.device)


def _load_tokenizer(folder: Path) -> tuple[Tokenizer, int]:
    """The tokenizer, and how many tokens it says that the encoder reads."""
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(folder, **LOAD)
    tokenizer = getattr(loaded, "backend_tokenizer", None)
    if not isinstance(tokenizer, Tokenizer):
        raise CheckpointError(
            f"the text encoder in {folder} has no fast tokenizer, which alone says where its tokens stand in "
            "the words; choose one with a tokenizer.json"
        )
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer, loaded.model_max_length


def token_spans(transcript: str, encoding: Encoding) -> tuple[tuple[int, int], ...]:
    """Where each token stands in the transcript, without the space that some tokenizers count to a word.

    (0, 0) for those at the ends, which stand for nothing in it; any other has at least one character, if only
    the one before it.
    """
    spans: list[tuple[int, int]] = []
    for (start, end), special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True):
        if special:
            spans.append((0, 0))
            continue
        words = transcript[start:end]
        start += len(words) - len(words.lstrip()) if words.strip() else 0
        spans.append((start, end) if end > start else (max(0, start - 1), max(1, end)))
    return tuple(spans)
