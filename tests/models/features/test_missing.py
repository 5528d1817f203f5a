"""Batches of utterances that lack a modality, and modality dropout."""

from __future__ import annotations

from dataclasses import replace

import torch

from models.features.missing import drop_modalities
from models.features.utterances import Utterance, collate
from models.types import MODALITIES, Modality
from tests.models.feature_sets import AUDIO, DIMS, TEXT, VISION, utterances


def having(*modalities: Modality, count: int = 1) -> list[Utterance]:
    """Utterances with these modalities only."""
    return [replace(u, states={m: u.states[m] for m in modalities}) for u in utterances(count, seed=0)]


def test_collate_marks_what_is_missing():
    features, target = collate([*having(TEXT), *having(AUDIO, VISION)], DIMS)
    assert features.present().tolist() == [[True, False, False], [False, True, True]]
    assert target.shape == (2,)


def test_modality_dropout_never_drops_everything_nor_adds_anything():
    features, _ = collate(having(*MODALITIES, count=100) + having(TEXT, AUDIO, count=100), DIMS)
    kept = drop_modalities(features, 0.9, torch.Generator().manual_seed(0)).present()
    assert kept.any(1).all()
    assert not (kept & ~features.present()).any()
    assert {tuple(row) for row in kept[:100].tolist()} == {
        tuple(m in subset for m in MODALITIES) for subset in Modality.subsets()
    }


def test_no_dropout_at_rate_zero():
    features, _ = collate(having(*MODALITIES, count=20), DIMS)
    assert drop_modalities(features, 0.0, torch.Generator()).present().all()
