"""The tab that puts every method's answer to this clip side by side, with the figures of its card.

Below it, the methods' errors when something is missing, which no clip changes.
"""

from __future__ import annotations

from functools import cache
from statistics import median

import gradio as gr

from app.service.analysis import side_of
from app.service.comparison import MethodAnswer, compare
from app.service.leaderboard import leaderboard
from app.ui import words
from app.ui.page_state import PageState, Visit
from app.ui.panels import LazyTab, TabContext, nothing_yet
from app.ui.templates import fill
from models.catalogue import MethodInfo

MISSING = (  # columns of what is there, and the mean over all but the first
    "text+audio+vision",
    "text+audio",
    "text+vision",
    "audio+vision",
    "text",
    "mean of the six",
)
ORDERS = ("score", "title", "year", "mae", "distance")  # what the rows can be sorted by


def build(context: TabContext) -> LazyTab:
    """The tab, empty until there is an answer."""
    described = context.controller.available

    def render(state: PageState | None, visit: Visit, sort_by: str = ORDERS[0]) -> list[str]:
        if state is None or not state.on:
            return [nothing_yet(state, visit.language), missing_in(visit.language)]
        utterance, _, used = context.controller.open(state, visit)
        answers = compare(utterance, used, context.controller.analyst.checkpoint, described)
        return [_draw(answers, described, state, sort_by, visit.language), missing_in(visit.language)]

    @cache
    def missing_in(language: str) -> str:
        board = leaderboard()
        if board is None:
            return ""
        rows = [(row, described[row.method].spec) for row in board.rows if row.method in described]
        return fill("compare.missing", language, rows=rows, columns=MISSING, seeds=board.seeds)

    order = gr.Radio(
        [(words.label(f"compare_by_{key}"), key) for key in ORDERS],
        value=ORDERS[0],
        label=words.label("compare_sort"),
        elem_id="compare-sort",
    )
    table = gr.HTML(nothing_yet(None, words.ENGLISH), elem_id="compare")
    missing = gr.HTML("", elem_id="compare-missing")
    return LazyTab("compare", [table, missing], render, controls=[order], asking=[order])


def _draw(
    answers: list[MethodAnswer],
    described: dict[str, MethodInfo],
    state: PageState,
    sort_by: str,
    language: str,
) -> str:
    scores = [answer.score for answer in answers]
    middle = median(scores)
    figures = {answer.method: described[answer.method].held_out(state.on) for answer in answers}
    keys = {
        "score": lambda answer: -answer.score,
        "title": lambda answer: described[answer.method].title.lower(),
        "year": lambda answer: described[answer.method].spec.year,
        "mae": lambda answer: figures[answer.method].get("mae", [9.0])[0],
        "distance": lambda answer: abs(answer.score - middle),
    }
    rows = [
        (answer, described[answer.method], figures[answer.method])
        for answer in sorted(answers, key=keys[sort_by])
    ]
    return fill(
        "compare.tab",
        language,
        rows=rows,
        on=state.on,
        chosen=state.query.method,
        agreement=_agreement(scores, middle, language),
        seeds=_seeds(described),
    )


def _seeds(described: dict[str, MethodInfo]) -> str:
    counts = {(method.figures or {}).get("seeds", 0) for method in described.values()} - {0} or {0}
    return "–".join(str(count) for count in sorted({min(counts), max(counts)}))


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
