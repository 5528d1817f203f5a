"""The stored readings of our examples say what reading them again says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from app.service.query import Query
from app.service.reader import Reader, Stages
from app.service.stored import EXAMPLES, StoredUtterances, store
from app.settings import Settings
from models.extractors.local_profile import LocalProfile
from models.types import MODALITIES, Modality

ENTRIES = json.loads((EXAMPLES / "index.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def profile() -> LocalProfile:
    return LocalProfile.load()


@pytest.fixture(scope="module")
def nothing_stored(tmp_path_factory) -> StoredUtterances:
    return StoredUtterances(tmp_path_factory.mktemp("empty"))


def asked_about(entry: dict) -> Query:
    clip = EXAMPLES / entry["file"]
    video, audio = (None, clip) if clip.suffix == ".mp3" else (clip, None)
    return Query(video, audio, entry["text"])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_stored_reading_equals_a_fresh_one(entry, profile, nothing_stored):
    fresh_stages, stored_stages = Stages(), Stages()
    fresh = Reader(Settings(), "cpu", profile, nothing_stored).read(asked_about(entry), fresh_stages)
    stored = Reader(Settings(), "cpu", profile).read(asked_about(entry), stored_stages)
    assert fresh_stages.timings_ms["decode"] > 0
    assert stored_stages.timings_ms["decode"] == 0, (
        "it was decoded again: run python -m app.service.store_examples"
    )
    assert stored.notices == fresh.notices
    for modality in MODALITIES:
        ours, theirs = stored.features[modality], fresh.features[modality]
        assert torch.equal(ours.present, theirs.present)
        if ours.present[0]:
            torch.testing.assert_close(ours.values, theirs.values, atol=3e-3, rtol=3e-3)
            if theirs.times is not None:
                torch.testing.assert_close(ours.times, theirs.times)
    for part in ("waveform", "log_mel", "faces"):
        ours, theirs = getattr(stored, part), getattr(fresh, part)
        assert (ours is None) == (theirs is None)
    if fresh.faces is not None:
        # a processor with other instructions rounds some pixels to the grey level beside
        apart = stored.faces.crops.astype(int) - fresh.faces.crops
        assert np.abs(apart).max() <= 1 and (apart != 0).mean() < 0.01
    if fresh.waveform is not None:
        np.testing.assert_allclose(stored.waveform, fresh.waveform, atol=1e-4)


def test_other_extractors_or_another_clip_find_nothing(profile, nothing_stored, tmp_path):
    reader, first = Reader(Settings(), "cpu", profile, nothing_stored), asked_about(ENTRIES[0])
    key, utterance = reader.files(first.video, first.audio)
    store(utterance, key, profile.fingerprints, tmp_path / "kept.safetensors")
    kept = StoredUtterances(tmp_path)
    assert kept.find(key, lambda: profile.fingerprints) is not None
    assert kept.find(("another clip", ""), lambda: profile.fingerprints) is None
    assert kept.find(key, lambda: {**profile.fingerprints, Modality.VISION: "other"}) is None
