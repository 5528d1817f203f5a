"""Eyes and brows."""

from __future__ import annotations

import numpy as np

from models.drawing import hair
from models.drawing.field import Grid, blend, ramp
from models.drawing.looks import Expression, Person, skin_colour

EYE_X, EYE_HALF = 0.45, 0.245  # centre from the middle of the face, and half the width of the opening
CATCHLIGHT = np.array([1.0, 1.0, 0.98], np.float32)


def paint_eye(
    face: np.ndarray, person: Person, expression: Expression, grid: Grid, side: int, tone: np.ndarray
) -> None:
    """Almond between two lids; an eyeball with iris and catchlight; lashes; crease."""
    x, y = grid.x - side * EYE_X, grid.y
    u = x * side / EYE_HALF  # -1 at the inner corner, 1 at the outer
    arc = np.clip(1 - np.abs(u) ** 2.2, 0, 1)
    tilt = -0.022 * u
    sad = max(expression.brow_slant, 0.0)
    lower = tilt + (0.072 - 0.040 * expression.cheek) * arc
    raised = tilt - (0.125 + 0.02 * expression.brow_height - 0.02 * sad) * arc * (1 - 0.12 * u)
    upper = lower + (raised - lower) * expression.lids
    inside = grid.edge(y - upper) * grid.edge(lower - y) * grid.edge((1 - np.abs(u)) * 0.2)

    lid = ramp(0.10, 0.0, np.abs(y - upper + 0.03)) * arc
    face *= 1 - 0.10 * lid[..., None]
    ix, iy = x - 0.06 * expression.gaze, y + 0.018
    r = np.hypot(ix, iy)
    ball = (
        0.95
        - 0.30 * np.abs(u) ** 2.5
        - 0.42 * ramp(0.085, 0.0, y - upper)
        - 0.10 * ramp(0.03, 0.0, lower - y)
    )
    light = np.clip(0.35 + 0.75 * tone, 0, 1.05)
    white = np.array([0.93, 0.91, 0.89], np.float32) * (ball * light)[..., None]
    rays = 0.85 + 0.25 * hair.strands(np.arctan2(iy, ix) * 6, r * 4, person.seed)
    iris = np.array(person.iris, np.float32) * (rays * (0.55 + 0.75 * ramp(-0.08, 0.09, iy)))[..., None]
    iris *= (1 - 0.65 * ramp(0.080, 0.106, r))[..., None]
    eye = white
    blend(eye, grid.edge(0.104 - r), iris * np.clip(ball + 0.15, 0, 1)[..., None])
    blend(eye, grid.edge(0.043 - r), np.array([0.03, 0.02, 0.02], np.float32))
    blend(eye, 0.95 * ramp(0.028, 0.014, np.hypot(ix + 0.032, iy + 0.034)), CATCHLIGHT)
    blend(eye, 0.30 * ramp(0.020, 0.008, np.hypot(ix - 0.034, iy - 0.036)), CATCHLIGHT)
    blend(eye, ramp(-0.80, -1.0, u) * 0.7, skin_colour(person, 0.8 * light, 1.0))  # the pink inner corner
    blend(face, inside, eye)

    span = ramp(1.10, 0.95, np.abs(u))
    lashes = np.exp(-(((y - upper + 0.008) / (0.017 + 0.006 * np.clip(u, 0, 1))) ** 2)) * span
    lower_lashes = 0.35 * np.exp(-(((y - lower - 0.006) / 0.014) ** 2)) * span
    ink = np.array(person.hair, np.float32) * 0.25 * np.array([1.0, 0.85, 0.8]) + 0.02
    blend(face, np.clip(0.92 * lashes + lower_lashes, 0, 1), ink.astype(np.float32))
    crease = np.exp(-(((y - raised + 0.058) / 0.016) ** 2)) * ramp(1.15, 0.7, np.abs(u))
    face *= 1 - 0.26 * crease[..., None]


def paint_brow(face: np.ndarray, person: Person, expression: Expression, grid: Grid, side: int) -> None:
    x, y = grid.x * side, grid.y
    t = (x - 0.17 + 0.03 * max(-expression.brow_slant, 0.0)) / 0.58
    inner = np.clip(1 - t, 0, 1.2)
    centre = -0.300 - 0.10 * np.sin(np.pi * np.clip(0.08 + 0.72 * t, 0, 1)) + 0.06 * ramp(0.55, 1.0, t)
    centre -= 0.11 * expression.brow_height + 0.15 * expression.brow_slant * (inner**1.5 - 0.25)
    thick = (0.060 * person.brow) * (1 - 0.62 * ramp(0.35, 1.0, t)) * (0.75 + 0.25 * ramp(0, 0.2, t))
    body = ramp(1.25, 0.45, np.abs(y - centre) / thick) * ramp(-0.02, 0.10, t) * ramp(1.02, 0.88, t)
    strokes = hair.strands((x * 0.9 + (y - centre) * 0.75) * 34, y * 3, person.seed + side)
    colour = np.array(person.hair, np.float32) * 0.55
    blend(face, np.clip(body * (0.70 + 0.40 * strokes), 0, 0.95), colour)
