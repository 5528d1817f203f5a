"""How a drawn person acts: expression and pose of every frame, led by the loudness of the voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from drawing.looks import REST, Expression, Pose

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
    loudness = _loudness(speech, rate, count) if speech is not None else np.zeros(count)
    blinks = np.cumsum(rng.uniform(1.9, 3.1, 8)) - rng.uniform(0.2, 1.2)
    phases = rng.uniform(0, 2 * np.pi, 6)
    for index in range(count):
        t = index / FRAME_RATE
        onset = np.clip((t - 0.15) / ONSET_SECONDS, 0, 1)
        share = onset * onset * (3 - 2 * onset) * (0.94 + 0.06 * np.sin(1.7 * t + phases[0]))
        face = _between(REST, peak, share)
        blink = max(np.clip(1 - abs(t - b) / (BLINK_SECONDS / 2), 0, 1) for b in blinks)
        jaw = loudness[index] * (0.75 + 0.25 * np.sin(23 * t + phases[1]))
        yield (
            replace(
                face,
                open=float(np.clip(face.open + 0.42 * jaw, 0, 1)),
                lids=float(face.lids * (1 - blink)),
                brow_height=face.brow_height + 0.12 * float(loudness[index]),
                gaze=0.25 * float(np.sin(0.8 * t + phases[2])),
            ),
            Pose(
                x=0.03 * float(np.sin(1.3 * t + phases[3])),
                y=0.015 * float(np.sin(2.1 * t + phases[4])) + 0.02 * float(loudness[index]),
                roll=0.035 * float(np.sin(0.9 * t + phases[5])),
                yaw=0.09 * float(np.sin(1.1 * t + phases[1])),
                pitch=0.03 * float(np.sin(1.6 * t + phases[2])) + 0.02 * float(loudness[index]),
            ),
        )


def _loudness(speech: np.ndarray, rate: int, count: int) -> np.ndarray:
    """(count,) loudness of each frame in [0, 1], smoothed over three frames."""
    step = rate // FRAME_RATE
    padded = np.pad(speech, (0, max(0, count * step - len(speech))))[: count * step]
    level = np.sqrt((padded.reshape(count, step) ** 2).mean(1))
    level = np.convolve(level, [0.25, 0.5, 0.25], mode="same")
    return np.clip(level / np.quantile(level, 0.95), 0, 1)


def _between(start: Expression, end: Expression, share: float) -> Expression:
    """The expression a `share` of the way from `start` to `end`."""
    return Expression(
        **{name: (1 - share) * value + share * getattr(end, name) for name, value in vars(start).items()}
    )
