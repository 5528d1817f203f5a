"""What a visitor's page shows now, and how a panel takes part in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import gradio as gr
from gradio.components import Component

from app.service.analysis import Analysis
from app.service.calls import ADDRESS
from app.service.query import Query
from app.ui import words

if TYPE_CHECKING:
    from app.ui.answering import Answering


@dataclass(frozen=True)
class Shown:
    """One answer on the page.

    analysis : of the modalities that are `on`, or the last one before all were switched off
    on : present modalities whose switch is on
    before : the answer shown before, of the same clip; None where there is nothing to compare
    title : the method's title
    """

    analysis: Analysis
    on: tuple[str, ...]
    before: Shown | None
    title: str

    @property
    def query(self) -> Query:
        """What was asked."""
        return self.analysis.query

    def uses(self, modality: str) -> bool:
        """True where `modality` takes part in the score shown."""
        return modality in self.on and self.analysis.modalities[modality].used

    def without_pictures(self) -> Shown:
        """What is kept between events: without faces and voice, which the analyst forgets with the visit."""
        imagined = {m: replace(seen, face=None, log_mel=None) for m, seen in self.analysis.imagined.items()}
        bare = replace(self.analysis, imagined=imagined, crops=None, crop_times=None, log_mel=None)
        return replace(self, analysis=bare, before=self.before and self.before.without_pictures())

    def was(self, language: str) -> str:
        """The score before beside this one: "was +1.9 with voice"; "" where there is nothing to compare."""
        if self.before is None or not self.on:
            return ""
        score = words.signed(self.before.analysis.score)
        then, now = set(self.before.on), set(self.on)
        if then == now:
            if self.before.query.method != self.query.method:
                return words.say("was_method", language, score=score, method=self.before.title)
            return words.say("was_words", language, score=score)
        if now > then:
            return words.say("was_without", language, score=score, names=words.names(now - then, language))
        lost = then - now if then > now else then
        return words.say("was_with", language, score=score, names=words.names(lost, language))


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
class Visit:
    """Who asks: the owner of what is cached, the language to answer in, and where the page was reached."""

    session: str
    language: str
    address: str = ADDRESS

    @classmethod
    def of(cls, request: gr.Request, language: str) -> Visit:
        """The visit that an event of the page belongs to."""
        page = urlsplit(request.headers.get("referer", ""))
        known = page.scheme in ("http", "https") and page.netloc
        address = f"{page.scheme}://{page.netloc}{page.path}".rstrip("/") if known else ADDRESS
        return cls(request.session_hash, language, address)


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
