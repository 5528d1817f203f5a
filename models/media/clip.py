"""A decoded clip, or why there is none; and nothing about how a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

FRAME_RATE = 5.0  # frames a second, sampled by time stamp
SAMPLE_RATE = 16_000  # Hz, mono
MAX_SECONDS = 120.0  # longer clips are cut


class InputError(ValueError):
    """What somebody gave cannot be used.

    The message is plain English for that person; `code` and `values` let a page translate it.
    """

    def __init__(self, code: str, text: str, **values: str | float | int) -> None:
        super().__init__(text)
        self.code = code
        self.values = values

    def __reduce__(self) -> tuple:
        return partial(type(self), **self.values), (self.code, str(self))  # into another process


class MediaError(InputError):
    """A file that cannot be analysed."""


@dataclass(frozen=True)
class Word:
    """A recognised word with its start and end in seconds from the start of the clip."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Clip:
    """What decoding gives; a stream the file lacks is None.

    frames : (N, H, W, 3) uint8 RGB, upright, longer side at most 480 pixels, or None; where the size changes
        midway, each frame keeps its own proportions, in the middle of a black canvas that holds the largest
    frame_times : (N,) float64, seconds from the start of the clip, or None
    audio : (n,) float32 in [-1, 1], 16 kHz mono, or None
    duration : seconds kept, at most MAX_SECONDS
    truncated : True where the file was longer than that
    whole : seconds of the whole file as its header has them, None where it does not say
    damaged : True where a part of the file could not be decoded, or its end is missing: clearly less was read
        than its header or the sizes of its parts promise
    """

    frames: np.ndarray | None
    frame_times: np.ndarray | None
    audio: np.ndarray | None
    duration: float
    truncated: bool = False
    damaged: bool = False
    whole: float | None = None
