"""Coordinate grids and the few smooth functions that shapes and shading are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Coordinates of every pixel. x, y : (H, W) float32 head units; unit : pixels in one head unit."""

    x: np.ndarray
    y: np.ndarray
    unit: float

    def moved(self, x: float, y: float, roll: float) -> Grid:
        """The grid of something shifted by (x, y) and rolled around the neck by `roll` radians."""
        pivot = 1.6
        dx, dy = self.x - x, self.y - y - pivot
        cos, sin = math.cos(roll), math.sin(roll)
        return Grid(cos * dx + sin * dy, -sin * dx + cos * dy + pivot, self.unit)

    def turned(self, yaw: float, pitch: float) -> Grid:
        """The grid of a dome's surface turned by shares `yaw` and `pitch`: its middle shifts most."""
        dome = np.clip(1 - (self.x / 1.05) ** 2 - (self.y / 1.7) ** 2, 0, 1) ** 0.5
        return Grid(self.x - yaw * dome, self.y - pitch * dome, self.unit)

    def window(self, x: tuple[float, float], y: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns that hold the rectangle from x[0] to x[1], y[0] to y[1]; none if it is outside."""
        inside = (self.x > x[0]) & (self.x < x[1]) & (self.y > y[0]) & (self.y < y[1])
        if not inside.any():
            return slice(0), slice(0)
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)

    def cut(self, window: tuple[slice, slice]) -> Grid:
        """The part of the grid in `window`."""
        return Grid(self.x[window], self.y[window], self.unit)

    def edge(self, inside: np.ndarray) -> np.ndarray:
        """Coverage in [0, 1] of the region where `inside` (head units) is positive, one pixel soft."""
        return np.clip(inside * self.unit + 0.5, 0, 1)

    def soft(self, inside: np.ndarray, width: float) -> np.ndarray:
        """Like `edge`, with a border `width` head units wide."""
        return ramp(-width, width, inside)


def ramp(start: float, end: float, value: np.ndarray) -> np.ndarray:
    """Smooth step from 0 at `start` to 1 at `end`; `start` may be the larger."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def blob(grid: Grid, x: float, y: float, width: float, height: float) -> np.ndarray:
    """A Gaussian bump of height 1 at (x, y)."""
    return np.exp(-(((grid.x - x) / width) ** 2) - ((grid.y - y) / height) ** 2)


def direction(x: float, y: float, z: float) -> np.ndarray:
    """The unit vector (3,) float32."""
    vector = np.array([x, y, z], np.float32)
    return vector / np.linalg.norm(vector)


def relief(height: np.ndarray, grid: Grid) -> np.ndarray:
    """Normals (H, W, 3) of a height field in head units, towards the viewer."""
    dy, dx = np.gradient(height, 1 / grid.unit)
    normal = np.stack([-dx, -dy, np.ones_like(dx)], axis=-1).astype(np.float32)
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def blend(picture: np.ndarray, cover: np.ndarray, colour: np.ndarray) -> None:
    """Lays `colour` (3,) or (H, W, 3) over `picture` (H, W, 3) in place, with opacity `cover` (H, W)."""
    picture += cover[..., None] * (colour - picture)
