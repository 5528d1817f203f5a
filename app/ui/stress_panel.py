"""The tab that disturbs one modality on purpose and shows what every method makes of it."""

from __future__ import annotations

import gradio as gr

from app.service.disturbing import KINDS
from app.service.stress import STRENGTHS, Stress, disturbed, stress, usable_kinds
from app.ui import charts, stress_pictures, words
from app.ui.answering import in_plain_words
from app.ui.panels import DeepPanel, Desk
from app.ui.shown import Shown, Visit

STEP = STRENGTHS[1]  # of the slider: every place on it has been computed
FIRST_STRENGTH = STRENGTHS[3]
SEEDS = 2**32


def build(desk: Desk) -> DeepPanel:
    """The panel, its controls out of sight until there is an answer."""
    answering = desk.answering
    analyst, titles, methods = answering.analyst, answering.titles, list(answering.available)

    def render(
        shown: Shown | None,
        visit: Visit,
        kind: str | None = None,
        strength: float = FIRST_STRENGTH,
        seed: float | None = 0,
    ) -> list:
        language = visit.language
        if nothing := charts.nothing_yet(shown, language):
            return [gr.Column(visible=False), gr.update(), gr.update(), None, "", nothing]
        offered = usable_kinds(shown.on)
        kind, strength = kind if kind in offered else offered[0], _notch(strength)
        progress = gr.Progress()

        def tell(stage: str, done: float) -> None:
            progress(done, desc=words.doing(stage, language))

        utterance, _, used = answering.open(shown, visit)
        found = stress(utterance, used, analyst.profile, analyst.checkpoint, methods, kind, _seed(seed), tell)
        given = disturbed(utterance, used, kind, strength, found.seed)
        by_chance = KINDS[kind].by_chance
        info = words.label("stress_seed_info" if by_chance else "stress_seed_unused")
        return [
            gr.Column(visible=True),
            gr.Radio(choices=[(words.label(f"stress_kind_{name}"), name) for name in offered], value=kind),
            gr.Number(interactive=by_chance, info=info),
            found,
            stress_pictures.not_offered(shown, language),
            stress_pictures.result(found, given, strength, shown, titles, language),
        ]

    def slide(
        shown: Shown | None, found: Stress | None, strength: float, language: str, request: gr.Request
    ) -> str | dict:
        if shown is None or not shown.on or found is None:
            return gr.skip()
        with in_plain_words(language):
            visit, strength = Visit.of(request, language), _notch(strength)
            utterance, _, used = answering.open(shown, visit)
            given = disturbed(utterance, used, found.kind, strength, found.seed)
            return stress_pictures.result(found, given, strength, shown, titles, language)

    with gr.Column(visible=False, elem_id="stress-controls") as controls:
        kind = gr.Radio(
            [(words.label(f"stress_kind_{name}"), name) for name in KINDS],
            value=next(iter(KINDS)),
            label=words.label("stress_kind"),
            elem_id="stress-kind",
        )
        unused = gr.HTML("", elem_id="stress-unused")
        with gr.Row():
            strength = gr.Slider(
                STRENGTHS[0],
                STRENGTHS[-1],
                value=FIRST_STRENGTH,
                step=STEP,
                label=words.label("stress_strength"),
                info=words.label("stress_strength_info"),
                buttons=[],
                scale=3,
                min_width=240,
                elem_id="stress-strength",
            )
            seed = gr.Number(
                0,
                precision=0,
                label=words.label("stress_seed"),
                info=words.label("stress_seed_info"),
                min_width=140,
                elem_id="stress-seed",
            )
    found = gr.State(None)
    result = gr.HTML(charts.nothing_yet(None, words.ENGLISH), elem_id="stress")
    components = [controls, kind, seed, found, unused, result]
    strength.input(
        slide,
        [desk.shown, found, strength, desk.language],
        result,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    return DeepPanel("stress", components, render, controls=[kind, strength, seed], asking=[kind, seed])


def _seed(given: float | None) -> int:
    """What is in the field as a seed, also while the visitor is still typing it."""
    return abs(int(given or 0)) % SEEDS


def _notch(strength: float) -> float:
    """The one of STRENGTHS that a place on the slider stands for."""
    return min(STRENGTHS, key=lambda known: abs(known - strength))
