"""The tab that puts every method's answer to this clip side by side, with the figures of its card."""

from __future__ import annotations

from html import escape
from statistics import median

import gradio as gr

from app.service.analysis import side_of
from app.service.comparing import MethodAnswer, compare
from app.ui import charts, words
from app.ui.panels import DeepPanel, Desk
from app.ui.shown import Shown, Visit
from models.catalogue import MethodInfo

ORDERS = ("score", "title", "year", "mae", "distance")  # what the rows can be sorted by
COLUMNS = ("method", "score", "scale", "weights", "mae", "corr")
EXPLAINED = ("weights", "mae", "corr")  # columns whose names do not say it all


def build(desk: Desk) -> DeepPanel:
    """The panel, empty until there is an answer."""
    described = desk.answering.available

    def render(shown: Shown | None, visit: Visit, sort_by: str = ORDERS[0]) -> list[str]:
        if nothing := charts.nothing_yet(shown, visit.language):
            return [nothing]
        utterance, _, used = desk.answering.open(shown, visit)
        answers = compare(utterance, used, desk.answering.analyst.checkpoint, described)
        return [_table(answers, described, shown, sort_by, visit.language)]

    order = gr.Radio(
        [(words.label(f"compare_by_{key}"), key) for key in ORDERS],
        value=ORDERS[0],
        label=words.label("compare_sort"),
        elem_id="compare-sort",
    )
    table = gr.HTML(charts.nothing_yet(None, words.ENGLISH), elem_id="compare")
    return DeepPanel("compare", [table], render, controls=[order], asking=[order])


def _table(
    answers: list[MethodAnswer], described: dict[str, MethodInfo], shown: Shown, sort_by: str, language: str
) -> str:
    scores = [answer.score for answer in answers]
    middle = median(scores)
    figures = {answer.method: _figures(described[answer.method], shown.on) for answer in answers}
    keys = {
        "score": lambda answer: -answer.score,
        "title": lambda answer: described[answer.method].spec.title.lower(),
        "year": lambda answer: described[answer.method].spec.year,
        "mae": lambda answer: figures[answer.method].get("mae", [9.0])[0],
        "distance": lambda answer: abs(answer.score - middle),
    }
    ordered = sorted(answers, key=keys[sort_by])
    rows = "".join(
        _row(answer, described[answer.method], figures[answer.method], shown, language) for answer in ordered
    )
    seeds = _seeds(described)
    names = {key: words.say(f"compare_{key}", language) for key in COLUMNS}
    hints = {key: words.say(f"compare_{key}_hint", language, seeds=seeds) for key in EXPLAINED}
    heads = "".join(
        f'<th scope="col">{charts.help_button(name, f"compare-{key}") if key in hints else escape(name)}</th>'
        for key, name in names.items()
    )
    helps = "".join(charts.help_text(names[key], f"compare-{key}", hint) for key, hint in hints.items())
    subset = words.say("compare_subset", language, names=words.names(shown.on, language))
    title = words.say("compare_title", language)
    table = f'<table class="fb-table fb-compare"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return (
        f'<h2 class="fb-title">{title}<small>{escape(subset)}</small></h2>'
        f'<p class="fb-plain">{escape(_agreement(scores, middle, language))}</p>'
        f"{charts.scrolling(title, table)}"
        f'{helps}<p class="fb-small">{words.say("compare_note", language)}</p>'
    )


def _row(answer: MethodAnswer, method: MethodInfo, figures: dict, shown: Shown, language: str) -> str:
    spec = method.spec
    title = f'<a href="{escape(spec.url)}" target="_blank" rel="noopener">{escape(spec.title)}</a>'
    chosen = answer.method == shown.query.method
    mark = f" <small>{words.say('compare_chosen', language)}</small>" if chosen else ""
    score = words.signed(answer.score)
    said = words.interval_of(answer.interval, language)
    spoken = words.say("compare_row", language, title=spec.title, score=score, interval=said)
    cells = (
        f'<th scope="row">{title}{mark}</th>',
        f"<td><b>{score}</b></td>",
        f"<td>{charts.track(answer.score, answer.interval, spoken)}</td>",
        f"<td>{_weights(answer, language)}</td>",
        *(f"<td>{_figure(figures.get(name), method.figures)}</td>" for name in ("mae", "corr")),
    )
    return f"<tr{' aria-current=true' if chosen else ''}>{''.join(cells)}</tr>"


def _weights(answer: MethodAnswer, language: str) -> str:
    if answer.own_weights is None:
        return "–"
    return charts.shares({str(m): value for m, value in answer.own_weights.items()}, language)


def _figures(method: MethodInfo, on: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """{metric: (mean, spread over seeds)} on unseen speakers with the modalities `on`; empty without such."""
    return method.figures.get("clips", {}).get("+".join(on), {})


def _seeds(described: dict[str, MethodInfo]) -> str:
    counts = {method.figures.get("seeds", 0) for method in described.values()} - {0} or {0}
    return "–".join(str(count) for count in sorted({min(counts), max(counts)}))


def _figure(mean_and_spread: tuple[float, float] | None, measured: dict) -> str:
    if mean_and_spread is None:
        return "–"
    mean, spread = mean_and_spread
    return f"{mean:.3f} <small>± {spread:.3f}</small>" if measured["seeds"] > 1 else f"{mean:.3f}"


def _agreement(scores: list[float], middle: float, language: str) -> str:
    sides = [side_of(score) for score in scores]
    side = side_of(middle)
    return words.say(
        "compare_agree",
        language,
        same=sides.count(side),
        count=len(sides),
        side=words.say(f"side_{side}", language),
        median=words.signed(middle),
        low=words.signed(min(scores)),
        high=words.signed(max(scores)),
    )
