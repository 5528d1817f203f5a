"""The last seconds of sound and frames, in whatever order their blocks arrive."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

import numpy as np

from app.media.voice import WINDOW as STEP
from app.media.voice import voice_probabilities
from app.service.live.block import Block
from models.extractors.face_detection import Faces
from models.media.clip import SAMPLE_RATE

LONGEST = 9.0  # s that a score is made of: with the silence after it no more than Whisper hears at once
KEPT = 4.0  # s at least that stay when the window is cut
MOST = 15.0  # s of sound and frames that are ever kept
PAUSE = 10  # STEPs (0.32 s) whose mean probability of a voice tells a pause
CLOSEST = 0.15  # s between frames; what lies closer is left out


@dataclass
class Frame:
    """(height, width, 3) uint8 RGB at `time` s; faces : found in it, None before it is looked at."""

    time: float
    picture: np.ndarray
    faces: Faces | None = None


class Window:
    """Holds at most MOST seconds; frees what is before it. Not for several threads at once.

    begin : seconds since the stream began
    frames : in the order of their times
    """

    def __init__(self) -> None:
        self.begin = 0.0
        self.frames: list[Frame] = []
        self._first = 0  # sample of the stream that `_sound` begins with
        self._sound = np.zeros(0, np.float32)

    def put(self, block: Block) -> None:
        """Sound that is missing between blocks is silence until it comes; what is heard again replaces it."""
        first = max(0, round(block.start * SAMPLE_RATE))
        if len(block.sound):
            self._put_sound(first, block.sound)
        for time, picture in block.frames:
            near = any(abs(time - frame.time) < CLOSEST for frame in self.frames)
            if self.begin <= time <= block.at + 1 and not near:
                insort(self.frames, Frame(time, picture), key=lambda frame: frame.time)
        self.forget_before(self.end - MOST)

    @property
    def end(self) -> float:
        """Of the sound and of the frames."""
        return max(self.sound_end, self.frames[-1].time if self.frames else 0.0)

    @property
    def sound_end(self) -> float:
        """Seconds since the stream began, 0 without sound."""
        return (self._first + len(self._sound)) / SAMPLE_RATE if len(self._sound) else 0.0

    @property
    def sound(self) -> np.ndarray:
        """(n,) float32 of 16 kHz from `begin`; a copy."""
        return self._sound[max(0, round(self.begin * SAMPLE_RATE) - self._first) :].copy()

    def forget_before(self, second: float) -> None:
        """Begin at `second`, where that is later than now."""
        self.begin = max(self.begin, second)
        gone = max(0, round(self.begin * SAMPLE_RATE) - self._first)
        if gone:
            self._sound, self._first = self._sound[gone:].copy(), self._first + gone
        self.frames = [frame for frame in self.frames if frame.time >= self.begin]

    def _put_sound(self, first: int, sound: np.ndarray) -> None:
        if not len(self._sound) or first - self._first > 2 * MOST * SAMPLE_RATE:
            self._sound, self._first = np.zeros(0, np.float32), max(first, round(self.begin * SAMPLE_RATE))
        skipped = max(0, self._first - first)
        place = first + skipped - self._first
        lacking = place + len(sound) - skipped - len(self._sound)
        if lacking > 0:
            self._sound = np.pad(self._sound, (0, lacking))
        self._sound[place : place + max(0, len(sound) - skipped)] = sound[skipped:]


def cut_of(sound: np.ndarray) -> float:
    """Seconds of a sound (n,) after which a window that is too long begins anew; 0 for one that is not.

    In the clearest pause of those that leave KEPT to LONGEST seconds, the last of equal ones.
    """
    if len(sound) <= LONGEST * SAMPLE_RATE:
        return 0.0
    spoken = np.convolve(voice_probabilities(sound), np.ones(PAUSE) / PAUSE, "same").round(3)
    first = int(np.ceil((len(sound) - LONGEST * SAMPLE_RATE) / STEP))
    last = int((len(sound) - KEPT * SAMPLE_RATE) / STEP)
    choice = spoken[first : last + 1]
    return (last - int(choice[::-1].argmin())) * STEP / SAMPLE_RATE
