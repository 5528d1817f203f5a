"""A visitor asks about a clip, a voice or words; sees the stages, may cancel, and gets the answer."""

from __future__ import annotations

import json
from dataclasses import replace

import gradio as gr
from gradio.events import Dependency

from app.service.cache import Cancelled
from app.service.query import Query
from app.service.reader import DOING
from app.ui import words
from app.ui.controller import in_plain_words
from app.ui.events.context import ANALYSES, AT_ONCE, AT_SIGHT, Arrival, EventContext, to_refuse, to_say
from app.ui.events.look import LookEvents
from app.ui.input_panel import AUDIO, CLIP, TEXT
from app.ui.page_state import PageState, Visit, session_of, visitor_of

WRITE_HEARD = "(typed, heard) => window.fusebox.wordsHeard(typed, heard)"
WHEN_EMPTIED = "async (language) => { await window.fusebox.emptied(); return [language]; }"
SHOW_ANSWER = "() => window.fusebox.showAnswer()"


class AskEvents:
    """A question is taken, analysed in the queue, and its answer painted unless another overtook it."""

    def __init__(self, context: EventContext, looking: LookEvents):
        self.context = context
        self.looking = looking
        self.analysing: Dependency | None = None

    @property
    def take_listener(self) -> dict:
        """Keyword arguments of a listener that takes a question."""
        context = self.context
        return {
            "fn": self.take,
            "inputs": context.language,
            "outputs": [
                context.inputs.request_number,
                *context.inputs.buttons,
                context.sentiment.per_answer[0],
            ],
            **AT_SIGHT,
        }

    def connect(self) -> None:
        """Attach the listeners of "Analyse" and "Cancel"; `analysing` is what others may cancel."""
        context, inputs = self.context, self.context.inputs
        gr.on([inputs.analyse.click, inputs.words.submit], **self.take_listener, js=WHEN_EMPTIED)
        self.analysing = analysing = inputs.request_number.change(
            self.analyse,
            [
                inputs.request_number,
                inputs.tab,
                inputs.video,
                inputs.audio,
                inputs.words,
                inputs.method,
                context.page_state,
                context.language,
            ],
            [*context.answer_outputs(), *inputs.buttons],
            show_progress_on=context.sentiment.per_answer[0],
            concurrency_id=ANALYSES,
            concurrency_limit=AT_ONCE,
            trigger_mode="multiple",  # a new clip does not wait for the answer to the one before
            api_visibility="private",
        )
        caught_up = analysing.success(
            self.catch_up,
            [context.page_state, inputs.method, inputs.words, context.language],
            [*context.answer_outputs(), inputs.heard],
            **AT_SIGHT,
        ).success(None, [inputs.words, inputs.heard], inputs.words, js=WRITE_HEARD)
        caught_up.success(**self.looking.refill)
        analysing.failure(inputs.when_answered, None, inputs.buttons, **AT_SIGHT)
        inputs.cancel.click(
            self.cancel,
            [context.page_state, context.language],
            [*inputs.buttons, context.sentiment.per_answer[0]],
            cancels=analysing,
            **AT_SIGHT,
        )
        cards = (card.click for card in inputs.cards)
        gr.on([inputs.analyse.click, inputs.words.submit, *cards], None, js=SHOW_ANSWER)

    def take(self, language: str, request: gr.Request) -> dict:
        """Lets one question into the queue, unless that is full; from now on it can be cancelled."""
        context, limit = self.context, self.context.controller.analyst.settings.max_waiting
        if len(context.demo._queue) >= limit:  # Gradio's own refusal knows only English
            return context.with_message(session_of(request), language, to_say("error_busy", limit=limit))
        number = str(context.questions.begin(session_of(request)))
        return {context.inputs.request_number: number, **context.inputs.while_asking()}

    def analyse(
        self,
        request_number: str,
        tab: str,
        video: str | None,
        audio: str | None,
        written: str,
        method: str,
        state: PageState | None,
        language: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio asks for a progress bar
    ) -> dict:
        """The answer to what the open tab asks, or why there is none."""
        context, inputs = self.context, self.context.inputs
        visit, number = Visit.of(request, language), int(request_number)

        def go_on(stage: str) -> None:
            if context.questions.overtaken(visit.session, number):
                raise Cancelled
            progress(DOING.index(stage) / len(DOING), desc=words.doing(stage, language))

        asked = query_of(tab, video, audio, written, method, state)
        if asked is None:
            gr.Warning(words.say(f"need_{tab}", language))
            return inputs.when_answered()
        try:
            with in_plain_words(language):
                context.visitors.admit(visitor_of(request, context.visitors))
        except gr.Error as refusal:
            message = context.with_message(visit.session, language, to_refuse(refusal))
            return {**message, **inputs.when_answered()}
        context.uploads.keep(visit.session, asked.video, asked.audio)
        try:
            progress(0.0, desc=words.say("doing", language))
            linked = context.linked.pop(visit.session, asked.modalities)
            answer = context.controller.ask(replace(asked, modalities=linked), state, visit, go_on)
        except Cancelled:
            return self._given_up(visit)
        except gr.Error as refusal:
            if context.questions.overtaken(visit.session, number):
                return self._given_up(visit)
            told_instead = context.without_answer(visit.session, language, to_refuse(refusal))
            return {context.page_state: None, **told_instead, **inputs.when_answered()}
        if context.questions.overtaken(visit.session, number):
            return self._given_up(visit)
        context.arrivals[visit.session] = Arrival(asked, written, language)
        return {**context.with_answer(answer, visit, clip=True), **inputs.when_answered()}

    def _given_up(self, visit: Visit) -> dict:
        """Nothing is painted of a question that another overtook, or whose session is over."""
        if self.context.questions.latest(visit.session) is not None:
            return gr.skip()
        self.context.controller.analyst.forget(visit.session)  # what came after the session's end
        return self.context.inputs.when_answered()

    def cancel(self, state: PageState | None, language: str, request: gr.Request) -> dict:
        """Ends the question before its next stage; the answer before it, if there is one, stays."""
        context, sentiment = self.context, self.context.sentiment
        context.questions.begin(session_of(request))
        if state:
            said = {sentiment.per_answer[0]: sentiment.render_answer(state, language)[0]}
        else:
            said = context.with_message(session_of(request), language, to_say("cancelled"))
        return {**said, **context.inputs.when_answered()}

    def catch_up(
        self, state: PageState | None, method: str, written: str, language: str, request: gr.Request
    ) -> dict:
        """What the visitor typed or chose while an answer was on its way is kept."""
        context, visit = self.context, Visit.of(request, language)
        number, arrival = context.questions.latest(visit.session), context.arrivals.get(visit.session)
        nothing_heard = {context.inputs.heard: ""}
        if state is None or arrival is None or not state.query.same_input(arrival.query):
            return nothing_heard
        context.arrivals.pop(visit.session, None)
        answer, in_other_language = state, language != arrival.language
        try:
            if method != state.query.method:
                answer = context.controller.with_method(state, method, visit)
            elif in_other_language:
                answer = context.controller.again(state, visit)
        except gr.Error as refusal:
            return {**nothing_heard, **context.with_message(visit.session, language, to_refuse(refusal))}
        if context.questions.overtaken(visit.session, number):
            return nothing_heard
        new = {} if answer is state else context.with_answer(answer, visit, clip=in_other_language)
        if written == arrival.written:
            heard = json.dumps([written, state.analysis.transcript.text])
            return {**new, context.inputs.heard: heard}
        return {**new, **nothing_heard, **context.note_on_edits(state, written, language)}


def query_of(
    tab: str, video: str | None, audio: str | None, written: str, method: str, state: PageState | None
) -> Query | None:
    """What the open tab asks; None where it holds nothing to ask about."""
    video, audio = (video if tab == CLIP else None), (audio if tab == AUDIO else None)
    written = (written or "").strip()
    if tab == TEXT:
        return Query(None, None, written, method) if written else None
    if not (video or audio):
        return None
    asked = Query(video, audio, written or None, method)
    if state is not None and state.query.same_media(asked):  # an utterance that was opened stays open
        asked = replace(asked, start=state.query.start, end=state.query.end)
    if state is not None and state.query.same_files(asked):  # a chosen face stays chosen
        asked = replace(asked, face=state.query.face)
    untouched = (
        state is not None
        and state.query.text is None
        and state.query.same_files(asked)
        and written == state.analysis.transcript.text.strip()
    )
    return replace(asked, text=None) if untouched else asked
