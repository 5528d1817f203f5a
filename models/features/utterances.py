"""Labelled utterances with the modalities that they really have, and how they become batches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

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
    # token ids are of use only where every utterance with words knows them
    know_ids = all(u.ids is not None for u in utterances if Modality.TEXT in u.states)

    def single(utterance: Utterance, modality: Modality) -> Sequence:
        states = utterance.states.get(modality)
        with_ids = know_ids and modality is Modality.TEXT and states is not None
        return Sequence.single(states, dims[modality], utterance.ids if with_ids else None)

    sequences = {m: Sequence.stack([single(u, m) for u in utterances]) for m in MODALITIES}
    return Features(**sequences), torch.tensor([u.target for u in utterances], dtype=torch.float32)
