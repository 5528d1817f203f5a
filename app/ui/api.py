"""The two public endpoints, for the Python client, curl and other programs; they speak English."""

from __future__ import annotations

from inspect import getdoc
from typing import TYPE_CHECKING

import gradio as gr
from gradio.events import api

from app.rest.visitors import Visitors
from app.service.query import Query
from app.ui import words
from app.ui.blocks import as_data
from app.ui.controller import in_plain_words
from app.ui.events.context import ANALYSES, AT_ONCE
from app.ui.page_state import visitor_of
from app.ui.uploads import UploadSessions
from models.catalogue import MethodInfo

if TYPE_CHECKING:
    from app.service.analyst import Analyst


EXAMPLE = "I loved every minute of it."


def add_endpoints(
    analyst: Analyst, methods: list[MethodInfo], chosen: str, uploads: UploadSessions, visitors: Visitors
) -> None:
    """Add `/analyze` and `/methods` to the Blocks being built; `methods` are those that can be chosen."""

    def analyze(
        request: gr.Request,
        clip: str | None = None,
        audio: str | None = None,
        text: str | None = None,
        method: str | None = chosen,
        modalities: list[str] = list(words.MODALITIES),  # noqa: B006 - read only, and shown as the default
        face: int | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> dict:
        """Sentiment of one clip, by one method, from the chosen modalities.

        Parameters:
            clip: video file with or without sound (mp4, webm, mov, mkv, avi), or None
            audio: sound file that replaces the clip's own sound, or None
            text: the words that are spoken; "" for none, None for speech recognition
            method: name of a fusion method, see /methods; None for the default
            modalities: which of "text", "audio" and "vision" to use
            face: number of the face to look at, from 1 as in `faces`; None for the one that speaks
            start: seconds of the files that are left out; None for none
            end: second where what is read ends; None for the end of the clip
        Returns:
            score in [-3, 3], label, 80 % interval, transcript; for each modality whether it is present and
            used, its entropy, probabilities, weight, score alone and occlusion; imagined: for each one that
            is off or absent, polarity and nearest phrase of what MFM imagines; faces: how many there are,
            which is used and which speaks; timings_ms and warnings
        Raises:
            gradio_client.exceptions.AppError, whose `message` is {"code", "message", "values"}: what was
            wrong with the input, and what would work
        """
        with uploads.call(clip, audio) as session, in_plain_words(words.ENGLISH, as_data):
            visitors.admit(visitor_of(request, visitors))
            asked = words.MODALITIES if modalities is None else modalities
            # the query itself tells what is no modality
            query = Query(clip, audio, text, method or chosen, asked, face, start or 0.0, end)  # pyright: ignore[reportArgumentType]
            return analyst.analyze(query, session=session, only_asked=True).to_json()

    def describe_methods() -> list[dict]:
        """Every fusion method: name, title, paper, year, kind of weights, parameters and test figures."""
        return [method.to_json() for method in methods]

    with gr.Row(visible=False):
        inputs = [
            gr.File(label="clip"),
            gr.File(label="audio"),
            gr.Textbox(value=None, label="text"),
            # what is not among the choices is told like any other error, not by Gradio's traceback
            gr.Dropdown(
                [method.spec.name for method in methods],
                value=chosen,
                label="method",
                allow_custom_value=True,
            ),
            gr.Dropdown(
                list(words.MODALITIES),
                value=list(words.MODALITIES),
                multiselect=True,
                label="modalities",
                allow_custom_value=True,
            ),
            gr.Number(value=None, label="face"),
            gr.Number(value=None, label="start"),
            gr.Number(value=None, label="end"),
        ]
        # the call that the page's own documentation prints: one that can be made, without a file of Gradio's
        examples = (None, None, EXAMPLE, chosen, ["text"], None, None, None)
        for component, example in zip(inputs, examples, strict=True):
            component.example_payload = lambda example=example: example
        answer = gr.JSON(label="analysis")
        gr.Button().click(
            analyze,
            inputs,
            answer,
            api_name="analyze",
            api_description=getdoc(analyze),  # all of it; by itself Gradio shows the first sentence
            concurrency_id=ANALYSES,
            concurrency_limit=AT_ONCE,
        )
    api(describe_methods, api_name="methods")
