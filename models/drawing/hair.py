"""Hair of the drawn portraits: one function a layer, one branch a style."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.drawing.field import Grid, blend, blob, ramp

if TYPE_CHECKING:
    from models.drawing.looks import Person


@lru_cache(maxsize=16)
def _noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((256, 256), dtype=np.float32)


def strands(across: np.ndarray, along: np.ndarray, seed: int) -> np.ndarray:
    """Noise in [0, 1] that varies once a unit of `across` and of `along`: stretched, it reads as hair."""
    sample = [np.mod(c, 255).astype(np.float32) for c in (across, along)]
    fine = [np.mod(c * 2.3 + 17, 255).astype(np.float32) for c in (across, along)]
    coarse = cv2.remap(_noise(seed), sample[0], sample[1], cv2.INTER_LINEAR)
    return 0.62 * coarse + 0.38 * cv2.remap(_noise(seed), fine[0], fine[1], cv2.INTER_LINEAR)


def _tint(person: Person, tone: np.ndarray) -> np.ndarray:
    """Hair colour under light `tone`: bright parts lose some saturation."""
    colour = np.array(person.hair, np.float32) * tone[..., None]
    return colour + 0.10 * np.clip(tone - 0.95, 0, 1)[..., None]


def paint_back(picture: np.ndarray, person: Person, grid: Grid) -> None:
    """What hangs behind neck and ears."""
    x, y = grid.x, grid.y
    style = person.hair_style
    if style == "curly":
        lumps = strands(np.arctan2(y + 0.4, x) * 9, np.hypot(x, y + 0.4) * 4, person.seed)
        distance = 1.50 + 0.14 * lumps - np.hypot(x, (y + 0.42) * 1.02)
        curl = strands(x * 9, y * 9, person.seed + 1)
        tone = 0.35 + 0.5 * curl + 0.35 * np.exp(-((x + 0.9) ** 2 + (y + 1.3) ** 2) / 0.7)
        blend(picture, grid.soft(distance, 0.03), _tint(person, tone * (1 - 0.35 * ramp(-0.2, 1.2, y))))
        return
    if style not in ("long", "bob"):
        return
    end = 2.75 if style == "long" else 1.30
    half = 1.16 + 0.10 * ramp(-0.6, 0.8, y) + (0.10 if style == "long" else 0.06) * ramp(0.4, 1.6, y)
    half -= 0.20 * ramp(end - 0.35, end, y)
    dome = np.clip(1 - (y / 1.60) ** 2, 0, 1) ** 0.5
    outer = np.where(y < 0, 1.20 * dome, half)
    wave = 0.035 * np.sin(4.5 * y + 2 * np.sign(x)) * ramp(0.2, 1.0, y)
    cover = (
        grid.edge(outer + wave * (y > 0) - np.abs(x))
        * (outer > 0.05)
        * grid.soft(end + 0.05 * np.cos(6 * x) - y, 0.04)
    )
    texture = strands((x + wave) * 13, y * 1.2, person.seed)
    shine = 0.30 * np.exp(-(((np.abs(x) - 1.12) / 0.12) ** 2)) * ramp(0.8, -0.6, x)
    tone = 0.30 + 0.45 * texture + shine - 0.18 * ramp(1.0, 0.5, np.abs(x))
    blend(picture, cover, _tint(person, np.clip(tone, 0.08, 1.3)))


def paint_front(picture: np.ndarray, person: Person, head: Grid, face: Grid) -> None:
    """The cap of hair above the forehead, with its shadow on the skin."""
    style = person.hair_style
    if style == "none":
        return
    if style == "bun":
        knot = 0.42 - np.hypot(head.x, (head.y + 1.62) * 1.1)
        swirl = strands(
            np.arctan2(head.y + 1.62, head.x) * 3 + 14 * np.hypot(head.x, head.y + 1.62), head.x, person.seed
        )
        tone = 0.40 + 0.40 * swirl + 0.4 * blob(head, -0.15, -1.78, 0.25, 0.15)
        blend(picture, head.edge(knot), _tint(person, tone))
    outer, hairline = _cap(style, head, face)
    x, y = face.x, face.y
    shadow = ramp(0.16, 0.0, y - hairline) * (y > hairline) * head.edge(outer - 0.03)
    if style in ("short", "crop", "bun"):  # none on the ears
        shadow = shadow * ramp(1.02, 0.9, np.abs(head.x))
    picture *= 1 - 0.28 * shadow[..., None]
    part = -0.38 if style in ("long", "bob", "short") else 0.0
    angle = np.arctan2(x - part, -(y + 0.55) + 1.2)
    distance = np.hypot(x - part, y + 1.5)
    texture = strands(angle * 34 + 2 * distance, distance * 2.2, person.seed + 2)
    if style in ("curly", "crop"):
        texture = strands(x * 13, y * 13, person.seed + 1)
    band = np.exp(-(((np.hypot(x + 0.25, y + 0.15) - 1.18) / 0.15) ** 2)) * ramp(0.9, -0.7, x)
    tone = 0.42 + 0.42 * texture + 0.42 * band * (0.6 + 0.8 * texture)
    tone -= 0.22 * ramp(0.3, 1.15, x) + 0.18 * ramp(0.12, 0.0, hairline - y)
    if part:
        tone -= 0.25 * np.exp(-(((x - part) / 0.03) ** 2)) * ramp(-0.95, -1.2, y)
    ragged = hairline + 0.05 * (texture - 0.5)
    cover = head.edge(outer) * face.soft(ragged - y, 0.022)
    blend(picture, cover, _tint(person, np.clip(tone, 0.08, 1.35)))


def _cap(style: str, head: Grid, face: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Distance inside the outer edge (H, W) and the y of the hairline (H, W), both in head units."""
    x, y = head.x, head.y
    grow = {"short": 0.13, "crop": 0.07, "bun": 0.08, "bob": 0.16, "long": 0.16, "curly": 0.10}[style]
    lift = 0.10 * np.exp(-(((x + 0.1) / 0.6) ** 2)) if style == "short" else 0.0
    vertical = np.where(y < 0, y / (1.46 + grow + lift), y / 1.9)
    outer = (1 - (np.abs(x / (1.0 + 0.75 * grow)) ** 2.3 + np.abs(vertical) ** 2.3) ** (1 / 2.3)) * 0.95
    fx = face.x
    across = np.abs(fx)
    temple = ramp(0.76, 1.00, across)
    if style in ("long", "bob"):
        sweep = -0.92 + 0.30 * np.abs(fx + 0.38) ** 1.6 + 0.10 * ramp(-0.38, -0.9, fx)
        reach = 2.6 if style == "long" else 1.2
        hairline = sweep + reach * ramp(0.72, 1.06, across) ** 2
        half = np.where(y > 0, 1.16, 1.0 + 0.75 * grow)
        outer = np.where(y > 0, half - np.abs(x), outer)
        outer = np.minimum(outer, (1.9 if style == "long" else 1.25) - y)
        return outer, hairline
    if style == "curly":
        hairline = -0.80 + 0.22 * across**2 + 1.05 * temple**1.6
        return outer, hairline + 0.03 * np.sin(15 * fx)
    base = -0.94 if style == "short" else -0.98
    corner = -0.10 * np.exp(-(((across - 0.62) / 0.16) ** 2))  # the receding corners of the forehead
    side = 1.15 if style in ("short", "crop") else 0.75
    hairline = base + 0.12 * across**2 + corner + (0.08 * np.sin(3 * fx + 1) if style == "short" else 0)
    return outer, hairline + side * temple**1.8
