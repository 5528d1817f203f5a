"""The two public endpoints, for the Python client, curl and other programs; they speak English."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import gradio as gr

from app.ui import words
from app.ui.answering import in_plain_words
from app.ui.wiring import ANALYSES, AT_ONCE

if TYPE_CHECKING:
    from app.service.analyst import Analyst


def as_text(message: str) -> gr.Error:
    """An error for a program, which shows no HTML."""
    return gr.Error(message, print_exception=False)


def add_endpoints(analyst: Analyst, methods: list[dict], chosen: str) -> None:
    """Add `/analyze` and `/methods` to the Blocks being built; `methods` are those that can be chosen."""

    def analyze(
        clip: str | None = None,
        audio: str | None = None,
        text: str | None = None,
        method: str | None = chosen,
        modalities: list[str] = list(words.MODALITIES),  # noqa: B006 - read only, and shown as the default
    ) -> dict:
        """Sentiment of one clip, by one method, from the chosen modalities.

        Parameters:
            clip: video file with or without sound (mp4, webm, mov, mkv, avi), or None
            audio: sound file that replaces the clip's own sound, or None
            text: the words that are spoken; "" for none, None for speech recognition
            method: name of a fusion method, see /methods; None for the default
            modalities: which of "text", "audio" and "vision" to use
        Returns:
            score in [-3, 3], label, 80 % interval, transcript; for each modality whether it is present and
            used, its entropy, probabilities, weight, score alone and occlusion; imagined: for each one that
            is off or absent, polarity and nearest phrase of what MFM imagines; timings_ms and warnings
        """
        session = f"api-{uuid.uuid4()}"  # a call is one session: what was computed for it goes with it
        try:
            with in_plain_words(words.ENGLISH, as_text):
                return analyst.analyze(
                    video=clip,
                    audio=audio,
                    text=text,
                    method=method or chosen,
                    modalities=modalities,
                    session=session,
                ).to_json()
        finally:
            analyst.forget(session)

    def describe_methods() -> list[dict]:
        """Every fusion method: name, title, paper, year, kind of weights, parameters and test figures."""
        return methods

    with gr.Row(visible=False):
        inputs = [
            gr.File(label="clip"),
            gr.File(label="audio"),
            gr.Textbox(value=None, label="text"),
            gr.Dropdown([entry["name"] for entry in methods], value=chosen, label="method"),
            gr.CheckboxGroup(list(words.MODALITIES), value=list(words.MODALITIES), label="modalities"),
        ]
        answer = gr.JSON(label="analysis")
        gr.Button().click(
            analyze, inputs, answer, api_name="analyze", concurrency_id=ANALYSES, concurrency_limit=AT_ONCE
        )
    gr.api(describe_methods, api_name="methods")
