"""The figures of which every method's traces are drawn: bars, heat maps, pictures of attention, steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from app.ui import charts, tracks, words

MOST_ROWS = 32  # of bars or cells; more are drawn as a picture
INK = "other"  # the colour of what belongs to no modality
UPRIGHT = 56  # pixels of a lane of upright bars
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
    matrix: np.ndarray,
    colour: str,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    spoken: str,
    language: str,
    *,
    in_words: bool = False,
) -> str:
    """Values (rows, columns) at least 0 as a picture, the largest in full colour.

    rows : a name each, or none for a picture without; columns : a name or "" each, `in_words` where they are
    words
    """
    red, green, blue = (int(charts.COLOURS[colour][i : i + 2], 16) for i in (1, 3, 5))
    share = matrix / (matrix.max() or 1.0)
    pixels = np.zeros((*share.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = (red, green, blue), (255 * share).round()
    enlarged = pixels.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1)
    source = charts.data_address(Image.fromarray(enlarged))
    names = "".join(f"<span>{escape(name)}</span>" for name in rows)
    height = 20 * len(rows) or 180
    axis, zooms = _names_below(columns, in_words)
    lanes = (
        f'<div class="fb-lane"><div class="fb-lane-name fb-map-rows" aria-hidden="true">{names}</div>'
        f'<div class="fb-lane-plot" style="height:{height}px"><img src="{source}" alt="{escape(spoken)}">'
        f"</div></div>{axis}"
    )
    kind = f'class="fb-lanes fb-map{"" if rows else " fb-bare"}"'
    return charts.zoomable(title, lanes, zooms, language, kind)


def _names_below(names: Sequence[str], in_words: bool) -> tuple[str, tuple[int, ...]]:
    """The lane of the columns' names, and the zooms to offer so that each can be read."""
    if not in_words:
        return tracks.lane("", "", tracks.columns_named(names), 20), tracks.LEAST_ZOOMS
    marks = [tracks.Mark(name, i, i + 1) for i, name in enumerate(names) if name]
    axis, placed, zooms = tracks.lay_out(marks, len(names))
    content, height = tracks.words_on(axis, placed, [mark.text for mark in marks], seek=False)
    return tracks.lane("", "", content, height), zooms


@dataclass(frozen=True)
class StepRow:
    """One row of the table of steps.

    parts : {colour: (steps,) values at least 0}, on top of each other; most : the value that fills the height
    """

    title: str
    parts: dict[str, np.ndarray]
    most: float


def steps(
    names: Sequence[str],
    rows: Sequence[StepRow],
    spoken: str,
    language: str,
    *,
    in_words: bool = False,
    zoom: bool = True,
) -> str:
    """A lane a row with an upright bar a step, the steps' names below, and the same numbers as a table.

    names : one or "" a step, `in_words` where they are words; spoken : what is shown, unique on the page
    """
    below, zooms = _names_below(names, in_words)
    lanes = "".join(tracks.lane(row.title, "", _uprights(row, language), UPRIGHT) for row in rows)
    drawn = charts.zoomable(spoken, lanes + below, zooms if zoom else (), language)
    return drawn + _numbers(names, rows, spoken, language)


def _uprights(row: StepRow, language: str) -> str:
    means = {colour: float(series.mean()) if len(series) else 0.0 for colour, series in row.parts.items()}
    values = ", ".join(_part(colour, value, language) for colour, value in means.items())
    said = words.say("why_on_average", language, title=row.title, values=values)
    columns = "".join(
        "<span>"
        + "".join(
            f'<i class="fb-{colour}" style="height:{100 * min(value / row.most, 1):.1f}%"></i>'
            for colour, value in reversed(list(zip(row.parts, step, strict=True)))
        )
        + "</span>"
        for step in zip(*row.parts.values(), strict=True)
    )
    return f'<div class="fb-uprights" role="img" aria-label="{escape(said)}">{columns}</div>'


def _part(colour: str, value: float, language: str) -> str:
    return number(value) if colour == INK else f"{words.modality_name(colour, language)} {number(value)}"


def _numbers(names: Sequence[str], rows: Sequence[StepRow], spoken: str, language: str) -> str:
    """The numbers of steps, for those who cannot see the bars, or want them all."""
    heads, series = [words.say("why_step", language)], []
    for row in rows:
        for colour, values in row.parts.items():
            name = f": {words.modality_name(colour, language)}" if len(row.parts) > 1 else ""
            heads.append(row.title + name)
            series.append(values)
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name) or "·"}</th>'
        f"{''.join(f'<td>{number(float(values[index]))}</td>' for values in series)}</tr>"
        for index, name in enumerate(names)
    )
    summary = words.say("why_table", language)
    table = f'<table class="fb-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return (
        f'<details class="fb-numbers"><summary>{escape(summary)}</summary>'
        f"{charts.scrolling(f'{spoken}: {summary}', table)}</details>"
    )


def shaded(names: Sequence[str], shares: Sequence[float], colour: str) -> str:
    """Words shaded by their share of the largest of `shares`, at least 0, which stands behind each."""
    most = max(shares, default=0.0) or 1.0
    marks = " ".join(
        f'<span class="fb-shaded fb-by-{colour}" style="--fb-share:{share / most:.3f}">'
        f"{escape(name) or '·'} <small>{number(share)}</small></span>"
        for name, share in zip(names, shares, strict=True)
    )
    return f'<p class="fb-shading">{marks}</p>'
