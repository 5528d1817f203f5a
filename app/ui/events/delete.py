"""A visitor has everything deleted that was given and found out; the page is empty then."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from app.ui import words
from app.ui.events.ask import AskEvents
from app.ui.events.context import AT_SIGHT, EventContext, to_say
from app.ui.events.live import LiveEvents
from app.ui.events.many import ManyFilesEvents
from app.ui.events.recording import RecordingEvents
from app.ui.page_state import Visit
from app.ui.tabs import history

EMPTY = "(language) => { window.fusebox.mark(null); window.fusebox.forgetRecords(); return language; }"


class DeleteEvents:
    """Deletes at once what would else go with the visit."""

    def __init__(
        self,
        context: EventContext,
        asking: AskEvents,
        others: Sequence[RecordingEvents | ManyFilesEvents | LiveEvents],
    ):
        self.context, self.asking, self.others = context, asking, others

    def connect(self) -> None:
        """Attach the listener of "Delete now"."""
        context, inputs = self.context, self.context.inputs
        shown = [part for tab in context.tabs.lazy.values() for part in tab.components]
        inputs.delete.click(
            self.delete,
            context.language,
            [
                *context.answer_outputs(),
                *inputs.buttons,
                inputs.video,
                inputs.audio,
                inputs.heard,
                *shown,
                *(part for other in self.others for part in other.emptied),
                context.beside.kept,
                context.beside.shown,
                context.beside.remove,
                context.tabs.history.listed,
            ],
            js=EMPTY,
            cancels=self.asking.analysing,
            **AT_SIGHT,
        )

    def delete(self, language: str, request: gr.Request) -> dict:
        """The page as it is without any input."""
        context, inputs, visit = self.context, self.context.inputs, Visit.of(request, language)
        context.delete(visit.session)
        beside = context.beside
        empty: dict = {
            beside.kept: "",
            beside.shown: "",
            beside.remove: gr.update(visible=False),
        }
        empty[context.tabs.history.listed] = history.draw([], {}, language)
        for other in self.others:
            empty |= other.empty(request)
        for tab in context.tabs.lazy.values():
            controls = (control.value for control in tab.controls)
            empty |= zip(tab.components, tab.render(None, visit, *controls), strict=True)
        return {
            context.page_state: None,
            **empty,
            **context.without_answer(visit.session, language, to_say("deleted")),
            **inputs.when_answered(),
            inputs.video: None,
            inputs.audio: None,
            inputs.words: gr.update(value="", info=words.say("words_empty", language)),
            inputs.heard: "",
        }
