"""When states were said, heard and seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.extractors.local_profile import LocalProfile
from models.extractors.timing import face_times, token_times
from models.media.clip import FRAME_RATE, SAMPLE_RATE, Word

WORDS = (Word("it", 0.5, 0.7), Word("was", 0.8, 1.0), Word("unbelievable", 1.0, 1.9))


@pytest.fixture(scope="module")
def profile():
    return LocalProfile.load()


def test_pieces_share_their_words_time_and_specials_go_with_their_neighbours():
    transcript = "it was, unbelievable!"
    offsets = [(0, 0), (0, 2), (3, 6), (6, 7), (8, 12), (12, 20), (20, 21), (0, 0)]
    starts = token_times(transcript, offsets, WORDS)[:, 0]
    torch.testing.assert_close(starts, torch.tensor([0.5, 0.5, 0.8, 0.8, 1.0, 1.0, 1.0, 1.0]))


def test_a_word_that_is_said_twice_has_two_times():
    words = (Word("no", 0.0, 0.2), Word("no", 1.0, 1.2))
    times = token_times("no no", [(0, 0), (0, 2), (3, 5), (0, 0)], words)
    torch.testing.assert_close(times[:, 0], torch.tensor([0.0, 0.0, 1.0, 1.0]))


@pytest.mark.parametrize("transcript", ["something else", "it was"])
def test_words_of_another_transcript_give_no_times(transcript):
    assert token_times(transcript, [(0, 0), (0, 2), (0, 0)], WORDS) is None
    assert token_times(transcript, [(0, 0), (0, 2), (0, 0)], ()) is None


def test_a_face_lasts_until_the_next_picture():
    times = face_times(np.array([0.0, 0.2]))
    torch.testing.assert_close(times[0, 1], times[1, 0])
    torch.testing.assert_close(times[:, 1] - times[:, 0], torch.full((2,), 1 / FRAME_RATE))


def test_the_profile_times_what_it_extracts(profile):
    silence = np.zeros(SAMPLE_RATE, np.float32)
    ticks = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * 220 * ticks)).astype(np.float32)
    audio = profile.hear(np.concatenate([silence, tone])).sequence
    heard = audio.times[0]
    assert heard.shape == (audio.values.shape[1], 2)
    assert heard[0, 0] == pytest.approx(1.0, abs=0.1) and heard[-1, 1] == pytest.approx(3.0, abs=0.1)
    # "it" is not in this transcript as it was recognised
    assert profile.read("It was unbelievable.", WORDS).sequence.times is None
    said = profile.read("it was unbelievable", WORDS).sequence.times
    assert said[0, 0].tolist() == pytest.approx([0.5, 0.7]) and said[0, -1].tolist() == pytest.approx(
        [1.0, 1.9]
    )
    assert profile.read("it was unbelievable").sequence.times is None
