"""Where a recording is cut into utterances: where voice or shot change, in pauses, at ends of sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from app.media.voice import WINDOW as HEARD
from app.media.voice import voice_probabilities
from models.extractors.speaker import WINDOW, SpeakerEncoder
from models.media.clip import FRAME_RATE, SAMPLE_RATE, Clip, Word

Span = tuple[float, float]  # s of its start and its end
STEP = 1 / FRAME_RATE  # s; cuts lie between two frames that are kept
SHORTEST, LONGEST = 2.0, 15.0  # s of an utterance; shorter ones only where somebody says no more
SPLIT = 8.0  # s; what is longer is cut at the ends of its sentences too
SILENT = 0.4  # probability of a voice below which it is a pause
PAUSE = 0.8  # s of a pause that counts in full
LONG_PAUSE = 2.0  # s of one that is an end whatever the words say
LEAST_PAUSE = 0.1  # s of one in which voices are compared
UNTOLD = 4  # moments (0.8 s) from one comparison of voices to the next where nothing else tells of a cut
NEAR = STEP / 2 + 0.05  # s between a moment of the grid and what happens there
SHOT = 12.0  # mean change of a thumbnail's grey levels, of 255, from one frame to the next ...
STANDS_OUT = 4.0  # ... and as many times the median change of the recording
SAME_VOICE, OTHER_VOICE = 0.25, 0.5  # cosine distances of 1.6 s before and after
LIKELY_OTHER = 0.5  # of the way from the one to the other
NEAR_WORD = 0.3  # s between a pause and the words around it
LEAST_SOUND = SAMPLE_RATE // 4  # samples on either side that have a voice to compare
# Log odds of a cut, by hand on three recordings of six speakers (`tests/benchmarks/recordings.py` measures
# the others): nothing speaks for it; a pause, another shot, another voice; in the midst of speech.
NOTHING, FOR_PAUSE, FOR_SHOT, FOR_VOICE, IN_SPEECH = -3.0, 3.6, 2.5, 3.0, -6.0
TOO_SHORT = -2.0  # for each second that an utterance falls short of SHORTEST
SENTENCE_ENDS = (".", "?", "!", "。", "？", "！")
HESITATION = ("...", "…")  # of a word after which a sentence goes on


@dataclass(frozen=True)
class Moments:
    """The places where a stretch of a recording could be cut, and what speaks for it.

    times : (n,) s from its start, every STEP; worth : (n,) log odds of a cut
    told : (n,) whether another shot, another voice or a long pause tells of it, no mere pause
    """

    times: np.ndarray
    worth: np.ndarray
    told: np.ndarray


def moments(clip: Clip, speakers: SpeakerEncoder) -> Moments:
    """What pauses, shots and voices say of every moment of a clip."""
    times = np.arange(1, int(clip.duration / STEP)) * STEP
    shots = _shots(clip, times)
    if clip.audio is None:
        return Moments(times, NOTHING + FOR_SHOT * shots + FOR_PAUSE / 2, np.ones(len(times), bool))
    pauses = _pauses(clip.audio, times)
    worth = NOTHING + FOR_PAUSE * np.minimum(1, pauses / PAUSE) + FOR_SHOT * shots
    worth[(pauses < LEAST_PAUSE) & ~shots] = IN_SPEECH
    worth = _peaks(worth, shots)
    if clip.frames is None:  # without shots another voice alone tells, wherever it begins
        near = np.convolve(worth > IN_SPEECH, np.ones(2 * UNTOLD + 1), "same") > 0
        regular = np.arange(len(times)) % UNTOLD == 0
        worth[regular & ~near] = NOTHING
    likely = np.flatnonzero(worth > IN_SPEECH)
    others = np.zeros(len(times))
    others[likely] = _voices(clip.audio, times[likely], speakers)
    told = shots | (others > LIKELY_OTHER) | (pauses >= LONG_PAUSE)
    return Moments(times, worth + FOR_VOICE * others, told)


def cut(found: Moments, duration: float) -> list[Span]:
    """(start, end) of utterances that cover `duration` s, by the likeliest cuts; each at most LONGEST."""
    times = np.concatenate([[0.0], found.times[found.times < duration], [duration]])
    worth = np.concatenate([[0.0], found.worth[: len(times) - 2], [0.0]])
    best = np.full(len(times), -np.inf)
    best[0], before = 0.0, np.zeros(len(times), int)
    for i in range(1, len(times)):
        first = int(np.searchsorted(times, times[i] - LONGEST - 1e-6))
        lengths = times[i] - times[first:i]
        totals = best[first:i] + worth[i] + TOO_SHORT * np.maximum(0, SHORTEST - lengths)
        before[i] = first + int(totals.argmax())
        best[i] = totals.max()
    ends = [len(times) - 1]
    while ends[-1]:
        ends.append(int(before[ends[-1]]))
    return [(float(times[a]), float(times[b])) for b, a in pairwise(ends)][::-1]


def together(spans: Sequence[Span], found: Moments) -> list[list[Span]]:
    """The spans in groups of at most LONGEST s, whose parts nothing but pauses divides."""
    told = {*found.times[found.told].tolist()}
    groups = [[spans[0]]]
    for span in spans[1:]:
        if span[0] in told or span[1] - groups[-1][0][0] > LONGEST:
            groups.append([])
        groups[-1].append(span)
    return groups


def split_sentences(words: Sequence[Word], pauses: Sequence[float], duration: float) -> list[Span]:
    """(start, end) of the sentences in `duration` s of speech.

    words : recognised; pauses : s at which it could be cut, in which a sentence may go on or not
    A sentence ends in a pause; one of the others too, where more than SPLIT s are left, and the other way
    round. Without words every pause is an end.
    """
    if not words:
        return list(pairwise([0.0, *pauses, duration]))
    ends = [0.0]
    for word, following in pairwise(words):
        if not word.text.endswith(SENTENCE_ENDS) or word.text.endswith(HESITATION):
            continue
        at = round((word.end + following.start) / 2 / STEP) * STEP
        pause = min(pauses, key=lambda pause: abs(pause - at), default=-np.inf)
        if word.end - NEAR_WORD <= pause <= following.start + NEAR_WORD:
            ends.append(pause)
        elif min(at - ends[-1], duration - at) >= SHORTEST and duration - ends[-1] > SPLIT:
            ends.append(at)
    for pause in pauses:
        before = max(end for end in ends if end <= pause)
        after = min(end for end in [*ends, duration] if end > pause)
        if after - before > SPLIT and min(pause - before, after - pause) >= SHORTEST:
            ends.append(pause)
    return list(pairwise([*sorted({*ends}), duration]))


def _peaks(worth: np.ndarray, shots: np.ndarray) -> np.ndarray:
    """The same, with one moment of each shot, and of each pause without any, above IN_SPEECH: the best."""
    peaks = np.full(len(worth), IN_SPEECH)
    for pause in _runs(worth > IN_SPEECH):
        for run in list(_runs(shots[pause])) or [slice(None)]:
            place = np.arange(pause.start, pause.stop)[run]
            best = place[worth[place] == worth[place].max()]
            peaks[best[len(best) // 2]] = worth[best[0]]
    return peaks


def _runs(flags: np.ndarray) -> Iterator[slice]:
    """Where (n,) flags are set one after the other."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags, [0]])))
    return (slice(first, last) for first, last in edges.reshape(-1, 2).tolist())


def _pauses(audio: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(n,) s of the pause around each time, 0 within speech."""
    pauses = np.zeros(len(times))
    for run in _runs(voice_probabilities(audio) < SILENT):
        first, last = run.start * HEARD / SAMPLE_RATE, run.stop * HEARD / SAMPLE_RATE
        around = (times >= first - NEAR) & (times <= last + NEAR)
        pauses[around] = np.maximum(pauses[around], last - first)
    return pauses


def _shots(clip: Clip, times: np.ndarray) -> np.ndarray:
    """(n,) whether the picture becomes another one at each time."""
    shots = np.zeros(len(times), bool)
    if clip.frames is None or clip.frame_times is None or len(clip.frames) < 2:
        return shots
    thumbnails = [cv2.resize(frame, (16, 9), interpolation=cv2.INTER_AREA) for frame in clip.frames]
    change = np.abs(np.diff(np.stack(thumbnails).astype(np.float32), axis=0)).mean((1, 2, 3))
    for number in np.flatnonzero(change > max(SHOT, STANDS_OUT * float(np.median(change)))):
        middle = (clip.frame_times[number] + clip.frame_times[number + 1]) / 2
        shots |= np.abs(times - middle) <= NEAR
    return shots


def _voices(audio: np.ndarray, times: np.ndarray, speakers: SpeakerEncoder) -> np.ndarray:
    """(n,) how much another voice speaks after each time than before, 0 for the same, 1 for another."""
    sounds, asked = [], []
    for number, time in enumerate(times):
        at = round(time * SAMPLE_RATE)
        sides = audio[max(0, at - WINDOW) : at], audio[at : at + WINDOW]
        if min(map(len, sides)) >= LEAST_SOUND:
            sounds += sides
            asked.append(number)
    differs = np.zeros(len(times))
    if asked:
        before, after = speakers.embed(sounds).reshape(-1, 2, speakers.dim).transpose(1, 0, 2)
        distance = 1 - (before * after).sum(1)
        differs[asked] = np.clip((distance - SAME_VOICE) / (OTHER_VOICE - SAME_VOICE), 0, 1.2)
    return differs
