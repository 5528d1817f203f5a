"""Good and bad things said in one flat tone: the voice must not tell what the words say."""

from __future__ import annotations

import numpy as np
import pytest

from models.checkpoint import load_fusion
from models.extractors.audio import BEYOND_WORDS, VALENCE
from models.extractors.local_profile import LocalProfile
from models.features.utterances import Utterance
from models.registry import method_names
from models.training.prediction import predict
from models.types import Modality
from tests.spoken import spoken

pytestmark = pytest.mark.slow

SUBJECTS = ("film", "acting", "ending", "script", "picture")
ADJECTIVES = {
    1.0: ("wonderful", "brilliant", "beautiful", "delightful"),
    -1.0: ("terrible", "dreadful", "horrible", "miserable"),
}
MOST_APART = 0.3  # of means, in units of the score


@pytest.fixture(scope="module")
def profile() -> LocalProfile:
    return LocalProfile.load()


@pytest.fixture(scope="module")
def voices(profile) -> list[Utterance]:
    """20 good and 20 bad sentences, without their words."""
    return [
        Utterance(
            {
                Modality.AUDIO: profile.hear(
                    spoken(f"I think the {subject} was absolutely {adjective}.")
                ).sequence.values[0]
            },
            polarity,
            "spoken",
            "espeak",
        )
        for polarity, adjectives in ADJECTIVES.items()
        for subject in SUBJECTS
        for adjective in adjectives
    ]


def apart(values: np.ndarray, voices: list[Utterance]) -> np.ndarray:
    """Distance between the means of good and bad sentences."""
    good = np.array([voice.target > 0 for voice in voices])
    return np.abs(values[good].mean(0) - values[~good].mean(0))


def test_a_flat_voice_does_not_tell_good_words_from_bad(voices):
    states = np.array([voice.states[Modality.AUDIO].mean(0).numpy() for voice in voices])
    assert apart(states, voices)[[BEYOND_WORDS, VALENCE]].max() <= MOST_APART


@pytest.mark.parametrize("name", method_names("all"))
def test_no_method_hears_words_in_a_flat_voice(name, voices, profile):
    model = load_fusion(name, language_model=profile.language_model).model
    scores = predict(model, voices, profile.dims, (Modality.AUDIO,))
    assert apart(scores, voices) <= MOST_APART
