"""Is there a voice in the sound? Made-up sounds here; real voices with the labelled data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.media import voice
from app.media.voice import nobody_speaks
from models.media.clip import SAMPLE_RATE
from models.media.decode import decode
from tests.made_up_voice import vowels

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
TIME = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
NOISE = np.random.default_rng(0).normal(size=len(TIME))


def sine(hertz: float, time: np.ndarray = TIME) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * time)


def arpeggio() -> np.ndarray:
    """Notes of a plucked string, four a second."""
    sound = np.zeros(len(TIME))
    for n, step in enumerate([0, 4, 7, 12, 16, 12, 7, 4] * 2):
        time = TIME[: len(TIME) - n * SAMPLE_RATE // 4]
        note = sum(sine(220 * 2 ** (step / 12) * h, time) / h * np.exp(-time * (2 + h)) for h in range(1, 9))
        sound[n * SAMPLE_RATE // 4 :] += note
    return sound


def drums() -> np.ndarray:
    since_beat = TIME % 0.25
    kick = sine(60, since_beat) * np.exp(-12 * since_beat) * (TIME % 0.5 < 0.25)
    return kick + 0.3 * NOISE * np.exp(-40 * since_beat)


WITHOUT_A_VOICE = {
    "beeps": sine(1000) * (TIME % 1 < 0.4),
    "tone": sine(440),
    "dial tone": sine(350) + sine(440),
    "keys": (sine(770) + sine(1336)) * (TIME % 0.3 < 0.15),
    "hum": sum(sine(50 * h) / h for h in range(1, 20)) + 0.01 * NOISE,
    "hiss": NOISE,
    "hum of 4 Hz": NOISE * (0.5 + 0.5 * sine(4)),
    "clicks": (np.arange(len(TIME)) % 8000 == 0).astype(float),
    "siren": np.sin(2 * np.pi * np.cumsum(800 + 300 * sine(0.5)) / SAMPLE_RATE),
    "chord": sum(sine(note) for note in (220, 277, 330, 440)),
    "arpeggio": arpeggio(),
    "drums": drums(),
    "band": drums() + arpeggio() + 0.2 * sum(sine(note) for note in (110, 165, 220)),
}


@pytest.mark.parametrize("peak", [0.9, 0.01])
@pytest.mark.parametrize("kind", WITHOUT_A_VOICE)
def test_nobody_speaks_in_beeps_hum_and_music(kind, peak):
    sound = WITHOUT_A_VOICE[kind]
    assert nobody_speaks((peak * sound / np.abs(sound).max()).astype(np.float32))


@pytest.mark.parametrize("seconds", [0.5, 1.0, 5.0])
def test_a_voice_is_a_voice_loud_or_quiet(seconds):
    sound = vowels(seconds)
    for peak in (0.9, 0.01):
        assert not nobody_speaks(peak * sound)


@pytest.mark.parametrize("before", ["silence", "hum", "beeps"])
def test_a_voice_is_found_wherever_it_begins(before):
    sound = np.resize(WITHOUT_A_VOICE.get(before, np.zeros(1)), 20 * SAMPLE_RATE)
    assert not nobody_speaks(np.concatenate([0.1 * sound, vowels(4.0)]).astype(np.float32))


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), np.zeros(SAMPLE_RATE, np.float32)])
def test_silence_is_another_matter(sound):
    assert not nobody_speaks(sound)


def test_the_sound_is_left_as_it_was():
    sound = vowels(1.0)
    before = sound.copy()
    nobody_speaks(sound)
    np.testing.assert_array_equal(sound, before)


def test_without_the_detector_every_sound_is_heard(monkeypatch):
    monkeypatch.setattr(voice, "_detector", lambda: None)
    assert not nobody_speaks(WITHOUT_A_VOICE["beeps"].astype(np.float32))


@pytest.mark.shared
@pytest.mark.skipif(not DATA.exists(), reason="the labelled data is not in ../shared/data")
def test_real_voices_are_found():
    clips = sorted((DATA / "clips" / "video").glob("*.mp4"))[::20]
    speech = sorted((DATA / "speech" / "ravdess").rglob("*.ogg"))[::40]
    missed = [path.name for path in clips + speech if nobody_speaks(decode(path).audio)]
    assert len(missed) <= 1, missed
