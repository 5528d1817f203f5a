"""The lanes of the timeline and of its like: words, bars, curves and pictures on one horizontal axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from app.service.timeline import Contribution, Curve
from app.service.word_timing import TimedWord
from app.ui import charts, words
from app.ui.templates import fill

NARROWEST = 240  # pixels of the axis on a phone
ZOOMS = (1, 2, 4, 8, 16, 32)  # times the width of the page; timeline.css has one rule for each
LEAST_ZOOMS = ZOOMS[:3]  # always offered
WORD_ROWS, WORD_HEIGHT = 4, 28  # at most; pixels of each
LETTER, PADDING = 7.4, 16  # pixels of a word's letters, and around them
PICTURES, PICTURE = 12, 36  # faces at most; pixels of each
TICKS = (0.5, 1, 5, 10, 20, 60)  # seconds between two; most divide the next
MOST_TICKS = 8  # that a phone has room for
THIN = 22  # pixels of a lane of moods or seconds
LEAST_SCALE = 0.05  # of contributions: smaller ones are not blown up


@dataclass(frozen=True)
class Axis:
    """length : seconds, or steps where nothing has a time."""

    length: float

    def share(self, at: float) -> float:
        """Percent from the left."""
        return 100 * min(max(at / self.length, 0.0), 1.0)


@dataclass(frozen=True)
class Mark:
    """A word, or whatever has a name, from `start` to `end` on an axis."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Placed:
    """A word, and the row, from the top, in which it stands."""

    word: TimedWord | Mark
    row: int


@dataclass(frozen=True)
class Lane:
    """What stands at the left of a lane, its height in pixels, its colour, and what is read aloud of it."""

    name: str
    unit: str
    height: int
    colour: str
    spoken: str


def lay_out(spoken: Sequence[TimedWord | Mark], length: float) -> tuple[Axis, list[Placed], tuple[int, ...]]:
    """The words in as few rows as they fit in on a phone, at most WORD_ROWS, and the zooms to offer.

    The largest zoom is the first at which all of them fit.
    """
    axis = Axis(length)
    for rows in range(1, WORD_ROWS + 1):
        placed = _pack(spoken, axis, NARROWEST, rows)
        if placed is not None:
            return axis, placed, LEAST_ZOOMS
    enough = next((zoom for zoom in ZOOMS if _pack(spoken, axis, NARROWEST * zoom, WORD_ROWS)), ZOOMS[-1])
    in_turn = [Placed(word, i % WORD_ROWS) for i, word in enumerate(spoken)]
    return axis, in_turn, ZOOMS[: max(ZOOMS.index(enough) + 1, len(LEAST_ZOOMS))]


def _pack(spoken: Sequence[TimedWord | Mark], axis: Axis, width: float, rows: int) -> list[Placed] | None:
    """Each word in the first row in which it overlaps no other on `width` pixels; None where one has none."""
    ends, placed = [0.0] * rows, []
    for word in spoken:
        start = min(axis.share(word.start) / 100 * width, width - _pixels(word))
        row = next((row for row, end in enumerate(ends) if end <= start), None)
        if row is None:
            return None
        ends[row] = start + _pixels(word)
        placed.append(Placed(word, row))
    return placed


def _pixels(word: TimedWord | Mark) -> float:
    return LETTER * len(word.text) + PADDING


def _places(axis: Axis, placed: Sequence[Placed]) -> list[str]:
    """CSS of each word's left end and greatest width: up to the next in its row.

    The last of a row has nothing to its right but the end, so it moves left as far as the one before allows.
    """
    styles = [""] * len(placed)
    for row in {place.row for place in placed}:
        indices = [index for index, place in enumerate(placed) if place.row == row]
        starts = [axis.share(placed[index].word.start) for index in indices]
        before = "0px"
        for index, start, after in zip(indices, starts, [*starts[1:], None], strict=True):
            pixels = f"{_pixels(placed[index].word):.0f}px"
            if after is None:
                left = f"max({before}, min({start:.2f}%, 100% - {pixels}))"
                styles[index] = f"--left:{left};left:var(--left);max-width:calc(100% - var(--left))"
            else:
                styles[index] = f"left:{start:.2f}%;max-width:{after - start:.2f}%"
                before = f"{start:.2f}% + min({pixels}, {after - start:.2f}%)"
    return styles


def words_lane(
    name: str, axis: Axis, placed: Sequence[Placed], told: Sequence[str], language: str, *, seek: bool = False
) -> str:
    """The words where they were said; buttons where there is a player.

    A word whose text has no room is a bare mark, until one zooms in.
    told : what each one says of itself when pointed at or read aloud
    """
    marks = [
        (place.word, text, f"top:{WORD_HEIGHT * place.row}px;{style}")
        for place, text, style in zip(placed, told, _places(axis, placed), strict=True)
    ]
    height = WORD_HEIGHT * (1 + max((place.row for place in placed), default=0))
    return fill("lanes.words", language, name=name, height=height, marks=marks, seek=seek)


def names_lane(names: Sequence[str], language: str) -> str:
    """The names of even columns in one row: as many as there is room for, every second, fourth … first."""
    count, labels = len(names), []
    for index, name in enumerate(names):
        step = min(index & -index, count - index) if index else count
        if name:
            labels.append((100 * index / count, 100 * step / count, name))
    return fill("lanes.labels", language, name="", height=20, labels=labels)


def seconds_lane(axis: Axis, language: str) -> str:
    """Seconds below the lanes: those that a phone has room for, and finer ones where they have room too."""
    steps = [next((step for step in TICKS if axis.length / step <= MOST_TICKS), TICKS[-1])]
    steps += [step for step in reversed(TICKS) if step < steps[0] and steps[0] % step == 0]
    labels = []
    for at in np.arange(0, axis.length, steps[-1]):
        step = next(step for step in steps if at % step == 0)
        labels.append((axis.share(at), axis.share(min(step, axis.length - at)), f"{at:g}"))
    name = words.say("timeline_seconds", language)
    return fill("lanes.labels", language, name=name, height=THIN, labels=labels)


def bars_lane(
    lane: Lane, axis: Axis, parts: Sequence[Contribution], most: float, told: Sequence[str], language: str
) -> str:
    """Contributions as bars, up where a part makes the score more positive; hatched where it is all there is.

    most : what fills half the height; told : what each bar says when pointed at
    """
    bars = []
    for part, text in zip(parts, told, strict=True):
        left, right = axis.share(part.start), axis.share(part.end)
        height = 100.0 if part.value is None else 50 * min(abs(part.value) / most, 1.0)
        top = 0.0 if part.value is None else 50 - height * (part.value > 0)
        colour = "hatched" if part.value is None else lane.colour
        bars.append((colour, left, right - left, top, height, text))
    return fill("lanes.bars", language, about=lane, bars=bars)


def curve_lane(
    lane: Lane, axis: Axis, curve: Curve, low: float, high: float, language: str, *, zero: bool = False
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
    return fill("lanes.curve", language, about=lane, path="".join(pieces), zero=zero)


def faces_lane(name: str, axis: Axis, crops: np.ndarray, times: np.ndarray, language: str) -> str:
    """Some of the (n, 48, 48) uint8 faces where they were seen."""
    chosen = charts.evenly(len(crops), PICTURES)
    size = f"min({PICTURE}px, {100 / len(chosen):.2f}%)"
    faces = [(crops[index], times[index], f"{axis.share(times[index]):.2f}%") for index in chosen]
    return fill("lanes.faces", language, name=name, height=PICTURE, faces=faces, size=size)


def emotions_lane(name: str, axis: Axis, emotions: Sequence[str], times: np.ndarray, language: str) -> str:
    """One label for each run of pictures with the same main emotion."""
    moods, first = [], 0
    for emotion, run in groupby(emotions):
        after = first + len(list(run))
        start = times[first]
        end = times[after] if after < len(times) else axis.length
        moods.append((emotion, axis.share(start), axis.share(end) - axis.share(start)))
        first = after
    return fill("lanes.emotions", language, name=name, height=THIN, moods=moods)


def scale_of(parts: Sequence[Contribution]) -> float:
    """The largest contribution, which fills half a lane, but no less than LEAST_SCALE."""
    return max([LEAST_SCALE, *(abs(part.value) for part in parts if part.value is not None)])
