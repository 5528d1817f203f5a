"""One utterance along time: words, pitch, loudness, what voice and face say, and what each part adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.service.occlusion import (
    Part,
    contributions,
    parts_of_time,
    parts_of_words,
    window_for,
    words_in_a_part,
)
from app.service.subsets import Subset
from app.service.utterance import Utterance
from app.service.word_timing import TimedWords, seconds_of, state_times, timed_words
from models.checkpoint import Checkpoint
from models.extractors import audio, vision
from models.extractors.pitch import pitch_of
from models.extractors.vision import EMOTIONS
from models.media.clip import SAMPLE_RATE
from models.types import Modality

if TYPE_CHECKING:
    from models.extractors.profile import Profile

HOP = 160  # samples, 10 ms, between two readings of pitch and loudness
FRAME = HOP / SAMPLE_RATE
SILENT = 1e-5  # RMS that counts as -100 dB
MOST_POINTS = 600  # of a curve, as many as a wide screen can show


@dataclass(frozen=True)
class Curve:
    """Readings over time; a gap is NaN.

    times : (n,) seconds; values : (n,)
    """

    times: np.ndarray
    values: np.ndarray

    def thinned(self) -> Curve:
        """The same curve with at most MOST_POINTS points."""
        step = -(-len(self.times) // MOST_POINTS)
        return Curve(self.times[::step], self.values[::step])


@dataclass(frozen=True)
class FaceStates:
    """What the face says, picture by picture.

    valence : in [-3, 3], expected under the emotions' probabilities; emotions : the likeliest of each picture
    """

    valence: Curve
    emotions: list[str]


@dataclass(frozen=True)
class Contribution:
    """What one part adds to the score: the score less what it is without the part.

    value : None where nothing is left to score without it; start, end : as in `Part`
    """

    start: float
    end: float
    value: float | None


@dataclass(frozen=True)
class Timeline:
    """What is known along time; everything that the utterance lacks is None or empty.

    seconds : length of the time axis; None where nothing has a time, then a word is one step
    score : of the used modalities; parts : how many were taken out; window : seconds of one of voice or face
    contributions : {used modality: its parts in order}; a part of TEXT stands for the next `words_together`
    of `spoken.words`
    pitch : Hz; loudness : dB of full scale
    voice, face : what they say by themselves, None where the profile's states do not tell
    """

    seconds: float | None
    spoken: TimedWords
    score: float
    window: float
    words_together: int
    contributions: dict[Modality, list[Contribution]]
    pitch: Curve | None
    loudness: Curve | None
    voice: Curve | None
    face: FaceStates | None

    @property
    def parts(self) -> int:
        """How many parts were taken out, one at a time."""
        return sum(len(parts) for parts in self.contributions.values())

    def of_word(self, index: int) -> Contribution | None:
        """The part that a word belongs to; None where the words are not used."""
        parts = self.contributions.get(Modality.TEXT)
        return parts[index // self.words_together] if parts else None

    def words_of(self, part: int) -> str:
        """The words of a part of TEXT."""
        first = part * self.words_together
        return " ".join(word.text for word in self.spoken.words[first : first + self.words_together])


def read_timeline(utterance: Utterance, checkpoint: Checkpoint, used: Subset, profile: Profile) -> Timeline:
    """The timeline of an utterance under the checkpoint's method and the modalities `used`.

    profile : its text encoder reads the words that are left
    """
    seconds, spoken = seconds_of(utterance), timed_words(utterance)
    wave = utterance.waveform
    heard, seen = (m in utterance.present for m in (Modality.AUDIO, Modality.VISION))
    parts, window = parts_of(utterance, used, spoken, seconds)
    features = utterance.features.only(used)
    score, values = contributions(checkpoint.model, features, parts, profile.read_tokens)
    by_modality: dict[Modality, list[Contribution]] = {m: [] for m in used}
    for part, value in zip(parts, values, strict=True):
        by_modality[part.modality].append(Contribution(part.start, part.end, value))
    loudness = pitch = None
    if heard and wave is not None:
        loudness = loudness_of(wave)
        pitch = Curve(loudness.times, pitch_of(wave)[: len(loudness.times)]).thinned()
        loudness = loudness.thinned()
    return Timeline(
        seconds=seconds,
        spoken=spoken,
        score=score,
        window=window,
        words_together=words_in_a_part(len(spoken.words), int(utterance.features.text.lengths[0])),
        contributions=by_modality,
        pitch=pitch,
        loudness=loudness,
        voice=_voice(utterance) if heard and profile.interpretable else None,
        face=_face(utterance) if seen and profile.interpretable else None,
    )


def parts_of(
    utterance: Utterance, used: Subset, spoken: TimedWords, seconds: float | None
) -> tuple[list[Part], float]:
    """Words and windows of the used modalities, and the seconds of a window."""
    words = spoken.words if Modality.TEXT in used else []
    parts = parts_of_words(words, int(utterance.features.text.lengths[0]))
    tracks = [m for m in (Modality.AUDIO, Modality.VISION) if m in used]
    window = window_for(seconds or 1.0, len(tracks), len(parts))
    for modality in tracks:
        parts += parts_of_time(modality, state_times(utterance, modality), window)
    return parts, window


def loudness_of(waveform: np.ndarray) -> Curve:
    """Root mean square of each 10 ms of a 16 kHz waveform (n,), in dB of full scale."""
    blocks = waveform[: len(waveform) // HOP * HOP].reshape(-1, HOP)
    root = np.sqrt((blocks.astype(np.float64) ** 2).mean(axis=1))
    times = FRAME * (np.arange(len(root)) + 0.5)
    return Curve(times, 20 * np.log10(np.maximum(root, SILENT)))


def _voice(utterance: Utterance) -> Curve:
    sequence = utterance.features.audio
    values = sequence.values[0, : int(sequence.lengths[0]), audio.VALENCE]
    return Curve(state_times(utterance, Modality.AUDIO).mean(axis=1), values.double().cpu().numpy())


def _face(utterance: Utterance) -> FaceStates:
    sequence = utterance.features.vision
    states = sequence.values[0, : int(sequence.lengths[0])].double().cpu().numpy()
    times = state_times(utterance, Modality.VISION).mean(axis=1)
    seen = [EMOTIONS[i] for i in states[:, : len(EMOTIONS)].argmax(axis=1)]
    return FaceStates(Curve(times, states[:, vision.VALENCE]), seen)
