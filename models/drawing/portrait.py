"""Paints an illustrated portrait: room, shoulders, neck, ears, face, hair, from back to front.

One head unit is half the width of the face (7 cm on a person). The origin is the point between the eyes,
x runs to the right of the picture, y downwards; the chin is near y = 1.6, the top of the skull near -1.5.
Every shape is a function of the two coordinate grids, so edges are smooth at any size.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from models.drawing import hair
from models.drawing.face import paint_face
from models.drawing.field import Grid, blend, blob, ramp
from models.drawing.looks import Expression, Person, Pose, skin_colour


def render(
    person: Person, expression: Expression, pose: Pose, width: int = 640, height: int = 360
) -> np.ndarray:
    """One picture (height, width, 3) uint8 RGB."""
    still = _grid(width, height, pose.scale)
    head = still.moved(pose.x, pose.y, pose.roll)
    body = still.moved(0.35 * pose.x, 0.35 * pose.y, 0.15 * pose.roll)

    picture = _wall(person, width, height).copy()
    window = head.window((-2.0, 2.0), (-3.0, 3.0))
    hair.paint_back(picture[window], person, head.cut(window))
    window = body.window((-6.0, 6.0), (1.6, 4.0))
    _paint_body(picture[window], person, body.cut(window))
    window = body.window((-1.3, 1.3), (0.8, 2.4))
    _paint_neck(picture[window], person, body.cut(window).moved(0.3 * pose.x, 0, 0))
    if person.hair_style not in ("long", "bob"):  # which cover the ears
        for side in (-1, 1):
            window = head.window((side - 0.4, side + 0.4), (-0.4, 0.8))
            _paint_ear(picture[window], person, head.cut(window), side)
    window = head.window((-1.4, 1.4), (-2.7, 2.1))
    near = head.cut(window)
    turned = near.turned(pose.yaw, pose.pitch)
    paint_face(picture[window], person, expression, near, turned)
    hair.paint_front(picture[window], person, near, turned)
    vignette = 1 - 0.10 * ((still.x / still.x.max()) ** 2 + (still.y / still.y.max()) ** 2)
    return (np.clip(picture * vignette[..., None], 0, 1) * 255 + 0.5).astype(np.uint8)


@lru_cache(maxsize=1)
def _wall(person: Person, width: int, height: int) -> np.ndarray:
    """A softly lit room, out of focus: (height, width, 3)."""
    grid = _grid(width, height, 1.0)
    glow = np.exp(-((grid.x + 1.6) ** 2 + (grid.y + 1.2) ** 2) / 6)
    picture = np.array(person.wall, np.float32) * (0.62 + 0.5 * glow[..., None])
    rng = np.random.default_rng(person.seed + 11)
    for _ in range(9):
        x, y, radius = rng.uniform(-3.8, 3.8), rng.uniform(-2.0, 1.4), rng.uniform(0.15, 0.5)
        disc = ramp(radius + 0.12, radius - 0.12, np.hypot(grid.x - x, grid.y - y))
        picture += 0.045 * disc[..., None] * np.array([1.0, 0.95, 0.85], np.float32)
    return picture


def _grid(width: int, height: int, scale: float) -> Grid:
    unit = height / 4.15 * scale
    xs = (np.arange(width, dtype=np.float32) - width / 2) / unit
    ys = (np.arange(height, dtype=np.float32) - height * 0.445) / unit
    return Grid(*np.meshgrid(xs, ys), unit)


def _paint_body(picture: np.ndarray, person: Person, grid: Grid) -> None:
    """Shoulders in a jersey."""
    x, y = grid.x, grid.y
    top = 1.80 + 0.17 * np.abs(x) ** 1.2 + 0.9 * ramp(1.9, 2.8, np.abs(x)) ** 2
    collar = 1.84 + 0.36 * np.sqrt(np.clip(1 - (x / 0.72) ** 2, 0, 1))
    mask = grid.edge(y - np.where(np.abs(x) < 0.72, np.maximum(top, collar), top))
    tone = 0.80 + 0.30 * np.exp(-((x + 1.1) ** 2) / 1.2) - 0.22 * ramp(0.6, 2.4, x)
    tone -= 0.25 * np.exp(-((y - top) ** 2) / 0.02) * ramp(-0.5, 1.5, x)
    folds = 0.05 * np.sin(3.0 * x + 2.2 * y + person.seed) * np.sin(1.3 * x - 3.1 * y)
    rib = 0.10 * np.exp(-(((y - collar - 0.07) / 0.05) ** 2)) * (np.abs(x) < 0.75)
    shade = (tone + folds + rib - 0.30 * blob(grid, 0.15, 2.1, 0.7, 0.25))[..., None]
    blend(picture, mask, np.array(person.shirt, np.float32) * shade)


def _paint_neck(picture: np.ndarray, person: Person, grid: Grid) -> None:
    x, y = grid.x, grid.y
    half = 0.50 + 0.14 * person.jaw + 0.40 * ramp(1.55, 2.15, y) ** 2
    collar = 1.88 + 0.36 * np.sqrt(np.clip(1 - (x / 0.74) ** 2, 0, 1))
    mask = grid.edge(half - np.abs(x)) * grid.edge(y - 0.9) * grid.edge(collar - y)
    tone = 0.86 - 0.30 * (x / half) - 0.25 * (x / half) ** 2
    tone -= 0.50 * np.exp(-(((y - 1.55 + 0.30 * x**2) / 0.30) ** 2))  # the jaw's shadow
    tone += 0.07 * blob(grid, -0.12, 2.02, 0.1, 0.2) - 0.06 * blob(grid, 0.1, 2.05, 0.1, 0.2)
    blend(picture, mask, skin_colour(person, np.clip(tone, 0.2, 1.1)))


def _paint_ear(picture: np.ndarray, person: Person, grid: Grid, side: int) -> None:
    x, y = (grid.x * side - 1.00) / 0.16, (grid.y - 0.22 + 0.10 * (grid.x * side - 1.0)) / 0.36
    distance = np.hypot(x, y)
    tone = (0.80 if side < 0 else 0.58) - 0.28 * np.exp(-(((distance - 0.55) / 0.18) ** 2)) + 0.1 * x
    blend(picture, grid.edge((1 - distance) * 0.16), skin_colour(person, tone, flush=0.35))
