"""What is unlike the training data is noticed, and ordinary input is not."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.io.wavfile
import torch

from app.service.analyst import Analyst
from app.service.query import Query
from app.settings import Settings
from models.extractors.out_of_distribution import OutlierDetector
from models.extractors.profile import Profile
from models.features.utterances import Utterance
from models.media.clip import SAMPLE_RATE, Clip
from models.shipped.out_of_distribution import fit_detector, mean_states
from models.shipped.sources import Sources, Speech
from models.tensors import CheckpointError
from models.types import Modality
from tests.made_up_voice import vowels

SECONDS = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.load("local")


@pytest.fixture(scope="module")
def detector(profile) -> OutlierDetector:
    return OutlierDetector.load(profile)


def test_of_other_extractors_it_is_refused(profile):
    other = copy.copy(profile)
    other.fingerprints = {**profile.fingerprints, Modality.AUDIO: "another"}
    with pytest.raises(CheckpointError, match="other extractors"):
        OutlierDetector.load(other)


@pytest.mark.parametrize(
    ("words", "outlier"),
    [
        ("I really liked this movie, the acting was great", False),
        ("it was boring and way too long", False),
        ("Das ist ein wunderbarer Film und ich liebe ihn", True),
        ("這部電影真的很好看", True),
    ],
)
def test_words(profile, detector, words, outlier):
    features = profile.features(None, words)
    assert detector.detect(features) == ([Modality.TEXT] if outlier else [])


@pytest.mark.parametrize(
    "sound",
    [
        np.random.default_rng(0).normal(scale=0.1, size=len(SECONDS)),
        0.3 * np.sin(2 * np.pi * 440 * SECONDS),
    ],
    ids=["noise", "a whistle"],
)
def test_sounds_that_are_no_voice(profile, detector, sound):
    features = profile.features(Clip(None, None, sound.astype(np.float32), 3.0), "")
    assert detector.detect(features) == [Modality.AUDIO]
    assert detector.detect(features.only((Modality.TEXT,))) == []


def test_the_visitor_is_told_of_what_is_switched_on(profile, tmp_path):
    sound = tmp_path / "in_noise.wav"
    noise = np.random.default_rng(0).normal(scale=0.1, size=len(SECONDS))
    scipy.io.wavfile.write(sound, SAMPLE_RATE, (0.3 * vowels(3.0) + noise).astype(np.float32))
    analyst = Analyst(Settings(device="cpu"), profile)

    def told(text: str, modalities: str) -> list[str]:
        analysis = analyst.analyze(Query(audio=sound, text=text, modalities=modalities.split()))
        return [n.values["modalities"] for n in analysis.notices if n.code == "unlike_training"]

    assert told("it was boring and way too long", "text audio") == ["audio"]
    assert told("it was boring and way too long", "text") == []
    # that it is German is said already
    assert told("Das ist ein wunderbarer Film und ich liebe ihn", "text audio") == ["audio"]


def test_one_in_a_hundred_of_the_same_kind_is_an_outlier():
    """Of speakers it does not know: each one's states lie around a place of their own."""
    rng = np.random.default_rng(0)
    widths = {Modality.TEXT: 4, Modality.AUDIO: 8, Modality.VISION: 4}

    def items(modality: Modality, speakers: int) -> list[Utterance]:
        places = rng.normal(scale=2, size=(speakers, 1, widths[modality]))
        states = torch.from_numpy(rng.normal(places, 1, size=(speakers, 3, widths[modality]))).float()
        return [Utterance({modality: own}, 0.0, "made", f"speaker{n}") for n, own in enumerate(states)]

    words, voices, faces = (items(modality, 800) for modality in widths)
    sources = Sources([], words, [], faces, [], [])
    detector = fit_detector(sources, Speech(voices, [], []), widths)
    alike = mean_states(items(Modality.AUDIO, 4000), Modality.AUDIO)
    outliers = (detector.distances(Modality.AUDIO, alike) > 1).float().mean()
    assert 0.003 < outliers < 0.03
    assert (detector.distances(Modality.AUDIO, alike + 20) > 1).all()
