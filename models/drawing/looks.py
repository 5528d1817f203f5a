"""What a drawn person looks like, does with the face, and how the head is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]  # RGB in [0, 1]


@dataclass(frozen=True)
class Person:
    """Looks of one drawn person.

    hair_style : "short", "crop", "bun", "bob", "long", "curly" or "none"
    brow : thickness, 1 is usual; jaw : 0 narrow … 1 wide; beard : 0 none … 1 full
    age : 0 … 1, depth of the folds; seed : of the strands of hair and the lights in the room
    """

    skin: Colour
    lips: Colour
    hair: Colour
    hair_style: str
    iris: Colour
    shirt: Colour
    wall: Colour
    brow: float = 1.0
    jaw: float = 0.5
    beard: float = 0.0
    age: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Expression:
    """Muscles of the face; a little beyond these ranges is exaggerated.

    smile : -1 frown … 1 smile; open : mouth, 0 closed … 1; cheek : 0 … 1 raised
    brow_height : -1 … 1; brow_slant : 1 lifts the inner ends (sad), -1 knits them (angry)
    lids : 0 closed … 1 open; gaze : -1 left … 1 right
    nose : 0 … 1 wrinkled, with the upper lip pulled up; stretch : lips, -1 tightened … 1 drawn wide
    skew : corner of the mouth raised on one side, -1 left … 1 right in the picture
    """

    smile: float = 0.0
    open: float = 0.0
    brow_height: float = 0.0
    brow_slant: float = 0.0
    lids: float = 1.0
    cheek: float = 0.0
    gaze: float = 0.0
    nose: float = 0.0
    stretch: float = 0.0
    skew: float = 0.0


REST = Expression(smile=0.05)


@dataclass(frozen=True)
class Pose:
    """How the head is held.

    x, y : head units; roll : radians; scale : 1 is usual
    yaw, pitch : how far the middle of the face shifts when the head turns, head units, about -0.2 … 0.2
    """

    x: float = 0.0
    y: float = 0.0
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    scale: float = 1.0


def skin_colour(person: Person, tone: np.ndarray, flush: np.ndarray | float = 0.0) -> np.ndarray:
    """Colour (…, 3) of skin under light `tone` (…), about 0 … 1.2.

    Shadows turn warm; `flush` (0 … 1) adds blood.
    """
    tone = np.asarray(tone, np.float32)[..., None]
    flush = np.asarray(flush, np.float32)[..., None]
    skin = np.array(person.skin, np.float32)
    warm = np.array([1.0, 0.80, 0.70], np.float32) ** (1.6 * np.clip(1 - tone, 0, 1))
    blood = np.array([1.0, 0.80, 0.78], np.float32) ** (flush * 1.3)
    return skin * tone * warm * blood
