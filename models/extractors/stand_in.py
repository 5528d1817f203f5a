"""Vision states -> a drawn stand-in that performs the expression: what an imagined face is seen through.

A state says which emotions a face shows, not whose face it is: the stand-in is grey, hairless and always the
same, so that nobody takes it for the speaker. The drawing is made by rule; nothing in it is learned.
"""

from __future__ import annotations

import math
from dataclasses import astuple, replace

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.drawing.looks import Expression, Person, Pose
from models.drawing.portrait import render
from models.extractors.vision import EMOTIONS

MOST_FRAMES = 24  # of a performance
FRAME_RATE = 8  # frames a second of a performance that is short enough
LONGEST = 10.0  # seconds of a performance: with more, a frame would last longer than a blink's rhythm
BLINK_EVERY, BLINK_SECONDS = 2.8, 0.15
SWAY_SECONDS = 4  # of one turn of the head to and fro, about
WEBP_QUALITY = 80
FRAMED = Pose(y=-0.1, scale=1.46)  # from the forehead to the chin, as wide as the ears

# The facial actions typical of each emotion, by their numbers in the Facial Action Coding System (Ekman &
# Friesen 1978; EMFACS in the Investigator's Guide of 2002). How strong each is was set by eye.
EXPRESSIONS = {
    "neutral": Expression(brow_height=-0.3, lids=0.9),
    # 6 cheeks raised, 12 corners of the lips pulled up
    "happiness": Expression(smile=1.4, open=0.3, cheek=1.0, brow_height=-0.1, lids=0.8, stretch=0.3),
    # 1 + 2 brows raised, 5 upper lids raised, 26 jaw dropped
    "surprise": Expression(open=0.85, brow_height=1.2, lids=1.35),
    # 1 inner brows raised, 4 brows lowered, 15 corners of the lips pulled down
    "sadness": Expression(smile=-1.4, brow_height=-0.6, brow_slant=1.7, lids=0.75),
    # 4 brows lowered, 5 upper lids raised, 7 lids tightened, 23 lips tightened
    "anger": Expression(smile=-1.0, brow_height=-1.4, brow_slant=-1.8, lids=1.0, cheek=0.5, stretch=-0.7),
    # 9 nose wrinkled, 15 corners of the lips pulled down, 16 lower lip pulled down
    "disgust": Expression(
        smile=-1.1, open=0.2, brow_height=-1.2, brow_slant=-0.6, lids=0.55, cheek=1.0, nose=1.2
    ),
    # 1 + 2 + 4 brows raised and drawn together, 5 upper lids raised, 20 lips stretched, 26 jaw dropped
    "fear": Expression(smile=-0.6, open=0.45, brow_height=0.4, brow_slant=1.4, lids=1.35, stretch=1.0),
    # 12 or 14 on one side only: the lip's corner pulled up, or tightened
    "contempt": Expression(smile=-0.1, brow_height=-0.5, lids=0.7, skew=1.5),
}

NEUTRAL = EMOTIONS.index("neutral")

STAND_IN = Person(
    skin=(0.90, 0.90, 0.90),
    lips=(0.32, 0.32, 0.32),
    hair=(0.08, 0.08, 0.08),  # of the brows
    hair_style="none",
    iris=(0.12, 0.12, 0.12),
    shirt=(0.30, 0.30, 0.30),
    wall=(0.16, 0.16, 0.16),
    brow=1.6,
    age=0.6,
    seed=2,
)


def stand_ins(states: Tensor, size: int = 128) -> np.ndarray:
    """Pictures (T, size, size, 3) uint8 RGB of vision states (T, 10), one a step; all channels are alike."""
    return np.stack([_picture(expression, FRAMED, size) for expression in expressions(states)])


def performance(states: Tensor, seconds: float, size: int = 128) -> bytes:
    """Animated WebP, `size` pixels wide and high, that plays vision states (T, 10) over `seconds`, in a loop.

    seconds : what is longer than LONGEST is played in that time

    Between the steps the expression changes linearly. The head sways a little and the eyes blink, alike for
    all states: neither is imagined.
    """
    seconds = min(seconds, LONGEST)
    count = max(2, min(round(seconds * FRAME_RATE), MOST_FRAMES))
    steps = F.interpolate(probabilities(states).T[None], size=count, mode="linear")[0].T
    blinks = {int(time / seconds * count) for time in np.arange(BLINK_EVERY, seconds, BLINK_EVERY)}
    sways = max(1, round(seconds / SWAY_SECONDS))
    frames, starts = [], []  # starts in seconds
    for index, expression in enumerate(expressions(steps)):
        start = index * seconds / count
        if index - 1 in blinks:  # a blink is shorter than the other frames
            start = min(start, starts[-1] + BLINK_SECONDS)
        if index in blinks:
            expression = replace(expression, lids=0.05)
        turn = 2 * math.pi * sways * index / count
        pose = replace(
            FRAMED, x=0.015 * math.sin(turn), roll=0.02 * math.sin(turn), yaw=0.04 * math.cos(turn)
        )
        frames.append(_picture(expression, pose, size))
        starts.append(start)
    animation = cv2.Animation()
    animation.frames = frames
    animation.durations = np.diff(np.round(1000 * np.array([*starts, seconds]))).astype(int).tolist()
    done, encoded = cv2.imencodeanimation(".webp", animation, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
    if not done:
        raise RuntimeError("OpenCV could not write the performance as WebP.")
    return encoded.tobytes()


def expressions(states: Tensor) -> list[Expression]:
    """For each of states (T, 10), the mean of the emotions' expressions under its probabilities."""
    typical = torch.tensor([astuple(EXPRESSIONS[emotion]) for emotion in EMOTIONS])
    return [Expression(*row) for row in (probabilities(states) @ typical).tolist()]


def probabilities(states: Tensor) -> Tensor:
    """(T, 8) probabilities of states (T, 10) that may be beyond [0, 1]; neutral is what the others leave."""
    shown = states[:, : len(EMOTIONS)].detach().cpu().float().clamp(min=0)
    shown[:, NEUTRAL] = 0
    shown[:, NEUTRAL] = (1 - shown.sum(1)).clamp(min=0)
    return shown / shown.sum(1, keepdim=True)


def _picture(expression: Expression, pose: Pose, size: int) -> np.ndarray:
    """One picture (size, size, 3) uint8 RGB, made grey: shadows and mouths are drawn in colour."""
    grey = cv2.cvtColor(render(STAND_IN, expression, pose, size, size), cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
