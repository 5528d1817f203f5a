"""How a part of the page takes part in showing answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import gradio as gr
from gradio.components import Component

from app.ui.answering import Answering
from app.ui.shown import Shown

Render = Callable[[Shown | None, str], list]


@dataclass(frozen=True)
class Panel:
    """A part of the page that shows answers; each renderer gives one value for each of its components.

    per_answer, render_answer : repainted with every answer, so a switch must repaint them in milliseconds
    per_clip, render_clip : repainted when the input or its words change, and left alone by switch and method
    """

    per_answer: list[Component] = field(default_factory=list)
    render_answer: Render = lambda shown, language: []
    per_clip: list[Component] = field(default_factory=list)
    render_clip: Render = lambda shown, language: []


@dataclass(frozen=True)
class Desk:
    """What a deep panel is built over: who answers, the answer shown now, the language switch."""

    answering: Answering
    shown: gr.State
    language: gr.Radio


@dataclass(frozen=True)
class DeepPanel:
    """A tab below the answer, filled only while it is open, so that what nobody looks at costs nothing.

    name : of the tab, also the key of its title
    components, render : what it shows, and one value for each; render may take seconds and may raise gr.Error
    controls : what the visitor sets in the tab; render gets their values after the visit
    asking : those of them that fill the tab anew when they change
    """

    name: str
    components: list[Component]
    render: Callable[..., list]
    controls: list[Component] = field(default_factory=list)
    asking: list[Component] = field(default_factory=list)


def components(panels: list[Panel], *, clip: bool) -> list[Component]:
    """Every component that `paint` has a value for."""
    return [c for p in panels for c in (*p.per_answer, *(p.per_clip if clip else ()))]


def paint(panels: list[Panel], shown: Shown | None, language: str, *, clip: bool) -> dict[Component, object]:
    """New values of the panels' components; `clip` False leaves out what a switch does not change."""
    values = {}
    for panel in panels:
        values |= zip(panel.per_answer, panel.render_answer(shown, language), strict=True)
        if clip:
            values |= zip(panel.per_clip, panel.render_clip(shown, language), strict=True)
    return values
