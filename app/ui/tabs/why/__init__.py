"""The tab that shows how the chosen method came to its score: its own traces, under its own names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import gradio as gr

from app.service.traces import Traces, read_traces
from app.ui import words
from app.ui.page_state import PageState, Visit
from app.ui.panels import LazyTab, TabContext, nothing_yet
from app.ui.tabs.why import attending, deciding, multiplying, other, stepping
from app.ui.tabs.why.figures import Figure
from app.ui.templates import fill
from models.fusion.spec import ModelSpec

# {method: what draws its traces, from them and the language}; any other method is drawn by `other.view`
VIEWS: dict[str, Callable[[Traces, str], list[Figure]]] = {
    "lmf": multiplying.lmf,
    "tfn": multiplying.tfn,
    "ef_lstm": stepping.ef_lstm,
    "mfn": stepping.mfn,
    "mfm": partial(stepping.mfm, encoder=stepping.mfn),
    "mfm_ef_lstm": partial(stepping.mfm, encoder=stepping.ef_lstm),
    "mfm_tfn": stepping.mfm,
    "mla": deciding.mla,
    "qmf": deciding.qmf,
    "late": deciding.late,
    "mclea": deciding.mclea,
    "mmin": deciding.mmin,
    "lrcmt": attending.lrcmt,
    "tfr_net": attending.tfr_net,
    "tate": attending.tate,
    "meaformer": attending.meaformer,
}


def build(context: TabContext) -> LazyTab:
    """The tab, empty until there is an answer."""
    described = context.controller.methods

    def render(state: PageState | None, visit: Visit) -> list[str]:
        if state is None or not state.on:
            return [nothing_yet(state, visit.language)]
        traces = read_traces(*context.controller.open(state, visit))
        return [explain(traces, described[traces.method].spec, visit.language)]

    return LazyTab("why", [gr.HTML(nothing_yet(None, words.ENGLISH), elem_id="why")], render)


def explain(traces: Traces, spec: ModelSpec, language: str) -> str:
    """The traces of a method and where it comes from, `spec` being its entry in the registry.

    A phrase that a method does not have is that of any method, or left out.
    """
    read, origin = f"why_read_{traces.method}", f"why_origin_{spec.name}"
    return fill(
        "why.tab",
        language,
        spec=spec,
        score=traces.score,
        used=traces.used,
        how_to_read=words.say(read if words.known(read) else "why_read_other", language),
        figures=VIEWS.get(traces.method, other.view)(traces, language),
        caveat=words.say(origin, language) if words.known(origin) else None,
    )
