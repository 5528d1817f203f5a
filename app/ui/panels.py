"""How a part of the page takes part in showing answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from app.ui import words
from app.ui.controller import Controller
from app.ui.page_state import PageState
from app.ui.templates import fill
from app.ui.uploads import UploadSessions

Render = Callable[[PageState | None, str], list]


@dataclass(frozen=True)
class Panel:
    """A part of the page that shows answers; each renderer gives one value for each of its components.

    per_answer, render_answer : repainted with every answer, so a switch must repaint them in milliseconds
    per_clip, render_clip : repainted when the input or its words change, and left alone by switch and method
    """

    per_answer: list[Component] = field(default_factory=list)
    render_answer: Render = lambda state, language: []
    per_clip: list[Component] = field(default_factory=list)
    render_clip: Render = lambda state, language: []


@dataclass(frozen=True)
class TabContext:
    """What a tab is built over: who answers, whose files are whose, and what holds answer and language."""

    controller: Controller
    uploads: UploadSessions
    page_state: gr.State
    language: gr.Radio


@dataclass(frozen=True)
class LazyTab:
    """What a tab below the answer shows, filled only while it is open: what nobody looks at costs nothing.

    name : of the tab, also the key of its title
    components, render : what it shows, and one value for each; render may take seconds and may raise gr.Error
    controls : what the visitor sets in the tab; render gets their values after the visit
    asking : those of them that fill the tab anew when they change
    """

    name: str
    components: Sequence[Block]
    render: Callable[..., list]
    controls: list[Component] = field(default_factory=list)
    asking: list[gr.Checkbox | gr.Number | gr.Radio | gr.Slider] = field(default_factory=list)


def nothing_yet(state: PageState | None, language: str) -> str:
    """What a tab says while there is no answer to look into: none yet, or all switched off."""
    said = words.say("nothing_yet" if state is None else "all_out", language)
    return fill("charts.empty", language, said=said)


def components(panels: list[Panel], *, clip: bool) -> list[Component]:
    """Every component that `paint` has a value for."""
    return [c for p in panels for c in (*p.per_answer, *(p.per_clip if clip else ()))]


def paint(
    panels: list[Panel], state: PageState | None, language: str, *, clip: bool
) -> dict[Component, object]:
    """New values of the panels' components; `clip` False leaves out what a switch does not change."""
    values = {}
    for panel in panels:
        values |= zip(panel.per_answer, panel.render_answer(state, language), strict=True)
        if clip:
            values |= zip(panel.per_clip, panel.render_clip(state, language), strict=True)
    return values
