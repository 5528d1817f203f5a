"""How a drawn person acts: expression and pose of every frame, led by the loudness of the voice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from models.drawing.looks import REST, Expression, Pose

FRAME_RATE = 25  # frames a second
BLINK_SECONDS = 0.22
ONSET_SECONDS = 0.9  # from the resting face to the full expression


def perform(
    peak: Expression, seconds: float, speech: np.ndarray | None, rate: int, seed: int
) -> Iterator[tuple[Expression, Pose]]:
    """Frames of a person who moves from rest to `peak` while speaking `speech` (n,) at `rate` Hz.

    The jaw follows the loudness; the head sways and nods a little; the eyes blink every two to three seconds.
    """
    rng = np.random.default_rng(seed)
    count = round(seconds * FRAME_RATE)
    loudness = _loudness(speech, rate, count) if speech is not None else [0.0] * count
    blinks = (np.cumsum(rng.uniform(1.9, 3.1, 8)) - rng.uniform(0.2, 1.2)).tolist()
    phases = rng.uniform(0, 2 * math.pi, 6).tolist()

    def sway(frequency: float, phase: int) -> float:
        return math.sin(frequency * t + phases[phase])

    for index in range(count):
        t = index / FRAME_RATE
        onset = min(max((t - 0.15) / ONSET_SECONDS, 0.0), 1.0)
        face = _between(REST, peak, onset * onset * (3 - 2 * onset) * (0.94 + 0.06 * sway(1.7, 0)))
        blink = max(0.0, 1 - min(abs(t - b) for b in blinks) / (BLINK_SECONDS / 2))
        jaw = loudness[index] * (0.75 + 0.25 * sway(23, 1))
        yield (
            replace(
                face,
                open=min(face.open + 0.42 * jaw, 1.0),
                lids=face.lids * (1 - blink),
                brow_height=face.brow_height + 0.12 * loudness[index],
                gaze=0.25 * sway(0.8, 2),
            ),
            Pose(
                x=0.03 * sway(1.3, 3),
                y=0.015 * sway(2.1, 4) + 0.02 * loudness[index],
                roll=0.035 * sway(0.9, 5),
                yaw=0.09 * sway(1.1, 1),
                pitch=0.03 * sway(1.6, 2) + 0.02 * loudness[index],
            ),
        )


def _loudness(speech: np.ndarray, rate: int, count: int) -> list[float]:
    """Loudness of each of `count` frames in [0, 1], smoothed over three."""
    step = rate // FRAME_RATE
    padded = np.pad(speech, (0, max(0, count * step - len(speech))))[: count * step]
    level = np.sqrt((padded.reshape(count, step) ** 2).mean(1))
    level = np.convolve(level, [0.25, 0.5, 0.25], mode="same")
    return np.clip(level / np.quantile(level, 0.95), 0, 1).tolist()


def _between(start: Expression, end: Expression, share: float) -> Expression:
    """The expression a `share` of the way from `start` to `end`."""
    return Expression(
        **{name: (1 - share) * value + share * getattr(end, name) for name, value in vars(start).items()}
    )
