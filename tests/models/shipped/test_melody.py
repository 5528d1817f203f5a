"""Training of what imagines a melody, on made-up voices whose pitch and pace follow from their states."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.extractors.audio import STRONG, VALENCE, VoiceHead
from models.extractors.melody import VALUES, Melody, values_of
from models.shipped.melody import contours, evaluate_melody_decoder, train_melody_decoder

SYLLABLE = 25  # frames


def voices(count: int, seed: int) -> tuple[list[Melody], list[torch.Tensor], list[str]]:
    """Melodies of 8 syllables that fall by 2 semitones, and are higher the stronger the voice is."""
    rng = np.random.default_rng(seed)
    melodies, states, emotions = [], [], []
    frames = np.arange(8 * SYLLABLE)
    for _ in range(count):
        own = torch.from_numpy(rng.random((10, VoiceHead.dim), np.float32))
        strong = float(rng.random())
        own[:, STRONG] = strong
        own[:, VALENCE] = float(rng.normal())
        accents = rng.normal(0, 2, 8)[frames // SYLLABLE]
        pitch = 8 * strong - 4 + accents - 2 * frames / len(frames) + rng.normal(0, 1)
        pitch[frames % SYLLABLE < 5] = np.nan
        loudness = 2 * np.sin(np.pi * (frames % SYLLABLE) / SYLLABLE) - 2
        pace = 4 + strong + rng.normal(0, 0.2)
        melodies.append(Melody(pitch.astype(np.float32), loudness.astype(np.float32), float(pace)))
        states.append(own)
        emotions.append("strong" if strong > 0.5 else "weak")
    return melodies, states, emotions


@pytest.fixture(scope="module")
def decoder():
    melodies, states, _ = voices(400, 0)
    return train_melody_decoder(melodies, states, epochs=30)


def test_a_planted_relation_is_learned(decoder):
    melodies, states, emotions = voices(200, 1)
    figures = evaluate_melody_decoder(decoder, melodies, states, emotions)
    assert figures["pitch"]["corr"] > 0.7 and figures["pace"]["corr"] > 0.7
    assert figures["pitch"]["explained"] > 0.4
    assert figures["pitch"]["nll"] < figures["pitch"]["nll of one gaussian"]
    assert abs(figures["log pitch range"]["corr"]) < 0.3  # nothing says it
    assert set(figures) == {*VALUES, "strong", "weak"}
    for value in ("pitch", "log pitch range", "pace"):
        assert 0.65 < figures[value]["within 80 %"] < 0.92
    for emotion in ("strong", "weak"):
        assert figures[emotion]["decoded pitch"] == pytest.approx(figures[emotion]["pitch"], abs=0.7)


def test_draws_follow_the_states(decoder):
    low, high = torch.full((10, VoiceHead.dim), 0.5), torch.full((10, VoiceHead.dim), 0.5)
    low[:, VALENCE] = high[:, VALENCE] = 0
    low[:, STRONG], high[:, STRONG] = 0.1, 0.9
    lower, higher = (values_of(decoder.draw(states, 3.0)) for states in (low, high))
    assert higher[0] - lower[0] > 3 and higher[3] > lower[3]


def test_contours_are_those_of_the_melodies():
    learned = contours(voices(200, 0)[0])
    assert learned["declination"] < -0.3
    assert abs(learned["persistence"]) < 0.25
    assert learned["breaks"] > 0.95
    assert learned["voiced"] == pytest.approx(0.8, abs=0.03)


def test_training_is_repeated_by_its_seed():
    melodies, states, _ = voices(64, 0)
    once, again = (train_melody_decoder(melodies, states, epochs=2).state_dict() for _ in range(2))
    assert all(torch.equal(once[name], again[name]) for name in once)
