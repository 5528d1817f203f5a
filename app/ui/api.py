"""The two public endpoints, for the Python client, curl and other programs; they speak English."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import gradio as gr

from app.service.query import Query
from app.ui import words
from app.ui.answering import in_plain_words
from app.ui.uploads import UploadSessions
from app.ui.wiring import ANALYSES, AT_ONCE

MALFORMED = (
    "The arguments cannot be read: give clip and audio as handle_file(…) or as an uploaded file's "
    '{"path": …, "meta": {"_type": "gradio.FileData"}}, all others as text; see /gradio_api/info.'
)

if TYPE_CHECKING:
    from app.service.analyst import Analyst


def as_data(code: str, message: str, values: dict) -> gr.Error:
    """An error for a program: `code` stays the same in every version, `values` are those in the message."""
    return gr.Error({"code": code, "message": message, "values": values}, print_exception=False)


class Page(gr.Blocks):
    """Blocks that answer a call of the wrong shape with an error, and not with a traceback on the log.

    Of a session that is over they keep little. Gradio keeps every component and all that was painted in it,
    for links into the middle of a page, which this page does not have.
    """

    async def preprocess_data(self, block_fn, *args, **kwargs) -> list:
        """As Gradio's."""
        try:
            return await super().preprocess_data(block_fn, *args, **kwargs)
        except ValueError as error:
            if isinstance(error, gr.Error) or block_fn.api_visibility != "public":
                raise
            raise as_data("malformed", MALFORMED, {}) from error

    async def process_api(self, block_fn, *args, session_hash: str | None = None, **kwargs) -> dict:
        """As Gradio's; a program's call leaves no session behind."""
        try:
            return await super().process_api(block_fn, *args, session_hash=session_hash, **kwargs)
        finally:
            if block_fn.api_visibility == "public":
                self._drop(session_hash)

    def leave(self, session: str) -> None:
        """The visitor has left; an answer stays, for one whose connection was only lost."""
        kept = self.state_holder[session]
        kept.config_values.clear()
        kept.blocks_config = copy(self.default_config)
        if not kept.state_data:
            self._drop(session)

    def _drop(self, session: str | None) -> None:
        self.state_holder.session_data.pop(session, None)
        self.state_holder.time_last_used.pop(session, None)


def add_endpoints(analyst: Analyst, methods: list[dict], chosen: str, uploads: UploadSessions) -> None:
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
        Raises:
            gradio_client.exceptions.AppError, whose `message` is {"code", "message", "values"}: what was
            wrong with the input, and what would work
        """
        with uploads.call(clip, audio) as session, in_plain_words(words.ENGLISH, as_data):
            asked = words.MODALITIES if modalities is None else modalities
            query = Query(clip, audio, text, method or chosen, asked)
            return analyst.analyze(query, session=session, only_asked=True).to_json()

    def describe_methods() -> list[dict]:
        """Every fusion method: name, title, paper, year, kind of weights, parameters and test figures."""
        return methods

    with gr.Row(visible=False):
        inputs = [
            gr.File(label="clip"),
            gr.File(label="audio"),
            gr.Textbox(value=None, label="text"),
            # what is not among the choices is told like any other error, not by Gradio's traceback
            gr.Dropdown(
                [entry["name"] for entry in methods], value=chosen, label="method", allow_custom_value=True
            ),
            gr.Dropdown(
                list(words.MODALITIES),
                value=list(words.MODALITIES),
                multiselect=True,
                label="modalities",
                allow_custom_value=True,
            ),
        ]
        answer = gr.JSON(label="analysis")
        gr.Button().click(
            analyze, inputs, answer, api_name="analyze", concurrency_id=ANALYSES, concurrency_limit=AT_ONCE
        )
    gr.api(describe_methods, api_name="methods")
