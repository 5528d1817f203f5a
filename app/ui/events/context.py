"""What all events share: the page's components, what serves them, and what is remembered of visitors."""

from __future__ import annotations

import gc
import html
from collections.abc import Callable
from dataclasses import dataclass, field

import gradio as gr
from gradio.components import Component

from app.rest.visitors import Visitors
from app.service.device import release_heaps
from app.service.query import Query
from app.ui import input_panel, sentiment_panel, words
from app.ui.beside_panel import BesidePanel
from app.ui.blocks import Page
from app.ui.controller import Controller
from app.ui.input_panel import Example, InputPanel
from app.ui.latest_request import LatestRequest
from app.ui.page_state import PageState, Visit
from app.ui.panels import Panel, components, paint
from app.ui.tabs import Tabs
from app.ui.uploads import UploadSessions
from models.media.clip import InputError
from models.types import Modality

ANALYSES = "analyses"  # the queue of events that may decode a clip
AT_ONCE = 4  # of a queue's events that run at the same time: on two cores 1.4 times as many clips as with one
AT_SIGHT = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
CHOSEN = "(chosen, ...rest) => [window.fusebox.chosen, ...rest]"  # what was clicked in a drawing

Message = Callable[[str], str]  # language -> what stands in place of the score


@dataclass(frozen=True)
class Arrival:
    """An answer that has just come: its query, and the words and the language it was asked with."""

    query: Query
    written: str
    language: str


@dataclass(frozen=True)
class EventContext:
    """The page's components and services.

    panels : repainted with every answer; sentiment : the score's, the one of `panels` that cannot be missing
    beside : the answer that is kept beside it, and the link
    questions : of each visitor, by their numbers
    arrivals : {session: the answer that it has just been given}; messages : {session: what stands in place of
    its score}; linked : {session: the switches that a link asks its first question with}
    """

    demo: Page
    controller: Controller
    uploads: UploadSessions
    visitors: Visitors
    examples: list[Example]
    page_state: gr.State
    language: gr.Radio
    inputs: InputPanel
    sentiment: Panel
    beside: BesidePanel
    panels: list[Panel]
    switches: list[gr.Checkbox]
    tabs: Tabs
    questions: LatestRequest = field(default_factory=LatestRequest)
    arrivals: dict[str, Arrival] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    linked: dict[str, tuple[Modality, ...]] = field(default_factory=dict)

    def answer_outputs(self, *, clip: bool = True) -> list[Component]:
        """The components of `with_answer`."""
        return [self.page_state, *components(self.panels, clip=clip)]

    def with_answer(self, answer: PageState, visit: Visit, *, clip: bool = False) -> dict:
        """The page with an answer; `clip` False leaves out what switch and method do not change."""
        painted = paint(self.panels, answer, visit.language, clip=clip)
        return {self.page_state: answer.without_pictures(), **painted}

    def with_message(self, session: str, language: str, message: Message) -> dict:
        """What is told in place of the score, whatever else the page shows."""
        self.messages[session] = message
        return {self.sentiment.per_answer[0]: sentiment_panel.unanswered(message(language), language)}

    def without_answer(self, session: str, language: str, message: Message) -> dict:
        """The panels without a score, and what they tell instead."""
        painted = paint(self.panels, None, language, clip=True)
        return {**painted, **self.with_message(session, language, message)}

    def open(self, asked: Query, visit: Visit) -> dict:
        """What was read before as the answer of the page, or why there is none."""
        self.questions.begin(visit.session)  # what is still being analysed is about something else
        try:
            state = self.controller.ask(asked, None, visit)
        except gr.Error as refusal:
            told = self.without_answer(visit.session, visit.language, to_refuse(refusal))
            return {self.page_state: None, **told}
        note = input_panel.note(state, self.examples, visit.language)
        heard = gr.update(value=state.analysis.transcript.text, info=note)
        return {**self.with_answer(state, visit, clip=True), self.inputs.words: heard}

    def note_on_edits(self, state: PageState, written: str, language: str) -> dict:
        """What stands above words that are not those of the answer."""
        if left_to_hear(state, written) or written.strip() == state.analysis.transcript.text.strip():
            return {}
        return {self.inputs.words: gr.update(info=words.say("words_pending", language))}

    @property
    def opening(self) -> Example | None:
        """The example that the page opens with."""
        return input_panel.first_shown(self.examples)

    def leave(self, session: str) -> None:
        """The page was closed: nothing goes on for it, and what was read is forgotten."""
        self.demo.leave(session)
        self.controller.analyst.forget(session)
        self._end_questions(session)

    def delete(self, session: str) -> None:
        """The visitor does not come back, or wants it so: nothing is kept, and the uploads are deleted."""
        self.demo.drop(session)
        self.uploads.end(session)
        self._end_questions(session)
        gc.collect()  # Gradio's events hold each other, and with them what was asked
        release_heaps()

    def _end_questions(self, session: str) -> None:
        self.questions.forget(session)
        self.messages.pop(session, None)
        self.arrivals.pop(session, None)
        self.linked.pop(session, None)


def left_to_hear(state: PageState, written: str) -> bool:
    """Whether nothing is written, as when the answer was asked for: the box waits for recognised words."""
    return not (written.strip() or state.query.text)


def to_say(key: str, **values: object) -> Message:
    """The phrase `key`, its placeholders filled with `values`."""
    return lambda language: words.say(key, language, **values)


def to_refuse(error: gr.Error) -> Message:
    """Why there is no score; what is not about the input stays in the language it was raised in."""
    reason, message = error.__cause__, html.unescape(error.message)
    if not isinstance(reason, InputError):
        return lambda language: message
    told = reason.code, str(reason), reason.values  # an exception itself would keep all that it has seen
    return lambda language: words.error(*told, language)
