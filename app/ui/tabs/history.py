"""The tab that lists the answers of this visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr

from app.ui import words
from app.ui.records import Record
from app.ui.templates import fill


@dataclass(frozen=True)
class HistoryTab:
    """The components of the tab.

    given : gets, as JSON, the answers that the browser holds
    opener : clicked, out of sight, to set one of them beside the answer on the page
    """

    given: gr.Textbox
    opener: gr.Button
    remember: gr.Checkbox
    forget: gr.Button
    listed: gr.HTML


def build() -> HistoryTab:
    """The tab, before anything was asked."""
    gr.HTML(f'<p class="fb-plain">{words.label("history_about")}</p>')
    with gr.Row(elem_id="history-keep"):
        remember = gr.Checkbox(
            False, label=words.label("history_remember"), container=False, elem_id="history-remember", scale=3
        )
        forget = gr.Button(
            words.label("history_forget"), size="sm", min_width=90, elem_id="history-forget", scale=1
        )
    listed = gr.HTML("", elem_id="history")
    given = gr.Textbox("", visible="hidden")
    opener = gr.Button(visible="hidden", elem_id="history-opener")
    return HistoryTab(given, opener, remember, forget, listed)


def draw(records: list[Record], titles: Mapping[str, str], language: str) -> str:
    """The list as HTML, the latest first. titles : of the methods."""
    if not records:
        return fill("charts.empty", language, said=words.say("history_empty", language))
    return fill("history.table", language, records=list(enumerate(records))[::-1], titles=titles)
