"""Labelled utterances with the modalities that they really have, and how they become batches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.types import MODALITIES, Features, Modality, Sequence


@dataclass(frozen=True)
class Utterance:
    """One labelled item.

    states : {modality: (T, d)} of the modalities it has, from extractors that did not train on it
    target : score in [-3, 3]
    source : "clips", "speech", "text", "faces", "triples" or "borrowed"
    group : speaker or video, never on both sides of a split
    ids : (T,) token ids of its text states, for methods that run the language model; None where unknown
    """

    states: dict[Modality, Tensor]
    target: float
    source: str
    group: str
    ids: Tensor | None = None


def collate(utterances: list[Utterance], dims: dict[Modality, int]) -> tuple[Features, Tensor]:
    """Features and targets (B,) of utterances; what one lacks is absent, not zero evidence."""
    sequences = {m: _sequence([u.states.get(m) for u in utterances], dims[m]) for m in MODALITIES}
    ids = [u.ids if Modality.TEXT in u.states else torch.zeros(1, dtype=torch.int64) for u in utterances]
    text, known = sequences[Modality.TEXT], [row for row in ids if row is not None]
    # token ids are of use only where every utterance with words knows them
    if text.present.any() and len(known) == len(ids):
        sequences[Modality.TEXT] = replace(text, ids=pad_sequence(known, batch_first=True))
    return Features(**sequences), torch.tensor([u.target for u in utterances], dtype=torch.float32)


def _sequence(rows: list[Tensor | None], dim: int) -> Sequence:
    """One modality of a batch, padded to its longest row; None is an absent one."""
    absent = torch.zeros(1, dim)
    states = [absent if row is None else row for row in rows]
    return Sequence(
        pad_sequence(states, batch_first=True),
        torch.tensor([len(row) for row in states]),
        torch.tensor([row is not None for row in rows]),
    )
