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
from models.extractors.local_profile import LocalProfile
from models.extractors.out_of_distribution import OutlierDetector
from models.features.utterances import Utterance
from models.media.clip import SAMPLE_RATE
from models.shipped.out_of_distribution import fit_detector, mean_states
from models.shipped.sources import Sources, Speech
from models.tensors import CheckpointError
from models.types import Modality
from tests.made_up_voice import vowels

CODE = "x = 3; y += foo(bar)[7]; return z"


@pytest.fixture(scope="module")
def profile() -> LocalProfile:
    return LocalProfile.load()


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
        (CODE, True),
    ],
)
def test_words(profile, detector, words, outlier):
    features = profile.features(None, words)
    assert detector.detect(features) == ([Modality.TEXT] if outlier else [])


def test_the_visitor_is_told_of_what_is_switched_on(profile, tmp_path):
    sound = tmp_path / "voice.wav"
    scipy.io.wavfile.write(sound, SAMPLE_RATE, vowels(3.0).astype(np.float32))
    analyst = Analyst(Settings(device="cpu"), profile)

    def told(text: str, modalities: str) -> list[str]:
        analysis = analyst.analyze(Query(audio=sound, text=text, modalities=modalities.split()))
        return [n.values["modalities"] for n in analysis.notices if n.code == "unlike_training"]

    assert told(CODE, "text audio") == ["text"]
    assert told(CODE, "audio") == []
    # that it is German is said already
    assert told("Das ist ein wunderbarer Film und ich liebe ihn", "text audio") == []


def test_three_in_a_hundred_of_the_same_kind_are_outliers():
    """Of speakers it does not know: each one's states lie around a place of their own."""
    rng = np.random.default_rng(0)
    widths = {Modality.TEXT: 4, Modality.AUDIO: 8, Modality.VISION: 10}

    def items(modality: Modality, speakers: int) -> list[Utterance]:
        places = rng.normal(scale=2, size=(speakers, 1, widths[modality]))
        states = torch.from_numpy(rng.normal(places, 1, size=(speakers, 3, widths[modality]))).float()
        return [Utterance({modality: own}, 0.0, "made", f"speaker{n}") for n, own in enumerate(states)]

    words, voices, faces = (items(modality, 800) for modality in widths)
    sources = Sources([], {}, words, [], faces, [], [], lambda states: states.mean((-2, -1)))
    detector = fit_detector(sources, Speech(voices, [], []), widths)
    alike = mean_states(items(Modality.AUDIO, 4000), Modality.AUDIO)
    outliers = (detector.distances(Modality.AUDIO, alike) > 1).float().mean()
    assert 0.01 < outliers < 0.06
    assert (detector.distances(Modality.AUDIO, alike + 20) > 1).all()
