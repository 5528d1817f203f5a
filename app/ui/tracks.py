"""The lanes of the timeline: words, bars, curves and pictures on one horizontal axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import numpy as np
from PIL import Image

from app.service.moments import SpokenWord
from app.service.timeline import Contribution, Curve
from app.ui import charts, words

NARROWEST, WIDEST = 520, 16_000  # pixels of the axis
WORD_ROWS, WORD_HEIGHT = 3, 28  # at most; pixels of each
LETTER, PADDING = 7.4, 16  # pixels of a word's letters, and around them
PICTURES, PICTURE = 12, 36  # faces at most; pixels of each
TICKS = (0.5, 1, 2, 5, 10, 20, 30, 60)  # seconds between two
MOST_TICKS = 12
LEAST_SCALE = 0.05  # of contributions: smaller ones are not blown up


@dataclass(frozen=True)
class Axis:
    """length : seconds, or words where nothing has a time; width : least width in pixels."""

    length: float
    width: float

    def share(self, at: float) -> float:
        """Percent from the left."""
        return 100 * min(max(at / self.length, 0.0), 1.0)


@dataclass(frozen=True)
class Placed:
    """A word and the row, from the top, in which it overlaps no other."""

    word: SpokenWord
    row: int


def lay_out(spoken: list[SpokenWord], length: float) -> tuple[Axis, list[Placed]]:
    """The narrowest axis on which the words fit in WORD_ROWS rows, and in as few rows as they fit on it."""
    width = float(NARROWEST)
    while width < WIDEST:
        for rows in range(1, WORD_ROWS + 1):
            placed = _pack(spoken, Axis(length, width), rows)
            if placed is not None:
                return Axis(length, width), placed
        width *= 1.2
    return Axis(length, width), [Placed(word, i % WORD_ROWS) for i, word in enumerate(spoken)]


def _pack(spoken: list[SpokenWord], axis: Axis, rows: int) -> list[Placed] | None:
    ends, placed = [0.0] * rows, []
    for word in spoken:
        start = min(axis.share(word.start) / 100 * axis.width, axis.width - _pixels(word))
        row = next((row for row, end in enumerate(ends) if end <= start), None)
        if row is None:
            return None
        ends[row] = start + _pixels(word)
        placed.append(Placed(word, row))
    return placed


def _pixels(word: SpokenWord) -> float:
    return LETTER * len(word.text) + PADDING


def lane(name: str, unit: str, content: str, height: int) -> str:
    """A row of the timeline: its name and unit at the left, the plot at the right."""
    small = f"<small>{escape(unit)}</small>" if unit else ""
    return (
        f'<div class="fb-lane"><div class="fb-lane-name">{escape(name)}{small}</div>'
        f'<div class="fb-lane-plot" style="height:{height}px">{content}</div></div>'
    )


def words_on(axis: Axis, placed: Sequence[Placed], told: Sequence[str], *, seek: bool) -> tuple[str, int]:
    """The words where they were said, and the height that they take; buttons where there is a player.

    told : what each one says of itself when pointed at or read aloud
    """
    marks = []
    for place, text in zip(placed, told, strict=True):
        word = place.word
        left = f"min({axis.share(word.start):.2f}%, calc(100% - {_pixels(word):.0f}px))"
        style = f"left:{left};top:{WORD_HEIGHT * place.row}px;width:{_pixels(word):.0f}px"
        said = f'data-start="{word.start:.3f}" data-end="{word.end:.3f}"'
        attributes = f'class="fb-word" style="{style}" title="{escape(text)}" {said}'
        shown = escape(word.text)
        marks.append(
            f'<button type="button" {attributes} aria-label="{escape(text)}">{shown}</button>'
            if seek
            else f"<span {attributes}>{shown}</span>"
        )
    rows = 1 + max((place.row for place in placed), default=0)
    return "".join(marks), WORD_HEIGHT * rows


def bars_on(
    axis: Axis, parts: Sequence[Contribution], most: float, colour: str, told: Sequence[str], spoken: str
) -> str:
    """Contributions as bars, up where a part makes the score more positive; hatched where it is all there is.

    most : what fills half the height; told : what each bar says when pointed at
    """
    marks = []
    for part, text in zip(parts, told, strict=True):
        left, right = axis.share(part.start), axis.share(part.end)
        place = f"left:{left:.2f}%;width:{right - left:.2f}%"
        if part.value is None:
            marks.append(
                f'<i class="fb-hatched" style="{place};top:0;height:100%" title="{escape(text)}"></i>'
            )
            continue
        height = 50 * min(abs(part.value) / most, 1.0)
        top = 50 - height * (part.value > 0)
        place += f";top:{top:.1f}%;height:{height:.1f}%"
        marks.append(f'<i class="fb-{colour}" style="{place}" title="{escape(text)}"></i>')
    return f'<div class="fb-balance" role="img" aria-label="{escape(spoken)}">{"".join(marks)}</div>'


def curve_on(
    axis: Axis, curve: Curve, low: float, high: float, colour: str, spoken: str, *, zero: bool
) -> str:
    """A line from `low` at the bottom to `high` at the top, broken at its gaps; `zero` draws the middle."""
    pieces, drawing = [], False
    across = 10 * np.array([axis.share(t) for t in curve.times])
    up = 100 - 100 * np.clip((curve.values - low) / max(high - low, 1e-9), 0, 1)
    for x, y in zip(across, up, strict=True):
        if np.isnan(y):
            drawing = False
            continue
        pieces.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}")
        if not drawing:
            pieces.append("h0.1")  # a lone point is drawn too
        drawing = True
    middle = '<line x1="0" y1="50" x2="1000" y2="50"/>' if zero else ""
    return (
        f'<svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="{escape(spoken)}">'
        f'{middle}<path class="fb-line-{colour}" d="{"".join(pieces)}"/></svg>'
    )


def faces_on(axis: Axis, crops: np.ndarray, times: np.ndarray, language: str) -> str:
    """Some of the (n, 48, 48) uint8 faces where they were seen."""
    chosen = np.unique(np.linspace(0, len(crops) - 1, min(PICTURES, len(crops))).round().astype(int))
    images = []
    for index in chosen:
        told = words.say("face_at", language, seconds=f"{times[index]:.1f}")
        left = (
            f"clamp(0px, calc({axis.share(times[index]):.2f}% - {PICTURE // 2}px), calc(100% - {PICTURE}px))"
        )
        source = charts.data_address(Image.fromarray(crops[index]))
        images.append(f'<img class="fb-seen" src="{source}" alt="{escape(told)}" style="left:{left}">')
    return "".join(images)


def emotions_on(axis: Axis, emotions: Sequence[str], times: np.ndarray, language: str) -> str:
    """One label for each run of pictures with the same main emotion."""
    marks, first = [], 0
    for emotion, run in groupby(emotions):
        after = first + len(list(run))
        start = times[first]
        end = times[after] if after < len(times) else axis.length
        name = words.say(f"timeline_{emotion}", language)
        place = f"left:{axis.share(start):.2f}%;width:{axis.share(end) - axis.share(start):.2f}%"
        marks.append(f'<span class="fb-mood" style="{place}" title="{escape(name)}">{escape(name)}</span>')
        first = after
    return "".join(marks)


def ticks_on(axis: Axis) -> str:
    """Seconds below the lanes."""
    step = next((step for step in TICKS if axis.length / step <= MOST_TICKS), TICKS[-1])
    marks = "".join(
        f'<span style="left:{axis.share(at):.2f}%">{at:g}</span>' for at in np.arange(0, axis.length, step)
    )
    return f'<div class="fb-seconds" aria-hidden="true">{marks}</div>'


def scale_of(parts: Sequence[Contribution]) -> float:
    """The largest contribution, which fills half a lane, but no less than LEAST_SCALE."""
    return max([LEAST_SCALE, *(abs(part.value) for part in parts if part.value is not None)])
