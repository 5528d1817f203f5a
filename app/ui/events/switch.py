"""A visitor pulls a fuse, puts one back, or chooses another method or face: the answer is asked for anew."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from app.ui import words
from app.ui.events.context import AT_SIGHT, EventContext, to_refuse, to_say
from app.ui.events.look import LookEvents
from app.ui.page_state import PageState, Visit, session_of


class SwitchEvents:
    """Answers from what has been read already, in milliseconds."""

    def __init__(self, context: EventContext, looking: LookEvents):
        self.context = context
        self.looking = looking

    def connect(self) -> None:
        """Attach the listeners of the switches, of the list of methods and of the faces."""
        context, method = self.context, self.context.inputs.method
        options = {"outputs": context.answer_outputs(clip=False), "trigger_mode": "always_last", **AT_SIGHT}
        wanted = [context.page_state, *context.switches, context.language]
        foretold = {"outputs": context.sentiment.per_answer[0], "js": "window.fusebox.foretell", **AT_SIGHT}
        for switch in context.switches:
            switch.input(None, context.switches, **foretold)
            switch.input(self.switch, wanted, **options).success(**self.looking.refill)
        chosen = [context.page_state, method, context.language]
        method.input(self.choose_method, chosen, **options).success(**self.looking.refill)
        face = context.tabs.face
        face.input(
            self.choose_face,
            [context.page_state, face, context.language],
            **{**options, "outputs": context.answer_outputs(clip=True)},
        ).success(**self.looking.refill)

    def switch(
        self,
        state: PageState | None,
        text: bool,
        audio: bool,
        vision: bool,
        language: str,
        request: gr.Request,
    ) -> dict:
        """The answer from the modalities whose switches are on."""
        if state is None:  # switches move only under an answer
            return self.context.with_message(session_of(request), language, to_say("error_gone"))
        wanted = zip(words.MODALITIES, (text, audio, vision), strict=True)
        on = tuple(m for m, is_on in wanted if is_on and state.analysis.modalities[m].present)
        visit = Visit.of(request, language)
        return self._repainted(lambda: self.context.controller.switch(state, on, visit), visit)

    def choose_method(self, state: PageState | None, method: str, language: str, request: gr.Request) -> dict:
        """The answer of another method."""
        if state is None:
            return gr.skip()
        visit = Visit.of(request, language)
        return self._repainted(lambda: self.context.controller.with_method(state, method, visit), visit)

    def choose_face(self, state: PageState | None, face: int, language: str, request: gr.Request) -> dict:
        """The answer about another of the faces that were found."""
        if state is None:
            return gr.skip()
        visit = Visit.of(request, language)
        return self._repainted(
            lambda: self.context.controller.with_face(state, face, visit), visit, clip=True
        )

    def _repainted(self, answer: Callable[[], PageState], visit: Visit, *, clip: bool = False) -> dict:
        """The page with what `answer` gives, unless a new question was begun meanwhile."""
        context = self.context
        number = context.questions.latest(visit.session)
        try:
            state = answer()
        except gr.Error as refusal:
            return context.with_message(visit.session, visit.language, to_refuse(refusal))
        if context.questions.overtaken(visit.session, number):
            return gr.skip()
        return context.with_answer(state, visit, clip=clip)
