"""The tab that shows how the chosen method came to its score: its own traces, under its own names."""

from __future__ import annotations

from html import escape

import gradio as gr

from app.service.traces import Traces, read_traces
from app.ui import charts, words
from app.ui.panels import DeepPanel, Desk
from app.ui.phrases import PHRASES
from app.ui.shown import Shown, Visit
from app.ui.why import view_of
from models.fusion.spec import ModelSpec


def build(desk: Desk) -> DeepPanel:
    """The panel, empty until there is an answer."""
    described = desk.answering.methods

    def render(shown: Shown | None, visit: Visit) -> list[str]:
        if nothing := charts.nothing_yet(shown, visit.language):
            return [nothing]
        traces = read_traces(*desk.answering.open(shown, visit))
        return [explain(traces, described[traces.method].spec, visit.language)]

    return DeepPanel("why", [gr.HTML(charts.nothing_yet(None, words.ENGLISH), elem_id="why")], render)


def explain(traces: Traces, spec: ModelSpec, language: str) -> str:
    """The traces of a method and where it comes from, `spec` being its entry in the registry."""
    title = words.say("why_title", language, method=spec.title, score=words.signed(traces.score))
    subset = words.say("why_subset", language, names=words.names(traces.used, language))
    return (
        f'<h2 class="fb-title">{escape(title)}<small>{escape(subset)}</small></h2>'
        f'<p class="fb-plain">{escape(how_to_read(traces.method, language))}</p>'
        f"{view_of(traces, language)}{_origin(spec, language)}"
    )


def how_to_read(method: str, language: str) -> str:
    """One sentence or two on the method's traces; a method without its own has those of any."""
    key = f"why_read_{method}"
    return words.say(key if key in PHRASES else "why_read_other", language)


def _origin(spec: ModelSpec, language: str) -> str:
    """Paper, what is not the paper's, and where the implementation departs from it."""
    paper = f'<a href="{escape(spec.url)}" target="_blank" rel="noopener">{escape(spec.paper)}</a>'
    key = f"why_origin_{spec.name}"
    caveat = f"<p><b>{escape(words.say(key, language))}</b></p>" if key in PHRASES else ""
    departs = escape(words.say("why_departs", language))
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in spec.faithful)
    return (
        f'<section class="fb-why fb-origin">{caveat}'
        f'<p>{escape(words.say("why_paper", language))} <span lang="en">{paper}</span> ({spec.year})</p>'
        f'<p>{departs}</p><ul lang="en">{sentences}</ul></section>'
    )
