"""An answer that the visitor keeps beside the next ones, and the link to what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr

from app.ui import words
from app.ui.page_state import PageState
from app.ui.panels import Panel
from app.ui.records import Record, differences
from app.ui.templates import fill


@dataclass(frozen=True)
class BesidePanel:
    """The components below the answer.

    latest : holds the answer on the page as a `Record`, kept : the one beside it; "" for none
    link : gets the part of the page's address that says what to ask
    told : what is said of all this, beside the buttons
    """

    panel: Panel
    latest: gr.Textbox
    kept: gr.Textbox
    link: gr.Textbox
    keep: gr.Button
    remove: gr.Button
    copy: gr.Button
    told: gr.HTML
    shown: gr.HTML


def build() -> BesidePanel:
    """The panel, before anything is kept."""
    latest, kept, link = (gr.Textbox("", visible="hidden") for _ in range(3))
    with gr.Row(elem_id="beside-buttons"):
        keep = gr.Button(words.label("beside_keep"), size="sm", min_width=0, elem_id="beside-keep")
        remove = gr.Button(
            words.label("beside_remove"), size="sm", min_width=0, visible=False, elem_id="beside-remove"
        )
        copy = gr.Button(words.label("link_copy"), size="sm", min_width=0, elem_id="link-copy")
        told = gr.HTML(tell(""), elem_id="beside-told")
    shown = gr.HTML("", elem_id="beside")
    panel = Panel(per_answer=[latest], render_answer=lambda state, language: [_as_record(state)])
    return BesidePanel(panel, latest, kept, link, keep, remove, copy, told, shown)


def tell(text: str) -> str:
    """What stands beside the buttons, read aloud when it changes."""
    return fill("history.told", words.ENGLISH, text=text)


def draw(kept: Record | None, now: Record | None, titles: Mapping[str, str], language: str) -> str:
    """Two answers beside each other as HTML; "" where none is kept. titles : of the methods."""
    if kept is None:
        return ""
    told = differences(kept, now, titles, language) if now else []
    return fill("history.beside", language, kept=kept, now=now, told=told, titles=titles)


def _as_record(state: PageState | None) -> str:
    return Record.of(state).to_json() if state and state.on else ""
