"""When each word was said and each state of voice and face was heard or seen."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from app.service.utterance import Utterance
from models.media.clip import SAMPLE_RATE
from models.types import Modality, Sequence

KNOWN, SPREAD, ORDERED = "known", "spread", "ordered"  # how the words got their times


@dataclass(frozen=True)
class TimedWord:
    """A word as it is written.

    tokens : its states in the text modality
    start, end : seconds, or places in the order of the words where nothing has a time
    """

    text: str
    tokens: range
    start: float
    end: float


@dataclass(frozen=True)
class TimedWords:
    """The words that the text encoder read, in their order.

    timing : KNOWN where a recogniser timed them, SPREAD evenly over the voice (or the face) where they were
    typed, ORDERED where there is neither
    """

    words: list[TimedWord]
    timing: str


def seconds_of(utterance: Utterance) -> float | None:
    """Length of the utterance in seconds; None where there are words alone."""
    ends = [times.max() for m in Modality if (times := _known_times(utterance.features[m])) is not None]
    if utterance.waveform is not None:
        ends.append(len(utterance.waveform) / SAMPLE_RATE)
    if utterance.faces is not None:
        ends.append(utterance.faces.times[-1])
    return float(max(ends)) if ends else None


def state_times(utterance: Utterance, modality: Modality) -> np.ndarray:
    """Start and end (T, 2) in seconds of each state of voice or face; shares where nothing has a time."""
    sequence = utterance.features[modality]
    known = _known_times(sequence)
    return _evenly(0.0, seconds_of(utterance) or 1.0, int(sequence.lengths[0])) if known is None else known


def timed_words(utterance: Utterance) -> TimedWords:
    """The words with their tokens and times; none where the text modality is absent."""
    tokens = _tokens_of_words(utterance.transcript.text, utterance.token_spans)
    text = utterance.features.text
    if not bool(text.present[0]):
        return TimedWords([], ORDERED)
    known = _known_times(text)
    if known is not None:
        places = [
            (known[ids.start : ids.stop, 0].min(), known[ids.start : ids.stop, 1].max()) for _, ids in tokens
        ]
        timing = KNOWN
    else:
        span = _voiced_span(utterance)
        places = _evenly(*(span or (0.0, len(tokens))), len(tokens))
        timing = SPREAD if span else ORDERED
    words = [
        TimedWord(word, ids, float(start), float(end))
        for (word, ids), (start, end) in zip(tokens, places, strict=True)
    ]
    return TimedWords(words, timing)


def _tokens_of_words(transcript: str, spans: tuple[tuple[int, int], ...]) -> list[tuple[str, range]]:
    """What stands between spaces, with its tokens; without the words past the last token that was read."""
    words = []
    for word in re.finditer(r"\S+", transcript):
        ids = [
            i for i, (start, end) in enumerate(spans) if end > start and word.start() <= start < word.end()
        ]
        if ids:
            words.append((word.group(), range(ids[0], ids[-1] + 1)))
    return words


def _voiced_span(utterance: Utterance) -> tuple[float, float] | None:
    """Seconds from the first to the last state of the voice, else of the face; None without both."""
    for modality in (Modality.AUDIO, Modality.VISION):
        if bool(utterance.features[modality].present[0]):
            times = state_times(utterance, modality)
            return float(times[0, 0]), float(times[-1, 1])
    return None


def _known_times(sequence: Sequence) -> np.ndarray | None:
    """Start and end (T, 2) in seconds of the states of a present modality that has times."""
    if sequence.times is None or not bool(sequence.present[0]):
        return None
    times = sequence.times[0, : int(sequence.lengths[0])]
    return times.double().cpu().numpy() if bool(times.isfinite().all()) else None


def _evenly(start: float, end: float, count: int) -> np.ndarray:
    edges = np.linspace(start, end, count + 1)
    return np.stack([edges[:-1], edges[1:]], axis=1)
