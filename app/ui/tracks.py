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

NARROWEST = 240  # pixels of the axis on a phone
ZOOMS = (1, 2, 4, 8, 16, 32)  # times the width of the page; timeline.css has one rule for each
LEAST_ZOOMS = ZOOMS[:3]  # always offered
WORD_ROWS, WORD_HEIGHT = 4, 28  # at most; pixels of each
LETTER, PADDING = 7.4, 16  # pixels of a word's letters, and around them
PICTURES, PICTURE = 12, 36  # faces at most; pixels of each
TICKS = (0.5, 1, 5, 10, 20, 60)  # seconds between two; most divide the next
MOST_TICKS = 8  # that a phone has room for
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

    word: SpokenWord | Mark
    row: int


def lay_out(spoken: Sequence[SpokenWord | Mark], length: float) -> tuple[Axis, list[Placed], tuple[int, ...]]:
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


def _pack(spoken: Sequence[SpokenWord | Mark], axis: Axis, width: float, rows: int) -> list[Placed] | None:
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


def _pixels(word: SpokenWord | Mark) -> float:
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


def lane(name: str, unit: str, content: str, height: int) -> str:
    """A row of the timeline: its name and unit at the left, the plot at the right."""
    small = f"<small>{escape(unit)}</small>" if unit else ""
    return (
        f'<div class="fb-lane"><div class="fb-lane-name">{escape(name)}{small}</div>'
        f'<div class="fb-lane-plot" style="height:{height}px">{content}</div></div>'
    )


def words_on(axis: Axis, placed: Sequence[Placed], told: Sequence[str], *, seek: bool) -> tuple[str, int]:
    """The words where they were said, and the height that they take; buttons where there is a player.

    A word whose text has no room is a bare mark, until one zooms in.
    told : what each one says of itself when pointed at or read aloud
    """
    marks = []
    for place, text, style in zip(placed, told, _places(axis, placed), strict=True):
        word = place.word
        said = f'data-start="{word.start:.3f}" data-end="{word.end:.3f}"'
        style = f"top:{WORD_HEIGHT * place.row}px;{style}"
        attributes = f'class="fb-word fb-whole" style="{style}" title="{escape(text)}" {said}'
        shown = f"<span>{escape(word.text)}</span>"
        marks.append(
            f'<button type="button" {attributes} aria-label="{escape(text)}">{shown}</button>'
            if seek
            else f"<span {attributes}>{shown}</span>"
        )
    rows = 1 + max((place.row for place in placed), default=0)
    return "".join(marks), WORD_HEIGHT * rows


def columns_named(names: Sequence[str]) -> str:
    """The names of even columns in one row: as many as there is room for, every second, fourth … first."""
    count = len(names)
    labels = []
    for index, name in enumerate(names):
        step = min(index & -index, count - index) if index else count
        labels.append(_label(100 * index / count, 100 * step / count, name) if name else "")
    return f'<div class="fb-seconds" aria-hidden="true">{"".join(labels)}</div>'


def _label(left: float, room: float, text: str) -> str:
    """A text at `left` percent, shown where `room` percent are enough for all of it."""
    place = f"left:{left:.2f}%;max-width:{room:.2f}%"
    return f'<span class="fb-whole" style="{place}"><span>{escape(text)}</span></span>'


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
    images, size = [], f"min({PICTURE}px, {100 / len(chosen):.2f}%)"
    for index in chosen:
        told = words.say("face_at", language, seconds=f"{times[index]:.1f}")
        left = f"clamp(0px, calc({axis.share(times[index]):.2f}% - {size} / 2), calc(100% - {size}))"
        source = charts.data_address(Image.fromarray(crops[index]))
        place = f"left:{left};width:{size}"
        images.append(f'<img class="fb-seen" src="{source}" alt="{escape(told)}" style="{place}">')
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
        marks.append(
            f'<span class="fb-mood fb-whole" style="{place}" title="{escape(name)}">'
            f"<span>{escape(name)}</span></span>"
        )
        first = after
    return "".join(marks)


def ticks_on(axis: Axis) -> str:
    """Seconds below the lanes: those that a phone has room for, and finer ones where they have room too."""
    steps = [next((step for step in TICKS if axis.length / step <= MOST_TICKS), TICKS[-1])]
    steps += [step for step in reversed(TICKS) if step < steps[0] and steps[0] % step == 0]
    labels = []
    for at in np.arange(0, axis.length, steps[-1]):
        step = next(step for step in steps if at % step == 0)
        labels.append(_label(axis.share(at), axis.share(min(step, axis.length - at)), f"{at:g}"))
    return f'<div class="fb-seconds" aria-hidden="true">{"".join(labels)}</div>'


def scale_of(parts: Sequence[Contribution]) -> float:
    """The largest contribution, which fills half a lane, but no less than LEAST_SCALE."""
    return max([LEAST_SCALE, *(abs(part.value) for part in parts if part.value is not None)])
