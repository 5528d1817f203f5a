"""Where a recording is cut: constraints that always hold, and what speaks for a cut."""

from __future__ import annotations

import numpy as np
import pytest

from app.service.recordings.cuts import (
    LONGEST,
    SHORTEST,
    STEP,
    Moments,
    cut,
    moments,
    split_sentences,
    together,
)
from models.extractors.speaker import SpeakerEncoder
from models.media.clip import SAMPLE_RATE, Clip, Word
from tests.spoken import spoken


@pytest.fixture(scope="module")
def speakers() -> SpeakerEncoder:
    return SpeakerEncoder.load()


def everywhere(worth: float, seconds: float) -> Moments:
    times = np.arange(1, int(seconds / STEP)) * STEP
    return Moments(times, np.full(len(times), worth), np.zeros(len(times), bool))


@pytest.mark.parametrize("worth", [-6.0, -1.0, 0.5, 4.0])
@pytest.mark.parametrize("seconds", [0.3, 1.9, 14.9, 15.1, 59.98])
def test_utterances_cover_the_recording_and_none_is_too_long(worth, seconds):
    spans = cut(everywhere(worth, seconds), seconds)
    assert spans[0][0] == 0 and spans[-1][1] == seconds
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    assert all(0 < end - start <= LONGEST + 1e-6 for start, end in spans)


def test_what_is_likely_is_cut_and_the_rest_is_not():
    found = everywhere(-6.0, 12.0)
    found.worth[[19, 39]] = 2.0  # 4 and 8 s
    assert np.allclose(cut(found, 12.0), [(0, 4), (4, 8), (8, 12)])


def test_two_likely_moments_close_together_are_one_cut():
    found = everywhere(-6.0, 8.0)
    found.worth[[19, 22]] = 1.0, 1.5
    assert np.allclose(cut(found, 8.0), [(0, 4.6), (4.6, 8)])


def test_a_pause_another_voice_and_another_shot_are_cuts(speakers):
    low = spoken("I went to see the film on Friday with my brother.", pitch=10)
    high = spoken("It was the best evening that I have had this year.", pitch=95)
    pause = np.zeros(int(0.8 * SAMPLE_RATE), np.float32)
    breath = pause[: SAMPLE_RATE // 5]
    parts = [low, breath, high, pause, high]
    audio = np.concatenate(parts).astype(np.float32)
    ends = np.cumsum([len(part) for part in parts]) / SAMPLE_RATE
    times = np.arange(0, len(audio) / SAMPLE_RATE, STEP)
    frames = np.full((len(times), 36, 64, 3), 40, np.uint8)
    frames[times >= ends[0] + 0.1] = 180
    film = Clip(frames, times, audio, len(audio) / SAMPLE_RATE)
    found = moments(film, speakers)
    cuts = [start for start, _ in cut(found, film.duration)[1:]]
    assert [found.told[found.times == at].item() for at in cuts] == [True, False]
    assert len(cuts) == 2
    assert ends[0] - 0.2 <= cuts[0] <= ends[1] + 0.2 and ends[2] - 0.2 <= cuts[1] <= ends[3] + 0.2


def test_sound_without_a_voice_is_cut_into_pieces_that_are_short_enough(speakers):
    clip = Clip(None, None, np.zeros(40 * SAMPLE_RATE, np.float32), 40.0)
    assert all(end - start <= LONGEST + 1e-6 for start, end in cut(moments(clip, speakers), 40.0))


def test_only_long_utterances_are_cut_at_ends_of_sentences():
    words = [
        Word("Good.", 0.0, 3.8),
        Word("Really", 4.2, 5.0),
        Word("good.", 5.2, 7.0),
        Word("Yes.", 7.2, 7.8),
    ]
    assert split_sentences(words, [], 8.0) == [(0.0, 8.0)]
    assert np.allclose(split_sentences(words, [], 9.2), [(0, 4), (4, 9.2)])
    assert all(end - start >= SHORTEST for start, end in split_sentences(words, [], 9.2))


HESITANT = [
    Word("And", 0.1, 0.4),
    Word("it", 1.4, 1.6),
    Word("was...", 1.6, 2.0),
    Word("weird.", 3.2, 3.8),
    Word("Go", 4.8, 5.0),
    Word("now.", 5.0, 5.6),
]
PAUSES = (1.0, 2.6, 4.2)  # s, between its words


def test_a_sentence_goes_on_after_a_pause():
    assert split_sentences(HESITANT, PAUSES, 6.0) == [(0, 4.2), (4.2, 6)]


def test_without_words_pauses_are_ends_and_so_they_are_where_a_sentence_is_long():
    assert split_sentences([], PAUSES, 6.0) == [(0, 1), (1, 2.6), (2.6, 4.2), (4.2, 6)]
    endless = [Word("so", at, at + 0.5) for at in range(12)]
    assert split_sentences(endless, [0.7, 5.7], 12.0) == [(0, 5.7), (5.7, 12)]


def test_pauses_are_in_question_and_what_tells_of_a_cut_is_not():
    found = everywhere(0.0, 30.0)
    found.told[found.times == 6.0] = True
    spans = [(0.0, 4.0), (4.0, 6.0), (6.0, 14.0), (14.0, 20.0), (20.0, 22.0)]
    assert together(spans, found) == [spans[:2], spans[2:4], spans[4:]]
