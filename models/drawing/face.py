"""The face as a shaded relief: bone, cheeks and folds under one light, with mouth, eyes and brows on top."""

from __future__ import annotations

import numpy as np

from models.drawing import hair
from models.drawing.eyes import EYE_X, paint_brow, paint_eye
from models.drawing.field import Grid, blend, blob, direction, ramp, relief
from models.drawing.looks import Expression, Person, skin_colour
from models.drawing.mouth import MOUTH_Y, Mouth

LIGHT = direction(-0.50, -0.62, 0.72)  # from the upper left, in front
CHIN, SKULL = 1.58, 1.46  # heights below and above the eyes, head units


def _face_radius(person: Person, expression: Expression, grid: Grid) -> np.ndarray:
    """Below 1 inside the face."""
    chin = CHIN + 0.10 * expression.open
    taper = (
        1.0 - (0.26 - 0.18 * person.jaw) * ramp(0.20, chin, grid.y) ** 1.2 - 0.03 * ramp(-0.5, -1.2, grid.y)
    )
    vertical = np.where(grid.y > 0, grid.y / chin, grid.y / SKULL)
    power = 2.4
    return (np.abs(grid.x / taper) ** power + np.abs(vertical) ** power) ** (1 / power)


def paint_face(
    picture: np.ndarray, person: Person, expression: Expression, outline: Grid, grid: Grid
) -> None:
    radius = _face_radius(person, expression, outline)
    mask = outline.edge((1 - radius) * 0.95)
    mouth = Mouth(person, expression, grid)
    normal = relief(_height(person, expression, grid, radius, mouth), grid)
    facing = normal @ LIGHT
    tone = 0.36 + 0.72 * np.clip(0.25 + 0.75 * facing, 0, 1) ** 1.15
    tone -= _shadows(person, expression, grid)
    half = direction(LIGHT[0], LIGHT[1], LIGHT[2] + 1)
    gloss = 0.16 * np.clip(normal @ half, 0, 1) ** 28
    flush = 0.32 * (blob(grid, -0.57, 0.55, 0.28, 0.22) + blob(grid, 0.57, 0.55, 0.28, 0.22))
    flush += 0.30 * blob(grid, 0, 0.56, 0.18, 0.14) + 0.18 * blob(grid, 0, 1.5, 0.3, 0.15)
    flush *= 1 + 0.5 * expression.cheek
    face = skin_colour(person, np.clip(tone, 0.12, 1.15), flush)
    face += gloss[..., None]
    _paint_beard(face, person, grid, mouth, facing)
    window = grid.window((-0.8, 0.8), (0.6, 1.9))
    Mouth(person, expression, grid.cut(window)).paint(face[window], np.clip(tone[window], 0.2, 1.1))
    for side in (-1, 1):
        window = grid.window((side * EYE_X - 0.5, side * EYE_X + 0.5), (-0.8, 0.4))
        paint_eye(face[window], person, expression, grid.cut(window), side, tone[window])
        paint_brow(face[window], person, expression, grid.cut(window), side)
        nostril = blob(
            grid, side * 0.115, 0.675 - 0.01 * expression.smile - 0.03 * expression.nose, 0.058, 0.026
        )
        inside = np.array(person.skin, np.float32) * np.array([0.20, 0.12, 0.10], np.float32)
        blend(face, 0.80 * np.clip(1.5 * nostril - 0.25, 0, 1), inside)
    blend(picture, mask, face)


def _height(
    person: Person, expression: Expression, grid: Grid, radius: np.ndarray, mouth: Mouth
) -> np.ndarray:
    """Relief of the face towards the viewer, in head units."""
    x, y = grid.x, grid.y
    smile, cheek = max(expression.smile, 0.0), expression.cheek
    z = 0.95 * np.clip(1 - radius**2.3, 0, 1) ** 0.55
    length = ramp(-0.42, 0.58, y) * ramp(0.78, 0.60, y)
    z += (0.09 + 0.10 * ramp(-0.2, 0.6, y)) * length * np.exp(-((x / (0.095 + 0.03 * length)) ** 2))
    z += 0.12 * blob(grid, 0, 0.56, 0.120, 0.110)
    z += (
        0.05 * np.exp(-(((y + 0.36 - 0.10 * np.abs(x)) / 0.15) ** 2)) * ramp(0.85, 0.45, np.abs(x))
    )  # brow ridge
    for side in (-1, 1):
        z -= 0.15 * blob(grid, side * (EYE_X - 0.10), -0.03, 0.20, 0.15)
        z += 0.10 * blob(grid, side * EYE_X, 0.01, 0.17, 0.12)
        z += 0.060 * blob(grid, side * (0.175 + 0.025 * smile), 0.615, 0.075, 0.075)
        z += (0.04 + 0.055 * cheek) * blob(
            grid, side * (0.57 + 0.02 * cheek), 0.50 - 0.05 * cheek, 0.26, 0.24
        )
        z -= (0.04 * smile) * blob(grid, side * (mouth.half + 0.06), mouth.corner[side], 0.06, 0.10)
        z -= 0.05 * (1 - cheek) * blob(grid, side * 0.68, 0.95, 0.18, 0.25)
    z += 0.07 * blob(grid, 0, 1.42, 0.24, 0.15) - 0.05 * blob(grid, 0, 1.26, 0.22, 0.05)
    z += 0.10 * blob(grid, 0, MOUTH_Y, 0.42, 0.26)  # the teeth behind the lips
    return z + mouth.height()


def _shadows(person: Person, expression: Expression, grid: Grid) -> np.ndarray:
    """Darkening the relief alone would miss: sockets, under the nose, folds that the expression makes."""
    x, y = grid.x, grid.y
    smile, frown = max(expression.smile, 0.0), max(-expression.smile, 0.0)
    dark = 0.14 * blob(grid, 0.04, 0.77, 0.19, 0.055) + 0.07 * blob(grid, 0, 0.86, 0.05, 0.10)
    dark += 0.12 * blob(grid, 0.02, 1.27, 0.24, 0.05)
    knit = max(-expression.brow_slant, 0.0)
    for side in (-1, 1):
        dark += 0.12 * blob(grid, side * 0.225, -0.10, 0.075, 0.13)
        dark += 0.10 * blob(grid, side * EYE_X, -0.17, 0.24, 0.06)
        dark += (0.05 + 0.08 * person.age) * blob(grid, side * (EYE_X - 0.03), 0.19, 0.18, 0.05)
        # from the wing of the nose to beside the corner of the mouth
        along = (y - 0.60) / 0.45
        fold = side * (0.27 + (0.20 + 0.10 * smile) * np.clip(along, 0, 1.3) ** 1.2)
        gate = ramp(-0.05, 0.25, along) * ramp(1.15, 0.65, along)
        depth = 0.03 + 0.09 * person.age + 0.11 * smile + 0.05 * frown + 0.16 * expression.nose
        depth += 0.08 * max(side * expression.skew, 0.0)
        dark += depth * gate * np.exp(-(((x - fold) / 0.055) ** 2))
        dark += 0.16 * frown * blob(grid, side * 0.40, 1.20, 0.05, 0.09)
        dark += 0.30 * knit * np.exp(-(((x - side * 0.075) / 0.022) ** 2)) * blob(grid, 0, -0.33, 1, 0.12)
        crow = np.hypot(x - side * 0.70, y - 0.03)
        dark += 0.06 * expression.cheek * np.exp(-(((crow - 0.06) / 0.05) ** 2))
    for line in (0.02, 0.12, 0.22):  # across the root of the nose
        dark += (0.22 * expression.nose) * (
            np.exp(-(((y - line + 0.25 * np.abs(x)) / 0.022) ** 2)) * ramp(0.26, 0.12, np.abs(x))
        )
    lift = max(expression.brow_height, 0.0) + max(expression.brow_slant, 0.0) * 0.7
    for line in (-0.62, -0.76):
        waves = np.exp(-(((y - line + 0.04 * np.cos(2.5 * x)) / 0.018) ** 2)) * ramp(0.6, 0.3, np.abs(x))
        dark += (0.05 * person.age + 0.10 * lift) * waves
    return dark


def _paint_beard(face: np.ndarray, person: Person, grid: Grid, mouth: Mouth, facing: np.ndarray) -> None:
    if person.beard == 0:
        return
    x, y = grid.x, grid.y
    jaw = ramp(0.50, 1.1, y + 0.45 * np.abs(x) ** 2 - 0.12)
    chin = jaw * np.maximum(ramp(0.34, 0.52, np.abs(x)), ramp(1.18, 1.30, y))
    moustache = (
        ramp(0.74, 0.88, y - 0.06 * np.abs(x))
        * ramp(0.52, 0.30, np.abs(x))
        * ramp(0.03, -0.03, y - mouth.line + 0.05)
    )
    cover = np.clip(np.maximum(chin, 0.9 * moustache), 0, 1) * person.beard
    strands = hair.strands(grid.x * 26, grid.y * 5, person.seed + 5)
    tone = (0.45 + 0.55 * np.clip(facing, 0, 1)) * (0.7 + 0.6 * strands)
    blend(face, cover * (0.62 + 0.38 * strands), np.array(person.hair, np.float32) * tone[..., None])
