"""The figures of which every method's traces are drawn: bars, heat maps, pictures of attention, steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from app.ui import charts, words

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


def figure(title: str, note: str, content: str) -> str:
    """A titled part of the panel; `note`, plain text, says how to read it."""
    said = f"<p>{escape(note)}</p>" if note else ""
    return f'<section class="fb-why"><h3>{escape(title)}</h3>{said}{content}</section>'


def number(value: float, digits: int = 2) -> str:
    """A signed number with a true minus, "0.00" for what rounds to it."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return text.removeprefix("-")
    return text.replace("-", "−")


def bars(rows: Sequence[Bar], spoken: str, *, most: float | None = None) -> str:
    """A table of bars, from the left edge, or from the middle where any value is below 0.

    spoken : what the table holds; most : the value of a full bar, by default the largest
    """
    signed = any(row.value < 0 for row in rows)
    full = most or max((abs(row.value) for row in rows), default=0.0) or 1.0
    return (
        f'<table class="fb-table fb-bars"><caption>{escape(spoken)}</caption><tbody>'
        f"{''.join(_bar(row, full, signed) for row in rows)}</tbody></table>"
    )


def _bar(row: Bar, full: float, signed: bool) -> str:
    share = min(abs(row.value) / full, 1.0) * (50 if signed else 100)
    left = 50 - share * (row.value < 0) if signed else 0
    colour = f"fb-{row.colour}{' fb-dashed' if row.dashed else ''}"
    mark = f'<i class="{colour}" style="left:{left:.2f}%;width:{share:.2f}%"></i>'
    room = "fb-room fb-middle" if signed else "fb-room"
    drawn = '<div class="fb-room fb-hatched"></div>' if row.hatched else f'<div class="{room}">{mark}</div>'
    value = "–" if row.hatched else number(row.value)
    return f'<tr><th scope="row">{escape(row.label)}</th><td>{drawn}</td><td>{value}</td></tr>'


def heat(matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str], spoken: str) -> str:
    """A table of numbers (rows, columns) at least 0, shaded by their share of the largest; NaN is hatched."""
    most = float(np.nanmax(matrix, initial=0.0)) or 1.0
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(_cell(value, most) for value in values)}</tr>'
        for name, values in zip(rows, matrix, strict=True)
    )
    return charts.scrolling(
        spoken,
        f'<table class="fb-table fb-heat"><caption>{escape(spoken)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>",
    )


def _cell(value: float, most: float) -> str:
    if np.isnan(value):
        return '<td class="fb-hatched">–</td>'
    return f'<td class="fb-shade" style="--fb-share:{value / most:.3f}">{number(value)}</td>'


def picture(
    matrix: np.ndarray, colour: str, rows: Sequence[str], columns: tuple[str, str], spoken: str
) -> str:
    """Values (rows, columns) at least 0 as a picture, the largest in full colour.

    rows : a name each, or none for a picture without; columns : what stands below its left and right end
    """
    red, green, blue = (int(charts.COLOURS[colour][i : i + 2], 16) for i in (1, 3, 5))
    share = matrix / (matrix.max() or 1.0)
    pixels = np.zeros((*share.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = (red, green, blue), (255 * share).round()
    enlarged = pixels.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1)
    source = charts.data_address(Image.fromarray(enlarged))
    names = "".join(f"<span>{escape(name)}</span>" for name in rows)
    left, right = columns
    height = f"{20 * len(rows)}px" if rows else "180px"
    return (
        f'<div class="fb-map{"" if rows else " fb-bare"}">'
        f'<div class="fb-map-rows" aria-hidden="true">{names}</div>'
        f'<img src="{source}" alt="{escape(spoken)}" style="height:{height}">'
        '<div class="fb-map-ends" aria-hidden="true">'
        f"<span>{escape(left)}</span><span>{escape(right)}</span></div></div>"
    )


@dataclass(frozen=True)
class StepRow:
    """One row of the table of steps.

    parts : {colour: (steps,) values at least 0}, on top of each other; most : the value that fills the height
    """

    title: str
    parts: dict[str, np.ndarray]
    most: float


def steps(names: Sequence[str], rows: Sequence[StepRow], spoken: str, language: str) -> str:
    """A table with one column a step: its name, and an upright bar a row, whose parts are read aloud."""
    head = "".join(f'<th scope="col">{escape(name) or "·"}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{escape(row.title)}</th>'
        f"{''.join(_column(row, index, language) for index in range(len(names)))}</tr>"
        for row in rows
    )
    return charts.scrolling(
        spoken,
        f'<table class="fb-table fb-steps"><caption>{escape(spoken)}</caption><tbody>{body}</tbody>'
        f"<tfoot><tr><td></td>{head}</tr></tfoot></table>",
    )


def _column(row: StepRow, index: int, language: str) -> str:
    values = {colour: float(series[index]) for colour, series in row.parts.items()}
    told = ", ".join(
        number(value) if colour == INK else f"{words.modality_name(colour, language)} {number(value)}"
        for colour, value in values.items()
    )
    marks = "".join(
        f'<i class="fb-{colour}" style="height:{100 * min(value / row.most, 1):.1f}%"></i>'
        for colour, value in reversed(values.items())
    )
    told = escape(told)
    return f'<td><div class="fb-upright" role="img" aria-label="{told}" title="{told}">{marks}</div></td>'


def shaded(names: Sequence[str], shares: Sequence[float], colour: str) -> str:
    """Words shaded by their share of the largest of `shares`, at least 0, told when pointed at."""
    most = max(shares, default=0.0) or 1.0
    marks = " ".join(
        f'<span class="fb-shaded fb-by-{colour}" style="--fb-share:{share / most:.3f}"'
        f' title="{number(share)}">{escape(name) or "·"}</span>'
        for name, share in zip(names, shares, strict=True)
    )
    return f'<p class="fb-shading">{marks}</p>'
