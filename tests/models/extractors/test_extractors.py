"""The extractors of the local profile, with the weights that ship."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from models.extractors.audio import level, log_mel, voiced_span
from models.extractors.local_profile import LocalProfile
from models.extractors.text import plain
from models.media.clip import SAMPLE_RATE, Clip
from models.media.decode import decode
from models.registry import load_profile
from models.tensors import CheckpointError
from models.types import Modality


@pytest.fixture(scope="module")
def profile():
    return LocalProfile.load()


def tone(seconds=1.0, loudness=0.3):
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (loudness * np.sin(2 * np.pi * 220 * time) * (1 + np.sin(9 * time)) / 2).astype(np.float32)


def test_shapes_and_presence(profile):
    words, voice = profile.read("I really liked it"), profile.hear(tone())
    assert words.sequence.values.shape == (1, len(words.tokens), profile.dims[Modality.TEXT])
    assert words.tokens[1:-1] == ["i", "really", "liked", "it"]
    assert 10 <= voice.sequence.values.shape[1] <= 14  # about 12.5 states a second
    assert voice.log_mel.shape[0] == 80
    assert profile.find_faces(None, None, None) == ((), None)
    features = profile.features(Clip(None, None, tone(), 1.0), "I really liked it")
    assert features.present().tolist() == [[True, True, False]]


@pytest.mark.parametrize("transcript", ["", "  ", "...", "?!"])
def test_no_words_is_absent_text(profile, transcript):
    assert not profile.read(transcript).sequence.present[0]


@pytest.mark.parametrize("audio", [np.zeros(16000, np.float32), tone(0.05), np.zeros(0, np.float32)])
def test_silence_is_absent_voice(profile, audio):
    assert not profile.hear(audio).sequence.present[0]


def test_words_carry_sentiment_in_any_case_and_punctuation(profile):
    def score(text):
        ids, lengths = profile.text.tokenize([text])
        with torch.inference_mode():
            return float(profile.text(ids, lengths))

    good, bad = "I really loved this movie, it was great!", "This was awful. A terrible waste of time."
    assert score(good) > 1 and score(bad) < -1
    for text in (good, bad):
        assert score(plain(text)) == pytest.approx(score(text), abs=0.6)
        assert score(text.upper()) == pytest.approx(score(text), abs=1e-4)


def test_states_do_not_depend_on_the_batch(profile):
    texts = ["good", "a rather long sentence about nothing in particular", "bad film"]
    for text, states in zip(texts, profile.embed_text(texts), strict=True):
        torch.testing.assert_close(states, profile.embed_text([text])[0], atol=1e-4, rtol=1e-4)


def test_recording_level_does_not_matter():
    hiss = torch.randn(SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
    quiet, loud = (level(log_mel(loudness * hiss)) for loudness in (0.02, 0.2))
    torch.testing.assert_close(quiet, loud, atol=0.05, rtol=0)


def test_silent_ends_are_trimmed():
    silence = np.zeros(SAMPLE_RATE, np.float32)
    mel = log_mel(torch.from_numpy(np.concatenate([silence, tone(), silence])))
    span = voiced_span(mel)
    assert 90 <= span.start <= 115 and 185 <= span.stop <= 215


def test_unknown_profile_and_missing_weights_are_named(tmp_path):
    with pytest.raises(ValueError, match="known are local, hub"):
        load_profile("nothing")
    with pytest.raises(CheckpointError, match="git checkout"):
        LocalProfile.load(root=tmp_path)


def test_a_clips_states_do_not_depend_on_what_other_threads_read(profile):
    examples = Path(__file__).resolve().parents[3] / "assets" / "examples"
    clips = [decode(examples / f"{name}.mp4") for name in ("astronaut", "brave", "plain")]
    words = ["It was awful.", "I loved every minute of it, " * 4, "So they say. " * 60]
    asked = list(zip(clips, words, strict=True))

    def states(clip, text):
        tracks, speaking = profile.find_faces(clip.frames, clip.frame_times, clip.audio)
        face = profile.embed_faces(tracks[speaking or 0])
        sequences = profile.read(text).sequence, profile.hear(clip.audio).sequence, face
        return [sequence.values for sequence in sequences], tracks[0].crops

    alone = [states(*question) for question in asked]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda question: states(*question), 4 * asked))
    for (values, crops), (wanted, wanted_crops) in zip(together, 4 * alone, strict=True):
        np.testing.assert_array_equal(crops, wanted_crops)
        for ours, theirs in zip(values, wanted, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
