"""What is missing of an utterance: modalities that drop out, and random missing of modality features (RMFM).

RMFM, frames and words that drop out: Yuan et al., Transformer-based Feature Reconstruction Network, ACM MM
2021. There a dropped word becomes [UNK] before the language model reads it; here the states are what drops,
since a features file has nothing else. States of neighbouring words may still carry some of a dropped one.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from models.fusion.base import FusionModel
from models.types import MODALITIES, Features, Modality

UNKNOWN_TOKEN = 100  # [UNK] in the vocabularies of BERT
FRAMING_TOKENS = (101, 102)  # [CLS] and [SEP]
RATES = tuple(round(0.1 * i, 1) for i in range(11))  # 0.0 … 1.0, the grid of MOSI and MOSEI


def drop_modalities(features: Features, rate: float, generator: torch.Generator) -> Features:
    """Modality dropout: with probability `rate` a row keeps only a random non-empty part of what it has."""
    present = features.present()
    noise = torch.rand(present.shape, generator=generator).masked_fill(~present, -1)
    count = present.sum(1)
    # keep the k modalities with the highest noise, k uniform over 1 … count
    kept_count = (torch.rand(len(present), generator=generator) * count).long() + 1
    ranks = noise.argsort(1, descending=True).argsort(1)
    dropped = torch.rand(len(present), generator=generator) < rate
    return features.keep((ranks < kept_count[:, None]) | ~dropped[:, None])


def neutral_states(model: FusionModel) -> dict[Modality, Tensor]:
    """{modality: (d,)} what stands where a frame dropped: the training mean, zero once standardised."""
    return {m: getattr(model, f"{m}_mean").cpu() for m in MODALITIES}


def modality_generators(seed: int) -> dict[Modality, torch.Generator]:
    """One random source a modality, so that what drops of one does not depend on the lengths of others."""
    return {m: torch.Generator().manual_seed(3 * seed + i) for i, m in enumerate(MODALITIES)}


def drop_frames(
    features: Features,
    rate: float,
    neutral: dict[Modality, Tensor],
    generators: dict[Modality, torch.Generator],
) -> Features:
    """The features, on the CPU, with each frame or word dropped with probability `rate`, independently.

    A dropped one keeps its place and becomes neutral, its token [UNK]. [CLS] and [SEP], where token ids tell
    them, stay as long as a word does. A modality that lost every frame is absent, so that not even its length
    is left: at rate 1 nothing is.
    """
    sequences = {}
    for modality, sequence in features:
        mask, ids = sequence.mask(), sequence.ids
        dropped = torch.zeros_like(mask)
        dropped[mask] = torch.rand(int(mask.sum()), generator=generators[modality]) < rate
        if ids is not None:
            framing = torch.isin(ids, torch.tensor(FRAMING_TOKENS)) & mask
            words_left = (mask & ~framing & ~dropped).any(1, keepdim=True)
            dropped = torch.where(framing, ~words_left & (rate > 0), dropped)
            ids = ids.masked_fill(dropped, UNKNOWN_TOKEN)
        values = torch.where(dropped[..., None], neutral[modality], sequence.values)
        present = sequence.present & (mask & ~dropped).any(1)
        sequences[modality] = replace(sequence, values=values, present=present, ids=ids)
    return Features(**sequences)
