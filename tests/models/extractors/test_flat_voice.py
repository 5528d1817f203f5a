"""Good and bad things said in one flat tone: the voice must not tell what the words say."""

from __future__ import annotations

import numpy as np
import pytest

from models.extractors.audio import BEYOND_WORDS, VALENCE
from models.extractors.profile import Profile
from tests.spoken import spoken

SUBJECTS = ("film", "story", "acting", "music", "ending", "director", "script", "cast", "picture", "scene")
GOOD = ("wonderful", "brilliant", "beautiful", "delightful")
BAD = ("terrible", "dreadful", "horrible", "miserable")
MOST_APART = 0.3  # of means, in units of the score


@pytest.mark.slow
def test_a_flat_voice_does_not_tell_good_words_from_bad():
    profile = Profile.load()

    def means(adjectives):
        heard = [
            profile.hear(spoken(f"I think the {subject} was absolutely {adjective}.")).sequence.values[0]
            for subject in SUBJECTS
            for adjective in adjectives
        ]
        return np.mean([states.mean(0).numpy() for states in heard], axis=0)

    apart = np.abs(means(GOOD) - means(BAD))
    assert apart[BEYOND_WORDS] <= MOST_APART
    assert apart[VALENCE] <= MOST_APART
