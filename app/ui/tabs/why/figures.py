"""The figures of which every method's traces are drawn: bars, heat maps, pictures of attention, steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from app.ui import charts, words
from app.ui.tabs.timeline_lanes import LEAST_ZOOMS, Mark, lay_out, names_lane, words_lane
from app.ui.templates import fill

MOST_ROWS = 32  # of bars or cells; more are drawn as a picture
INK = "other"  # the colour of what belongs to no modality
PIXELS = 16  # of one entry of a picture, so that browsers without crisp scaling do not blur it


@dataclass(frozen=True)
class Bar:
    """One labelled value.

    colour : a modality, or INK; hatched : there is nothing to show a value of; dashed : it was imagined
    """

    label: str
    value: float
    colour: str = INK
    hatched: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class StepRow:
    """One row of the table of steps.

    parts : {colour: (steps,) values at least 0}, on top of each other; most : the value that fills the height
    names : {colour: what a part is called}, where it is not its modality
    """

    title: str
    parts: dict[str, np.ndarray]
    most: float
    names: dict[str, str] = field(default_factory=dict)

    def part_name(self, colour: str, language: str) -> str:
        """What a part is called; "" for one that belongs to no modality and has no name."""
        own = "" if colour == INK else words.modality_name(colour, language)
        return self.names.get(colour, own)


@dataclass(frozen=True)
class Figure:
    """A titled part of the tab; `note`, plain text, says how to read it; `chart` is HTML, "" for none."""

    title: str
    note: str = ""
    chart: str = ""


def bars(title: str, note: str, rows: Sequence[Bar], language: str, *, most: float | None = None) -> Figure:
    """A table of bars, from the left edge, or from the middle where any value is below 0.

    most : the value of a full bar, by default the largest
    """
    signed = any(row.value < 0 for row in rows)
    full = most or max((abs(row.value) for row in rows), default=0.0) or 1.0
    lengths = [min(abs(row.value) / full, 1.0) * (50 if signed else 100) for row in rows]
    lefts = [
        50 - length * (row.value < 0) if signed else 0 for row, length in zip(rows, lengths, strict=True)
    ]
    drawn = list(zip(rows, lefts, lengths, strict=True))
    return Figure(title, note, fill("why.bars", language, rows=drawn, title=title, signed=signed))


def heat(
    title: str, note: str, matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str], language: str
) -> Figure:
    """A table of numbers (rows, columns) at least 0, shaded by their share of the largest; NaN is hatched."""
    most = float(np.nanmax(matrix, initial=0.0)) or 1.0
    named = list(zip(rows, matrix.tolist(), strict=True))
    return Figure(
        title, note, fill("why.heat", language, rows=named, columns=columns, most=most, title=title)
    )


def picture(
    title: str,
    note: str,
    matrix: np.ndarray,
    colour: str,
    rows: Sequence[str],
    columns: Sequence[str],
    spoken: str,
    language: str,
    *,
    in_words: bool = False,
) -> Figure:
    """Values (rows, columns) at least 0 as a picture, the largest in full colour.

    rows : a name each, or none for a picture without; columns : a name or "" each, `in_words` where they are
    words
    """
    red, green, blue = (int(charts.COLOURS[colour][i : i + 2], 16) for i in (1, 3, 5))
    share = matrix / (matrix.max() or 1.0)
    pixels = np.zeros((*share.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = (red, green, blue), (255 * share).round()
    below, zooms = _names_below(columns, in_words, language)
    chart = fill(
        "why.picture",
        language,
        pixels=pixels.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1),
        rows=rows,
        below=below,
        title=title,
        spoken=spoken,
        group=charts.group_of(title),
        zooms=zooms,
    )
    return Figure(title, note, chart)


def steps(
    title: str,
    note: str,
    names: Sequence[str],
    rows: Sequence[StepRow],
    language: str,
    *,
    in_words: bool = False,
    zoom: bool = True,
) -> Figure:
    """A lane a row with an upright bar a step, the steps' names below, and the same numbers as a table.

    title : unique on the page; names : one or "" a step, `in_words` where they are words
    """
    below, zooms = _names_below(names, in_words, language)
    drawn = [(row, list(zip(*row.parts.values(), strict=True)), _means(row, language)) for row in rows]
    heads, numbers = _numbers(names, rows, language)
    chart = fill(
        "why.steps",
        language,
        rows=drawn,
        below=below,
        title=title,
        group=charts.group_of(title),
        zooms=zooms if zoom else (),
        heads=heads,
        numbers=numbers,
    )
    return Figure(title, note, chart)


def shaded(
    title: str, names: Sequence[str], shares: Sequence[float] | np.ndarray, colour: str, language: str
) -> Figure:
    """Words shaded by their share of the largest of `shares`, at least 0, which stands behind each."""
    most = max(shares, default=0.0) or 1.0
    marks = list(zip(names, shares, strict=True))
    return Figure(title, "", fill("why.shaded", language, marks=marks, most=most, colour=colour))


def _names_below(names: Sequence[str], in_words: bool, language: str) -> tuple[str, tuple[int, ...]]:
    """The lane of the columns' names, and the zooms to offer so that each can be read."""
    if not in_words:
        return names_lane(names, language), LEAST_ZOOMS
    marks = [Mark(name, i, i + 1) for i, name in enumerate(names) if name]
    axis, placed, zooms = lay_out(marks, len(names))
    return words_lane("", axis, placed, [mark.text for mark in marks], language), zooms


def _means(row: StepRow, language: str) -> str:
    means = {colour: float(series.mean()) if len(series) else 0.0 for colour, series in row.parts.items()}
    values = ", ".join(
        f"{row.part_name(colour, language)} {words.number(mean)}".strip() for colour, mean in means.items()
    )
    return words.say("why_on_average", language, title=row.title, values=values)


def _numbers(
    names: Sequence[str], rows: Sequence[StepRow], language: str
) -> tuple[list[str], list[list[str]]]:
    """The steps' table: its heads, and in each row the step's name and numbers."""
    heads, series = [words.say("why_step", language)], []
    for row in rows:
        for colour, values in row.parts.items():
            name = f": {row.part_name(colour, language)}" if len(row.parts) > 1 else ""
            heads.append(row.title + name)
            series.append(values)
    numbers = [
        [name or "·", *(words.number(float(values[index])) for values in series)]
        for index, name in enumerate(names)
    ]
    return heads, numbers
