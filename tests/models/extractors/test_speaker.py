"""Voices' embeddings: the same alone and in company, and nearer for one voice than for two."""

from __future__ import annotations

import numpy as np
import pytest

from models.extractors.speaker import SpeakerEncoder
from tests.spoken import spoken

FIRST, SECOND = "The film begins at eight on Friday evening.", "Nobody told me that it would rain all day."


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder.load()


def test_a_sound_has_one_embedding_of_length_one_whatever_is_beside_it(encoder):
    sounds = [spoken(FIRST, pitch=20), spoken(SECOND, pitch=80)[:9000], np.zeros(10, np.float32)]
    together = encoder.embed(sounds)
    alone = np.concatenate([encoder.embed([sound]) for sound in sounds])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together[:2], axis=1), 1, atol=1e-5) and np.isfinite(together).all()


def test_loudness_does_not_matter(encoder):
    loud = spoken(FIRST)
    first, second = encoder.embed([loud, 0.02 * loud])
    assert first @ second > 0.99


def test_one_voice_saying_two_things_is_nearer_than_two_saying_one(encoder):
    low, low_again, high = encoder.embed(
        [spoken(FIRST, pitch=10), spoken(SECOND, pitch=10), spoken(FIRST, pitch=95)]
    )
    assert low @ low_again > low @ high + 0.1
