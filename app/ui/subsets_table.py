"""The chosen method's answer from every subset of the modalities, as one small table."""

from __future__ import annotations

from html import escape
from itertools import combinations

from app.ui import charts, words
from app.ui.shown import Shown

# All three first, then pairs, then one alone: from the fullest answer to the barest.
SUBSETS = [subset for size in (3, 2, 1) for subset in combinations(words.MODALITIES, size)]


def render(shown: Shown | None, language: str) -> str:
    """Seven rows, the one in force marked; a subset with a modality that is not there has no score."""
    rows = "".join(_row(shown, subset, language) for subset in SUBSETS)
    head = "".join(
        f'<th scope="col">{words.say(f"subsets_{key}", language)}</th>' for key in ("name", "score", "scale")
    )
    title = words.say("subsets", language)
    return (
        f'<table class="fb-table fb-subsets"><caption class="fb-spoken">{title}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(shown: Shown | None, subset: tuple[str, ...], language: str) -> str:
    answer = shown.analysis.subsets.get("+".join(subset)) if shown else None
    current = shown is not None and shown.on == subset
    fuses = "".join(f'<i class="fb-{m if m in subset else "hatched"}"></i>' for m in words.MODALITIES)
    score, scale = "–", '<div class="fb-track fb-thin"></div>'
    if answer:
        score = words.signed(answer.score)
        spoken = words.interval_of(answer.interval, language)
        scale = charts.track(answer.score, answer.interval, spoken)
    name = escape(words.names(subset, language))
    return (
        f'<tr{" aria-current=true" if current else ""}><th scope="row"><span class="fb-mark fb-level"'
        f' aria-hidden="true">{fuses}</span>{name}</th><td><b>{score}</b></td><td>{scale}</td></tr>'
    )
