"""When each state was said, heard or seen, so that the modalities can be aligned word by word."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from models.media.clip import FRAME_RATE, Word


def token_times(transcript: str, offsets: Iterable[tuple[int, int]], words: Iterable[Word]) -> Tensor | None:
    """Start and end (T, 2) in seconds of each token, or None where the words are not the transcript's.

    offsets : per token its (start, end) in `transcript`, (0, 0) for [CLS] and [SEP]
    words : timed words in the order in which they stand in `transcript`
    Pieces of one word share its times; [CLS] and punctuation go with the word beside them.
    """
    placed, at = [], 0
    for word in words:
        start = transcript.find(word.text, at)
        if start < 0:
            return None
        at = start + len(word.text)
        placed.append((start, at, word))
    if not placed:
        return None
    times, current = [], 0
    for start, end in offsets:
        if end > start:
            while current + 1 < len(placed) and placed[current + 1][0] < end:
                current += 1
        elif times:  # [SEP]
            current = len(placed) - 1
        word = placed[current][2]
        times.append((word.start, word.end))
    return torch.tensor(times, dtype=torch.float32)


def face_times(times: np.ndarray) -> Tensor:
    """Start and end (T, 2) in seconds of faces in pictures taken at `times` (T,)."""
    middles = torch.as_tensor(times, dtype=torch.float32)
    return torch.stack([middles - 0.5 / FRAME_RATE, middles + 0.5 / FRAME_RATE], dim=1)
