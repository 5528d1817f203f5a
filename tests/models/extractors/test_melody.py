"""What is heard of a voice's melody, what is drawn from its states, and how either is hummed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.extractors.audio import BEYOND_WORDS, LOUDNESS, VoiceHead
from models.extractors.melody import (
    HARMONICS,
    VALUES,
    Melody,
    MelodyDecoder,
    hum,
    melody_of,
    values_of,
)
from models.extractors.pitch import pitch_of
from models.media.clip import SAMPLE_RATE


def sung(hz: np.ndarray, loudness: np.ndarray | float = 1.0) -> np.ndarray:
    """A tone of four harmonics with pitch (n,) in Hz, a sample each."""
    phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    return (0.2 * loudness * sum(np.sin(k * phase) / k for k in range(1, 5))).astype(np.float32)


def ticks(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def semitones(hz: np.ndarray, other: np.ndarray | float) -> np.ndarray:
    return 12 * np.log2(hz / other)


@pytest.mark.parametrize("hz", [65, 100, 165, 220, 330, 480])
@pytest.mark.parametrize("pure", [True, False])
def test_pitch_of_a_tone(hz, pure):
    tone = np.sin(2 * np.pi * hz * ticks(1.0)) if pure else sung(np.full(SAMPLE_RATE, hz))
    heard = pitch_of(tone.astype(np.float32))
    assert np.isfinite(heard[2:-2]).all()
    assert np.abs(semitones(heard[2:-2], hz)).max() < 0.5


@pytest.mark.parametrize(("first", "last"), [(100, 300), (400, 150)])
def test_pitch_follows_a_glide(first, last):
    hz = np.geomspace(first, last, 2 * SAMPLE_RATE)
    heard = pitch_of(sung(hz))[3:-3]
    middles = hz[80::160][3:-3]
    assert np.isfinite(heard).all() and np.abs(semitones(heard, middles)).max() < 0.5


def test_only_what_is_periodic_is_voiced():
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    assert np.isnan(pitch_of(noise)).mean() > 0.97
    mixed = np.concatenate([noise, sung(np.full(SAMPLE_RATE, 200.0)), np.zeros(SAMPLE_RATE, np.float32)])
    voiced = np.isfinite(pitch_of(mixed))
    assert voiced[:95].mean() < 0.05 and voiced[105:195].all() and not voiced[205:].any()


def test_pitch_is_that_of_the_louder_of_a_tone_and_a_little_noise():
    noise = np.random.default_rng(0).normal(0, 0.02, SAMPLE_RATE)
    heard = pitch_of((sung(np.full(SAMPLE_RATE, 140.0)) + noise).astype(np.float32))
    assert np.isfinite(heard).mean() > 0.95 and np.nanmax(np.abs(semitones(heard, 140.0))) < 0.5


def test_silence_has_no_melody():
    melody = melody_of(np.zeros(SAMPLE_RATE, np.float32))
    assert melody.pitch.shape == melody.loudness.shape == (100,)
    assert not melody.voiced.any() and melody.pace == 0 and (melody.loudness == 0).all()
    assert not hum(melody).any()
    with pytest.raises(ValueError, match="voiced"):
        values_of(melody)


@pytest.mark.parametrize("samples", [0, 1, 5, 160, 161, 400, 1000])
def test_a_very_short_sound_has_a_short_melody(samples):
    melody = melody_of(sung(np.full(samples, 300.0)))
    assert len(melody.pitch) == len(melody.loudness) == -(-samples // 160)
    assert 0 <= melody.pace <= 10
    hummed = hum(melody)
    assert len(hummed) == 160 * len(melody.pitch) and np.isfinite(hummed).all()


@pytest.mark.parametrize("pace", [3.0, 5.0])
def test_pace_counts_swells(pace):
    swells = 0.02 + np.sin(np.pi * pace * ticks(4.0)) ** 2
    assert melody_of(sung(np.full(len(swells), 180.0), swells)).pace == pytest.approx(pace, abs=0.3)


def test_pitch_is_above_the_usual_one_and_loudness_below_the_loudest():
    tone = sung(np.full(SAMPLE_RATE, 220.0), np.linspace(0.1, 1.0, SAMPLE_RATE))
    own, other = melody_of(tone), melody_of(tone, usual=110.0)
    assert np.nanmedian(own.pitch) == pytest.approx(0, abs=0.01)
    assert np.nanmedian(other.pitch) == pytest.approx(12, abs=0.1)
    assert own.loudness[95] - own.loudness[45] == pytest.approx(2 * np.log(0.96 / 0.51), abs=0.1)
    quieter = melody_of(tone / 10)
    np.testing.assert_allclose(quieter.loudness, own.loudness, atol=0.01)


def made_up() -> Melody:
    """Three seconds that rise and fall, with a gap."""
    frames = np.arange(300)
    pitch = (4 * np.sin(frames / 40)).astype(np.float32)
    pitch[140:160] = np.nan
    return Melody(pitch, np.sin(frames / 8).astype(np.float32) - 1, 4.0)


@pytest.mark.parametrize("usual", [110.0, 165.0, 240.0])
def test_a_hum_has_the_melody_it_was_made_from(usual):
    melody = made_up()
    again = melody_of(hum(melody, usual), usual)
    assert len(again.pitch) == len(melody.pitch)
    assert (again.voiced == melody.voiced).mean() > 0.95
    both = again.voiced & melody.voiced
    assert np.abs(again.pitch - melody.pitch)[both].max() < 0.5
    assert np.corrcoef(again.loudness[both], melody.loudness[both])[0, 1] > 0.95


def test_a_hum_is_silent_where_it_is_unvoiced_and_does_not_click():
    hummed = hum(made_up())
    assert hummed.dtype == np.float32 and np.abs(hummed).max() == pytest.approx(0.5, abs=1e-5)
    assert not hummed[140 * 160 : 160 * 160].any()
    assert hummed[0] == 0 and abs(hummed[-1]) < 1e-3
    # the steepest that its harmonics can be, at their highest pitch, with all amplitudes at their peak
    highest = 165 * 2 ** (4 / 12)
    steepest = 2 * np.pi * highest / SAMPLE_RATE * sum(a * (k + 1) for k, a in enumerate(HARMONICS))
    assert np.abs(np.diff(hummed)).max() < steepest
    envelope = np.abs(hummed).reshape(-1, 160).max(1)  # a fade takes two frames
    assert envelope[139] < 0.7 * envelope[137] and envelope[160] < 0.7 * envelope[162]


@pytest.fixture()
def decoder() -> MelodyDecoder:
    torch.manual_seed(0)
    made = MelodyDecoder().eval()
    made.center.copy_(torch.tensor([1.0, np.log(3.0), -1.0, 4.5, 1.5]))
    made.scale.copy_(torch.tensor([4.0, 0.4, 3.0, 0.8, 0.3]))
    made.declination.fill_(-1.5)
    return made


def states(steps: int = 20) -> torch.Tensor:
    return torch.rand(steps, VoiceHead.dim, generator=torch.Generator().manual_seed(0))


def test_a_drawn_melody_has_the_decoded_values(decoder):
    melody = decoder.draw(states(), 4.0)
    with torch.no_grad():
        mean, _ = decoder(states().mean(0))
    values = values_of(melody)
    assert len(melody.pitch) == len(melody.loudness) == 400
    assert melody.pitch.dtype == melody.loudness.dtype == np.float32
    for name in ("pitch", "log pitch range", "loudness range"):
        k = VALUES.index(name)
        assert values[k] == pytest.approx(float(mean[k]), abs=0.02)
    assert melody.pace == pytest.approx(float(mean[VALUES.index("pace")]), abs=0.25)
    assert 0.5 < melody.voiced.mean() < 1


def test_a_question_ends_high(decoder):
    endings = []
    for ending in (-5.0, 5.0):
        decoder.center[VALUES.index("ending")] = ending
        drawn = [values_of(decoder.draw(states(), 3.0, seed)) for seed in range(20)]
        endings.append(np.mean([values[VALUES.index("ending")] for values in drawn]))
    assert endings[0] < -2 and endings[1] > 2


def test_a_drawn_melody_has_the_pace_that_is_heard_in_its_hum(decoder):
    melody = decoder.draw(states(), 6.0)
    assert melody_of(hum(melody)).pace == pytest.approx(melody.pace, abs=1.0)


def test_draws_are_repeated_by_their_seed(decoder):
    once, again = decoder.draw(states(), 2.0, seed=3), decoder.draw(states(), 2.0, seed=3)
    assert np.array_equal(once.pitch, again.pitch, equal_nan=True) and once.pace == again.pace
    other = decoder.draw(states(), 2.0, seed=4)
    assert not np.array_equal(once.pitch, other.pitch, equal_nan=True)
    likeliest, same = decoder.draw(states(), 2.0), decoder.draw(states(), 2.0)
    assert np.array_equal(likeliest.pitch, same.pitch, equal_nan=True)


def test_a_loud_half_is_drawn_louder(decoder):
    rising = states()
    rising[:, LOUDNESS] = torch.linspace(-4, 0, len(rising))
    loudness = decoder.draw(rising, 4.0).loudness
    assert loudness[:200].mean() < loudness[200:].mean() - 1


def test_what_a_voice_adds_to_its_words_is_not_heard(decoder):
    other = states()
    other[:, BEYOND_WORDS] = 3
    drawn, same = decoder.draw(states(), 2.0), decoder.draw(other, 2.0)
    assert np.array_equal(drawn.pitch, same.pitch, equal_nan=True)


@pytest.mark.parametrize(("steps", "seconds"), [(1, 0.01), (1, 0.3), (2, 3.0), (200, 0.5)])
def test_any_number_of_states_and_any_time_gives_a_melody(decoder, steps, seconds):
    for seed in (None, *range(20)):
        melody = decoder.draw(states(steps), seconds, seed)
        assert len(melody.pitch) == round(100 * seconds) and melody.voiced.any()
        assert np.isfinite(melody.loudness).all() and melody.pace > 0
        assert np.isfinite(hum(melody)).all()


def test_the_decoder_is_small():
    assert sum(p.numel() for p in MelodyDecoder().parameters()) < 50_000


def test_a_pitch_far_from_any_voice_is_hummed_within_two_octaves():
    far = replace(made_up(), pitch=np.full(300, 90.0, np.float32))
    assert np.nanmedian(melody_of(hum(far, 110.0), 110.0).pitch) == pytest.approx(24, abs=0.5)
