"""What the answer rests on: the faces found, the voice as a log-mel picture, and the time each stage took."""

from __future__ import annotations

import gradio as gr

from app.ui import words
from app.ui.page_state import PageState
from app.ui.panels import Panel
from app.ui.templates import fill


def build() -> tuple[Panel, gr.Radio]:
    """The panel, as first shown to a visitor who reads English, and the choice among several faces."""
    with gr.Row(elem_id="evidence"):
        with gr.Column(min_width=240):
            faces = gr.HTML(_faces(None, words.ENGLISH), elem_id="faces")
            face = gr.Radio(label=words.label("faces_choice"), visible=False, elem_id="face")
        with gr.Column(min_width=240):
            voice = gr.HTML(_voice(None, words.ENGLISH), elem_id="voice")
    heading = gr.HTML(_timings_heading(None, words.ENGLISH), elem_id="timings-heading")
    timings = gr.HTML(_timings(None, words.ENGLISH), elem_id="timings")
    panel = Panel(
        per_clip=[faces, face, voice, heading, timings],
        render_clip=lambda state, language: [
            _faces(state, language),
            _choice(state, language),
            _voice(state, language),
            _timings_heading(state, language),
            _timings(state, language),
        ],
    )
    return panel, face


def _faces(state: PageState | None, language: str) -> str:
    if state is None or state.analysis.crops is None or not len(state.analysis.crops):
        return _nothing("faces", state, language)
    analysis = state.analysis
    return fill(
        "evidence.faces", language, crops=analysis.crops, times=analysis.crop_times, faces=analysis.faces
    )


def _choice(state: PageState | None, language: str) -> dict:
    """The faces to choose from, hidden where there are not several."""
    found = state.analysis.faces if state else None
    if found is None or found.count < 2:
        return gr.update(visible=False, choices=[], value=None)

    def name(number: int) -> str:
        key = "face_number_speaking" if number == found.speaking else "face_number"
        return words.say(key, language, number=number)

    choices = [(name(number), number) for number in range(1, found.count + 1)]
    return gr.update(visible=True, choices=choices, value=found.used)


def _voice(state: PageState | None, language: str) -> str:
    log_mel = state.analysis.log_mel if state else None
    if log_mel is None:
        return _nothing("log_mel", state, language)
    return fill("evidence.voice", language, log_mel=log_mel)


def _nothing(key: str, state: PageState | None, language: str) -> str:
    return fill("evidence.nothing", language, key=key, waiting=state is None)


def _timings_heading(state: PageState | None, language: str) -> str:
    spent = state.analysis.timings_ms if state else {}
    seconds = sum(spent.values()) / 1000
    caption = words.say("timings_all", language, seconds=f"{seconds:.2f}") if state else ""
    return fill("charts.heading", language, title=words.say("timings", language), caption=caption)


def _timings(state: PageState | None, language: str) -> str:
    """A bar for each stage that took time, in the colour of the modality it works for; "" where none did."""
    spent = state.analysis.timings_ms if state else {}
    stages = {name: ms for name, ms in spent.items() if ms > 0}
    return fill("evidence.timings", language, stages=stages) if stages else ""
