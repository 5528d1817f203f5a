"""From what a visitor did to what the page shows next. Whatever fails reaches the visitor in plain words."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from app.service.analysis import Analysis
from app.service.cache import Cancelled
from app.service.query import Query
from app.service.shortage import told_when_short
from app.ui import words
from app.ui.page_state import PageState, Visit
from models.media.clip import InputError
from models.types import Modality

if TYPE_CHECKING:
    from app.service.analyst import Analyst, Opened

log = logging.getLogger(__name__)

Progress = Callable[[str], None]


class Controller:
    """Asks the analyst on behalf of visitors; keeps nothing itself.

    methods : {registry name: MethodInfo}; available : of those that have weights
    titles : {registry name: title} of every method
    """

    def __init__(self, analyst: Analyst):
        self.analyst = analyst
        self.methods = {method.spec.name: method for method in analyst.methods()}
        self.available = {name: method for name, method in self.methods.items() if method.available}
        self.titles = {name: method.title for name, method in self.methods.items()}

    def ask(
        self, query: Query, state: PageState | None, visit: Visit, progress: Progress | None = None
    ) -> PageState:
        """The answer to `query`. Switches stay as they were on the same clip; a new clip has those
        of `query` on."""
        if state is not None and not state.query.same_files(query):
            state = None
        asked = left_on(state) if state else query.modalities
        if state and not present(state.analysis, asked):  # every fuse is out: a new question puts them back
            asked, state = words.MODALITIES, None
        analysis = self._analyze(replace(query, modalities=asked), visit, progress)
        now = PageState(analysis, present(analysis, asked), None, self.titles[query.method])
        if state is None:
            return now
        return replace(now, before=replace(state, before=None) if differs(now, state) else state.before)

    def switch(self, state: PageState, on: tuple[Modality, ...], visit: Visit) -> PageState:
        """The same question with only the modalities `on`; with none, no score at all."""
        before = replace(state, before=None) if state.on else state.before
        if not on:
            return replace(state, on=(), before=before)
        analysis = self._analyze(replace(state.query, modalities=on), visit)
        return replace(state, analysis=analysis, on=present(analysis, on), before=before)

    def again(self, state: PageState, visit: Visit) -> PageState:
        """The same answer with its pictures, for instance to tell it in another language."""
        return replace(state, analysis=self._analyze(state.query, visit))

    def with_method(self, state: PageState, method: str, visit: Visit) -> PageState:
        """The same question answered by another method; with every fuse out, there is still no score."""
        query = replace(state.query, method=method)
        if state.on:
            return self.ask(query, state, visit)
        analysis = self._analyze(replace(query, modalities=words.MODALITIES), visit)
        return replace(state, analysis=analysis, title=self.titles[method])

    def with_face(self, state: PageState, face: int, visit: Visit) -> PageState:
        """The same question about another face; with every fuse out, there is still no score."""
        before = replace(state, before=None) if state.on else state.before
        on = state.on or words.MODALITIES
        analysis = self._analyze(replace(state.query, face=face, modalities=on), visit)
        return replace(state, analysis=analysis, on=present(analysis, state.on), before=before)

    def open(self, state: PageState, visit: Visit) -> Opened:
        """What `Analyst.open` gives for an answer that has a score."""
        return self.analyst.open(replace(state.query, modalities=state.on), session=visit.session)

    def _analyze(self, query: Query, visit: Visit, progress: Progress | None = None) -> Analysis:
        for upload in (query.video, query.audio):
            if upload and not Path(upload).exists():
                raise plain_error(words.say("error_gone", visit.language))
        with in_plain_words(visit.language):
            return self.analyst.analyze(query, session=visit.session, progress=progress)


def switched_off(state: PageState) -> tuple[str, ...]:
    """Modalities the visitor pulled out: present, and not on."""
    return tuple(m for m, part in state.analysis.modalities.items() if part.present and m not in state.on)


def left_on(state: PageState) -> tuple[Modality, ...]:
    """Modalities the visitor did not pull out, whether the input has them or not."""
    return tuple(m for m in words.MODALITIES if m not in switched_off(state))


def present(analysis: Analysis, asked: tuple[Modality, ...]) -> tuple[Modality, ...]:
    """Those of `asked` that the input has."""
    return tuple(m for m in asked if analysis.modalities[m].present)


def differs(now: PageState, then: PageState) -> bool:
    """True where something was changed that can move the score."""
    return any(
        of(now) != of(then)
        for of in (
            lambda state: state.analysis.transcript.text,
            lambda state: (state.on, state.query.method),
            lambda state: state.analysis.faces and state.analysis.faces.used,
        )
    )


def plain_error(message: str) -> gr.Error:
    """The message as the page shows it; a message may quote a file name, so it is escaped."""
    return gr.Error(html.escape(message), print_exception=False)


def told_on_the_page(code: str, message: str, values: dict) -> gr.Error:
    """An error for a visitor, who reads the message alone."""
    return plain_error(message)


@contextmanager
def in_plain_words(
    language: str, error: Callable[[str, str, dict], gr.Error] = told_on_the_page
) -> Iterator[None]:
    """Errors about the input reach the visitor; the text of any other goes to the log, never to the page.

    Cancelled is no error, and goes on as it is.

    error : makes what is raised, from a code, the message and the values in it
    """
    try:
        with told_when_short():
            yield
    except Cancelled:
        raise
    except InputError as failure:
        message = words.error(failure.code, str(failure), failure.values, language)
        raise error(failure.code, message, failure.values) from failure
    except Exception as failure:
        log.exception("analysis failed")
        raise error("unexpected", words.say("error_unexpected", language), {}) from failure
