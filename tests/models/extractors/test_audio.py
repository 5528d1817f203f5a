"""The voice head on made-up states of Whisper's encoder, and what it reads of a sound."""

from __future__ import annotations

import pytest
import torch

from models.extractors.audio import (
    BEYOND_WORDS,
    ENCODED,
    LOUDNESS,
    STRONG,
    VALENCE,
    VoiceHead,
    log_mel,
    statistics,
    voice_of,
)
from models.extractors.encoded_sound import encode_sound, packaged_encoder
from models.media.clip import SAMPLE_RATE
from tests.made_up_voice import vowels


def test_coordinates_are_probabilities_valence_and_loudness():
    torch.manual_seed(0)
    head = VoiceHead().eval()
    states = head.states(torch.randn(30, ENCODED), torch.linspace(-5, 0, 30))
    assert states.shape == (30, VoiceHead.dim)
    torch.testing.assert_close(states[:, :STRONG].sum(1), torch.ones(30))
    assert ((states[:, STRONG] >= 0) & (states[:, STRONG] <= 1)).all()
    assert (states[:, VALENCE].abs() <= 3).all()
    torch.testing.assert_close(states[:, LOUDNESS], torch.linspace(-5, 0, 30))


def test_what_a_voice_adds_is_linear_in_its_mean_state():
    torch.manual_seed(0)
    head, encoded = VoiceHead().eval(), torch.randn(40, ENCODED)
    head.mean.copy_(statistics(encoded))
    more = head.states(encoded + 0.01, torch.zeros(40)) - head.states(encoded, torch.zeros(40))
    added = 0.01 * head.beyond_words.weight.sum()
    torch.testing.assert_close(more[:, BEYOND_WORDS], added.expand(40), atol=1e-4, rtol=0)


def test_a_window_reaches_the_neighbours_and_no_further():
    head, encoded = VoiceHead().eval(), torch.randn(60, ENCODED)
    changed = encoded.clone()
    changed[50:] += 5
    before, after = head.windows(encoded), head.windows(changed)
    torch.testing.assert_close(before[:40], after[:40])
    assert not torch.allclose(before[40], after[40])


def test_a_voice_is_what_lies_between_the_silent_ends():
    silence = torch.zeros(SAMPLE_RATE)
    sound = torch.cat([silence, torch.from_numpy(vowels(2.0)), silence])
    voice = voice_of(encode_sound(packaged_encoder(), sound), log_mel(sound))
    assert voice.encoded.shape == (len(voice.times), ENCODED)
    assert voice.loudness.shape == (len(voice.times),)
    assert voice.times[0, 0] == pytest.approx(1.0, abs=0.1)
    assert voice.times[-1, 1] == pytest.approx(3.0, abs=0.1)
    torch.testing.assert_close(voice.times[1:, 0], voice.times[:-1, 1])
    assert torch.isfinite(voice.encoded).all() and torch.isfinite(voice.loudness).all()


def test_a_long_sound_is_one_voice():
    sound = torch.from_numpy(vowels(40.0))
    voice = voice_of(encode_sound(packaged_encoder(), sound), log_mel(sound))
    assert len(voice.times) == pytest.approx(500, abs=4)
    assert (voice.times.diff(dim=0) > 0).all()
