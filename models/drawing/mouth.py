"""The mouth: lips, teeth, tongue."""

from __future__ import annotations

import numpy as np

from models.drawing.field import Grid, blend, blob, ramp
from models.drawing.looks import Expression, Person

MOUTH_Y = 1.04  # head units below the eyes
SKEW = 0.11  # how far one corner rises, head units


class Mouth:
    """Lips around an opening.

    top, line : (H, W) y of the upper lip's outer and inner edge
    lower, bottom : (H, W) y of the lower lip's inner and outer edge
    half : half the width; corner : y of the corners by side, -1 left, 1 right
    x : (H, W) distance from the middle, 1 at a corner
    """

    def __init__(self, person: Person, expression: Expression, grid: Grid):
        self.person, self.expression, self.grid = person, expression, grid
        smile, opening = expression.smile, expression.open
        self.half = (
            0.365 + 0.085 * max(smile, 0) - 0.05 * opening * (1 - max(smile, 0)) - 0.02 * max(-smile, 0)
        )
        self.half += 0.07 * expression.stretch
        x = np.abs(grid.x) / self.half
        self.x = x
        arc = np.clip(1 - x**2, 0, 1)
        bend = -0.12
        corner = MOUTH_Y + bend * (smile + 0.15) * 0.75
        middle = MOUTH_Y - bend * (smile + 0.15) * 0.25
        mid = middle + (corner - middle) * x ** (1.8 if smile > 0 else 2.2)
        raised = {side: SKEW * max(side * expression.skew, 0.0) for side in (-1, 1)}
        self.corner = {side: corner - raised[side] for side in (-1, 1)}
        for side in (-1, 1):
            mid = mid - raised[side] * np.clip(side * grid.x / self.half, 0, 1) ** 1.5
        mid = mid - (0.05 * expression.nose) * arc
        bow = 0.012 * np.exp(-((grid.x / 0.08) ** 2)) * (1 - max(smile, 0))
        self.line = mid + bow - 0.05 * opening * arc
        self.lower = mid + bow + (0.27 + 0.10 * max(smile, 0)) * opening * arc**0.8
        full = 0.5 + 0.5 * person.lips[0] / (sum(person.lips) / 3) / 1.5
        cupid = (
            1
            - 0.22 * np.exp(-((grid.x / 0.055) ** 2))
            + 0.06 * np.exp(-(((np.abs(grid.x) - 0.10) / 0.05) ** 2))
        )
        full *= 1 - 0.4 * max(-expression.stretch, 0.0)
        self.top = self.line - full * (0.092 - 0.030 * max(smile, 0)) * arc**0.85 * cupid
        self.bottom = self.lower + full * (0.120 - 0.025 * max(smile, 0)) * arc**0.75
        self.inside_x = grid.edge((1 - x) * self.half)

    def height(self) -> np.ndarray:
        y = self.grid.y
        upper = np.exp(-(((y - (self.top + self.line) / 2) / 0.045) ** 2))
        lower = np.exp(-(((y - (self.lower + self.bottom) / 2) / 0.055) ** 2))
        return 0.045 * np.clip(1 - self.x**2, 0, 1) * (upper + 1.15 * lower)

    def paint(self, face: np.ndarray, tone: np.ndarray) -> None:
        grid, y = self.grid, self.grid.y
        lips = np.array(self.person.lips, np.float32)
        upper = grid.soft(y - self.top, 0.018) * grid.edge(self.line - y) * self.inside_x
        lower = grid.edge(y - self.lower) * grid.soft(self.bottom - y, 0.020) * self.inside_x
        blend(face, 0.85 * upper, lips * (0.80 * tone)[..., None])
        gloss = 0.16 * np.exp(-(((y - self.lower - 0.045) / 0.025) ** 2) - ((grid.x + 0.06) / 0.16) ** 2)
        blend(face, 0.80 * lower, lips * tone[..., None] + gloss[..., None])
        opening = grid.edge(y - self.line) * grid.edge(self.lower - y) * self.inside_x
        if self.expression.open > 0.01:
            blend(face, opening, self._interior())
        seam = np.exp(-(((y - self.line) / 0.013) ** 2)) * ramp(1.04, 0.92, self.x)
        edge_tone = np.array(self.person.skin, np.float32) * np.array([0.30, 0.16, 0.14], np.float32)
        blend(face, 0.75 * seam * (1 - 0.6 * opening), edge_tone)
        for side in (-1, 1):
            dimple = blob(grid, side * (self.half + 0.005), self.corner[side], 0.040, 0.035)
            blend(face, 0.45 * dimple, edge_tone * 1.5)

    def _interior(self) -> np.ndarray:
        """Teeth above, tongue below, darkness between."""
        grid, y = self.grid, self.grid.y
        depth = np.clip((y - self.line) / np.maximum(self.lower - self.line, 1e-3), 0, 1)
        colour = np.array([0.20, 0.06, 0.06], np.float32) * (1.0 - 0.5 * depth)[..., None]
        tongue = ramp(0.55, 1.0, depth) * ramp(0.9, 0.3, self.x)
        blend(colour, 0.8 * tongue, np.array([0.62, 0.26, 0.25], np.float32))
        size = 0.085 + 0.035 * max(self.expression.smile, 0)
        teeth = grid.soft(self.line + size * np.clip(1 - self.x**2, 0, 1) ** 0.4 - y, 0.016) * ramp(
            0.98, 0.80, self.x
        )
        gaps = 0.10 * np.exp(-((((np.abs(grid.x) / 0.082) % 1.0 - 0.5) / 0.06) ** 2))
        tone = (1 - 0.45 * self.x**2) * (0.80 + 0.20 * ramp(0.0, 0.04, y - self.line)) - gaps
        blend(colour, teeth, np.array([0.92, 0.89, 0.84], np.float32) * tone[..., None])
        return colour
