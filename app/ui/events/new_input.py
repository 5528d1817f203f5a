"""A visitor gives another clip or voice, loads an example, or types: the page is about that from then on."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from app.ui import input_panel, words
from app.ui.events.ask import AskEvents
from app.ui.events.context import AT_SIGHT, EventContext, left_to_hear, to_say
from app.ui.events.look import LookEvents
from app.ui.input_panel import AUDIO, CLIP, Example
from app.ui.page_state import PageState, session_of

START_OVER = "(...inputs) => { window.fusebox.startOver(); return inputs; }"
EMPTIED = "() => { window.fusebox.emptying -= 1; }"


class NewInputEvents:
    """Empties the page for what is new; an example is asked about at once."""

    def __init__(self, context: EventContext, asking: AskEvents, looking: LookEvents):
        self.context = context
        self.asking = asking
        self.looking = looking

    def connect(self) -> None:
        """Attach the listeners of the input's tabs, players, words and examples."""
        context, inputs = self.context, self.context.inputs
        for name, tab in inputs.each_tab.items():
            tab.select(None, None, inputs.tab, js=f"() => '{name}'")
        starting = gr.on(
            [
                inputs.video.upload,
                inputs.video.clear,
                inputs.video.stop_recording,
                inputs.audio.upload,
                inputs.audio.clear,
                inputs.audio.stop_recording,
            ],
            self.start_over,
            [context.page_state, inputs.video, inputs.audio, inputs.words, context.language],
            [*context.answer_outputs(), *inputs.buttons],
            js=START_OVER,
            cancels=self.asking.analysing,
            **AT_SIGHT,
        )
        starting.then(None, js=EMPTIED)
        starting.success(**self.looking.refill)
        inputs.words.input(
            self.note_as_typed,
            [context.page_state, inputs.words, context.language],
            inputs.words,
            trigger_mode="always_last",
            **AT_SIGHT,
        )
        loaded = [*context.answer_outputs(), *inputs.buttons]
        loaded += [inputs.tab, inputs.tabs, inputs.video, inputs.audio]
        for index, (card, example) in enumerate(zip(inputs.cards, context.examples, strict=True)):
            card.click(None, js=f"() => window.fusebox.mark({index})")
            loading = card.click(
                self.load(example), context.language, loaded, cancels=self.asking.analysing, **AT_SIGHT
            )
            loading.success(**self.looking.refill)  # an open tab does not go on about the clip before
            loading.then(**self.asking.take_listener)

    def start_over(
        self,
        state: PageState | None,
        video: str | None,
        audio: str | None,
        written: str,
        language: str,
        request: gr.Request,
    ) -> dict:
        """The page without an answer, for another clip or none."""
        context, inputs = self.context, self.context.inputs
        context.uploads.keep(session_of(request), video, audio)
        # whatever is still being analysed is about another clip
        context.questions.begin(session_of(request))
        # Words belong to the clip they were shown with; those typed before any answer are kept.
        emptied = gr.update(info=words.say("words_empty", language))
        if state is not None:
            emptied["value"] = ""
        message = to_say("press" if video or audio else "waiting")
        fresh = context.without_answer(session_of(request), language, message)
        return {context.page_state: None, **fresh, **inputs.when_answered(), inputs.words: emptied}

    def note_as_typed(self, state: PageState | None, written: str, language: str) -> dict:
        """What stands above the words while the visitor types."""
        if state is None or left_to_hear(state, written):
            key = "words_typed" if written.strip() else "words_empty"
            return gr.update(info=words.say(key, language))
        note = gr.update(info=input_panel.note(state, self.context.examples, language))
        return self.context.note_on_edits(state, written, language).get(self.context.inputs.words, note)

    def load(self, example: Example) -> Callable[[str, gr.Request], dict]:
        """What puts an example in place of what was given."""
        context, inputs = self.context, self.context.inputs

        def load_it(language: str, request: gr.Request) -> dict:
            context.questions.begin(session_of(request))
            return {
                context.page_state: None,
                **inputs.when_answered(),
                **context.without_answer(session_of(request), language, to_say("press")),
                inputs.tab: example.tab,
                inputs.tabs: gr.Tabs(selected=example.tab),
                inputs.video: str(example.file) if example.tab == CLIP else None,
                inputs.audio: str(example.file) if example.tab == AUDIO else None,
                inputs.words: gr.update(value=example.text or "", info=words.say("words_empty", language)),
            }

        return load_it
