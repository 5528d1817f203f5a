"""Three switches, beside each its share of certainty, its guess and its worth; and every subset's score."""

from __future__ import annotations

from itertools import combinations

import gradio as gr

from app.ui import words
from app.ui.page_state import PageState
from app.ui.panels import Panel
from app.ui.templates import fill

Switches = list[gr.Checkbox]

# All three first, then pairs, then one alone: from the fullest answer to the barest.
SUBSETS = [subset for size in (3, 2, 1) for subset in combinations(words.MODALITIES, size)]


def build() -> tuple[Panel, Switches]:
    """The panel and its switches, in modality order."""
    switches, meters = [], []
    heading = gr.HTML(_heading(None, words.ENGLISH), elem_id="fuses")
    for modality in words.MODALITIES:
        with gr.Row(elem_classes=["fb-fuse", f"fb-fuse-{modality}"]):
            key = "audio_name" if modality == "audio" else modality
            switches.append(
                gr.Checkbox(
                    value=True,
                    interactive=False,
                    label=words.label(key),
                    container=False,
                    min_width=0,
                    elem_id=f"switch-{modality}",
                    elem_classes=["fb-switch"],
                )
            )
            meters.append(gr.HTML(_meter(None, modality, words.ENGLISH), elem_id=f"meter-{modality}"))
    with gr.Accordion(words.label("subsets"), elem_id="subsets-fold"):
        subsets = gr.HTML(_subsets(None, words.ENGLISH), elem_id="subsets")
    panel = Panel(
        per_answer=[heading, *meters, subsets],
        render_answer=lambda state, language: [
            _heading(state, language),
            *(_meter(state, modality, language) for modality in words.MODALITIES),
            _subsets(state, language),
        ],
        per_clip=list(switches),
        render_clip=lambda state, language: [_switch(state, modality) for modality in words.MODALITIES],
    )
    return panel, switches


def columns(state: PageState | None, language: str) -> dict[str, tuple[str, str]]:
    """{column: its name and what it means, in a sentence}, from left to right."""
    kind, method = (state.analysis.weights_kind, state.title) if state else (None, "")
    named = {
        key: (words.say(key, language), words.say(f"{key}_hint", language))
        for key in (("sure", "guess") if known_certainty(state) else ()) + ("alone", "counts")
    }
    if kind and words.own_column(kind) is None:
        named["sure"] = (named["sure"][0], words.say("sure_hint_fusion", language, method=method))
    elif kind:
        hint = words.say("own_hint", language, method=method)
        named["own"] = (words.weights_name(kind, language), hint)
    return named


def known_certainty(state: PageState | None) -> bool:
    """Whether there is anything to say of how sure each modality is; before an answer, it is expected."""
    return state is None or state.analysis.certain


def _switch(state: PageState | None, modality: str) -> dict:
    if state is None:
        return gr.update(value=True, interactive=False)
    return gr.update(value=modality in state.on, interactive=state.analysis.modalities[modality].present)


def _heading(state: PageState | None, language: str) -> str:
    named = columns(state, language)
    return fill("fuses.heading", language, columns=named, certain=known_certainty(state))


def _meter(state: PageState | None, modality: str, language: str) -> str:
    return fill(
        "fuses.meter",
        language,
        modality=modality,
        part=state.analysis.modalities[modality] if state else None,
        used=state is not None and state.uses(modality),
        columns=columns(state, language),
        imagined=state.analysis.imagined.get(modality) if state and state.on else None,
    )


def _subsets(state: PageState | None, language: str) -> str:
    """Seven rows, the one in force marked; a subset with a modality that is not there has no score."""
    answers = state.analysis.subsets if state else {}
    rows = [(subset, answers.get("+".join(subset))) for subset in SUBSETS]
    return fill("fuses.subsets", language, rows=rows, on=state.on if state else None)
