"""Imagined states as faces, voices and phrases."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.extractors.audio import (
    BEYOND_WORDS,
    LOUDNESS,
    RAVDESS_EMOTIONS,
    STRONG,
    VALENCE,
    VoiceHead,
)
from models.extractors.local_profile import LocalProfile
from models.extractors.phrases import PHRASES, PhraseBank, mean_states, phrase_states
from models.extractors.readers import TextArousal
from models.extractors.rendering import Renderer
from models.extractors.voice_decoder import VoiceDecoder, at_state_rate
from models.media.clip import SAMPLE_RATE
from models.tensors import CHECKPOINTS


@pytest.fixture(scope="module")
def profile():
    return LocalProfile.load()


@pytest.fixture(scope="module")
def renderer(profile):
    return Renderer.load(profile)


def spoken(emotion: int, valence: float, loudness: float, steps: int = 10) -> torch.Tensor:
    """Voice states (steps, 12) that are sure of one emotion."""
    states = torch.full((steps, VoiceHead.dim), 0.02)
    states[:, emotion] = 0.86
    states[:, STRONG], states[:, VALENCE] = 0.5, valence
    states[:, BEYOND_WORDS], states[:, LOUDNESS] = 0.0, loudness
    return states


def test_the_bank_is_large_and_covers_the_scale():
    with PHRASES.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    scores = np.array([float(row["score"]) for row in rows])
    assert len(rows) >= 300 and len({row["text"] for row in rows}) == len(rows)
    assert scores.min() == -3 and scores.max() == 3
    counts, _ = np.histogram(scores, bins=[-3, -2, -1, 0, 1, 2, 3.01])
    assert counts.min() >= 30


def test_scores_given_by_hand_agree_with_the_text_encoder(profile, renderer):
    readings = phrase_states(profile, CHECKPOINTS / "local" / "extractors").load()[:, -1].numpy()
    assert np.corrcoef(readings, renderer.phrase_bank.scores)[0, 1] > 0.85


def test_the_phrases_are_not_read_at_a_start(profile, monkeypatch):
    """A first switch would wait for them; what is stored is what the text encoder says of them."""
    with monkeypatch.context() as patch:
        patch.setattr(profile.text, "states", None)
        stored = Renderer.load(profile).phrase_bank
    few = slice(None, None, 40)
    made = F.normalize(mean_states(profile.text, stored.texts[few]) - stored.centre, dim=1)
    assert torch.allclose(made, stored.directions[few], atol=2e-3)


def test_phrases_stored_by_other_weights_are_read_anew(profile):
    stored = phrase_states(profile, CHECKPOINTS / "local" / "extractors")
    other = replace(stored, made_from="other weights", make=lambda: torch.ones(3, 769))
    assert torch.equal(other.load(), torch.ones(3, 769))


def test_a_phrase_is_nearest_to_itself(profile, renderer):
    states = profile.embed_text(["the music is beautiful and moving"])[0]
    nearest = renderer.phrases(states, 3)
    assert nearest[0].text == "the music is beautiful and moving"
    assert nearest[0].similarity == pytest.approx(1, abs=1e-3)
    assert nearest[0].similarity >= nearest[1].similarity >= nearest[2].similarity


@pytest.mark.parametrize(
    ("text", "positive"),
    [("what a superb and joyful film", True), ("a hateful film and a stupid plot", False)],
)
def test_other_words_find_phrases_of_their_polarity(profile, renderer, text, positive):
    states = profile.embed_text([text])[0]
    assert all((phrase.score > 0) == positive for phrase in renderer.phrases(states, 5))


@pytest.mark.parametrize("score", [-3.0, -1.5, 0.0, 1.5, 3.0])
def test_phrases_as_aroused_are_as_good_or_as_bad_too(profile, renderer, score):
    states, bank = profile.embed_text(["it was a film"])[0], renderer.phrase_bank
    arousals = []
    for rank in (0.0, 0.5, 1.0):
        phrases = renderer.phrases(states, 5, score, rank)
        assert len(phrases) == 5 and all(abs(phrase.score - score) <= 0.5 for phrase in phrases)
        arousals.append(np.mean([bank.arousals[bank.texts.index(phrase.text)] for phrase in phrases]))
    assert arousals[0] + 0.05 < arousals[1] < arousals[2] - 0.05


def test_words_of_anger_and_joy_are_more_aroused_than_calm_ones(profile):
    read = TextArousal.load(CHECKPOINTS / "local" / "extractors")
    texts = ["i am so angry at you", "oh my god this is so exciting"]
    texts += ["i miss my mother and i feel empty", "we talked quietly about the garden"]
    angry, excited, sad, calm = (float(read(states)) for states in profile.embed_text(texts))
    assert min(angry, excited) > max(sad, calm) + 0.1


def test_phrases_are_found_in_the_direction_of_a_shrunken_state(profile, renderer):
    states = profile.embed_text(["i absolutely loved it"])[0].mean(0)
    centre = renderer.phrase_bank.centre
    shrunken = centre + 0.2 * (states - centre)
    assert renderer.phrases(shrunken[None], 1)[0].text == "i absolutely loved it"


def test_a_voice_lasts_as_long_as_asked(renderer):
    states = spoken(2, 2.0, -1.0)
    assert renderer.log_mel(states, 2.0).shape == (80, 200)
    assert renderer.log_mel(states).shape[1] > 200  # a step is a word's length where no time is known
    hummed = renderer.hum(renderer.melody(states, 2.0))
    assert len(hummed) == 2 * SAMPLE_RATE and hummed.dtype == np.float32
    assert np.isfinite(hummed).all() and np.abs(hummed).max() == pytest.approx(0.5, abs=1e-3)
    assert len(renderer.melody(states).pitch) == 300


def test_the_same_states_have_the_same_melody(renderer):
    states = spoken(2, 2.0, -1.0)
    state = torch.random.get_rng_state()
    once = renderer.hum(renderer.melody(states, 1.0))
    assert torch.equal(torch.random.get_rng_state(), state)
    with ThreadPoolExecutor(8) as pool:
        for hummed in pool.map(lambda _: renderer.hum(renderer.melody(states, 1.0)), range(16)):
            assert np.array_equal(hummed, once)
    drawn = [renderer.melody(states, 1.0, seed).pitch for seed in (0, 1)]
    assert not np.array_equal(*drawn, equal_nan=True)


def test_a_furious_voice_is_imagined_higher_than_a_calm_one(renderer):
    calm, furious = (RAVDESS_EMOTIONS.index(name) for name in ("calm", "angry"))
    heard = [spoken(calm, 0.0, -2.0), spoken(furious, -1.5, -1.5)]
    heard[0][:, STRONG], heard[1][:, STRONG] = 0.1, 0.9
    lower, higher = (np.nanmedian(renderer.melody(states, 2.4).pitch) for states in heard)
    assert higher > lower + 4


def test_a_loud_happy_voice_is_drawn_louder_than_a_quiet_sad_one(renderer):
    happy, sad = (renderer.log_mel(states, 2.4) for states in (spoken(2, 2.2, -1.5), spoken(3, -1.8, -2.5)))
    assert happy.mean() > sad.mean()


def test_states_are_brought_to_their_own_rate():
    states = torch.arange(4.0)[:, None].expand(4, 11)
    even = at_state_rate(states, 0.64)
    assert even.shape == (8, 11)
    assert (even[1:, 0] >= even[:-1, 0]).all() and even[0, 0] == 0 and even[-1, 0] == 3


def test_the_decoder_is_small():
    assert sum(p.numel() for p in VoiceDecoder().parameters()) < 500_000


def test_a_bank_of_few_phrases_gives_what_it_has(profile):
    states = mean_states(profile.text, ["good", "bad"])
    bank = PhraseBank(["good", "bad"], [2.0, -2.0], states, TextArousal())
    assert [phrase.text for phrase in bank.nearest(profile.embed_text(["good"])[0], 5)] == ["good", "bad"]
