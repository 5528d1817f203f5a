"""Small synthetic features, in memory and as MMSA would have them."""

from __future__ import annotations

import numpy as np
import torch

from models.features.feature_set import SPLITS, FeatureSet
from models.features.utterances import Utterance
from models.types import MODALITIES, Modality

TEXT, AUDIO, VISION = MODALITIES
DIMS = {TEXT: 12, AUDIO: 6, VISION: 5}
COUNTS = {"train": 96, "valid": 32, "test": 32}


def utterances(count: int, seed: int, source: str = "made", tokens: bool = False) -> list[Utterance]:
    """Items whose first coordinate, in every modality, is the score under noise; labels in tenths."""
    generator = torch.Generator().manual_seed(seed)
    items = []
    for i in range(count):
        target = round(6 * torch.rand((), generator=generator).item() - 3, 1)
        states = {}
        for modality in MODALITIES:
            steps = int(torch.randint(2, 7, (), generator=generator))
            states[modality] = 0.5 * torch.randn(steps, DIMS[modality], generator=generator)
            states[modality][:, 0] += target
        ids = torch.arange(2000, 2000 + len(states[TEXT])) if tokens else None
        items.append(Utterance(states, target, source, f"video{seed}-{i // 4}", ids))
    return items


def feature_set(seed: int = 0, tokens: bool = False, **changes) -> FeatureSet:
    """96, 32 and 32 utterances with every modality."""
    splits = {
        split: utterances(COUNTS[split], 10 * seed + i, tokens=tokens) for i, split in enumerate(SPLITS)
    }
    return FeatureSet(**{**splits, "dims": dict(DIMS), **changes})


def mmsa_split(rows: int, seed: int = 0, steps: tuple[int, int, int] = (8, 12, 10)) -> dict:
    """One split of an unaligned MMSA file, right-padded; row i has 3 + i % 3 words and 4 + i % 4 frames."""
    rng = np.random.default_rng(seed)
    words, frames = 3 + np.arange(rows) % 3, 4 + np.arange(rows) % 4
    labels = np.round(rng.uniform(-3, 3, rows), 1).astype(np.float32)
    table = {
        "id": np.array([f"video{i // 2}$_${i}" for i in range(rows)]),
        "raw_text": np.array([f"sentence {i}" for i in range(rows)]),
        "regression_labels": labels,
        "classification_labels": np.sign(labels) + 1,
        "annotations": np.array(["Negative", "Neutral", "Positive"])[np.sign(labels).astype(int) + 1],
        "audio_lengths": frames.tolist(),
        "vision_lengths": frames.tolist(),
    }
    for modality, lengths, length in zip(MODALITIES, (words, frames, frames), steps, strict=True):
        values = rng.normal(size=(rows, length, DIMS[modality])).astype(np.float32)
        values[:, :, 0] += labels[:, None]
        if modality is not TEXT:  # a language model leaves states in the padding, extractors leave zeros
            values[np.arange(length) >= lengths[:, None]] = 0
        table[str(modality)] = values
    tokens = np.zeros((rows, 3, steps[0]), np.float32)
    tokens[:, 1] = np.arange(steps[0]) < words[:, None]
    tokens[:, 0] = tokens[:, 1] * 2000
    return {**table, "text_bert": tokens}


def mmsa_content(**changes) -> dict:
    """All three splits; keywords replace entries of each."""
    content = {split: mmsa_split(COUNTS[split], seed) for seed, split in enumerate(SPLITS)}
    for table in content.values():
        for key, change in changes.items():
            table[key] = change(table[key])
    return content


def same_items(found: list[Utterance], expected: list[Utterance], modalities: tuple[Modality, ...]) -> bool:
    """Whether two lists hold the same labels, groups, token ids and states."""
    return len(found) == len(expected) and all(
        a.target == b.target
        and a.group == b.group
        and set(a.states) == set(b.states)
        and all(torch.equal(a.states[m], b.states[m]) for m in modalities if m in a.states)
        and (a.ids is None) == (b.ids is None)
        and (a.ids is None or torch.equal(a.ids, b.ids))
        for a, b in zip(found, expected, strict=True)
    )
