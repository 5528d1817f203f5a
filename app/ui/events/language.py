"""A visitor opens the page, or chooses its language: everything computed is told in that language."""

from __future__ import annotations

import gradio as gr

from app.ui import beside_panel, words
from app.ui.events.context import AT_SIGHT, EventContext, to_refuse, to_say
from app.ui.events.look import LookEvents
from app.ui.input_panel import TEXT
from app.ui.link import MOST_LINK, ignored_in_link, read_link
from app.ui.page_state import PageState, Visit, session_of
from app.ui.panels import components, paint

FIND_LANGUAGE = f"() => [window.fusebox.findLanguage(), location.search.slice(0, {MOST_LINK})]"
USE_LANGUAGE = "(language) => { window.fusebox.chooseLanguage(language); return [language]; }"


class LanguageEvents:
    """What never changes is translated in the browser; answers, messages and the tabs' titles are here."""

    def __init__(self, context: EventContext, looking: LookEvents):
        self.context = context
        self.looking = looking
        self.every_tab = {**context.inputs.each_tab, **context.tabs.each}

    def connect(self) -> None:
        """Attach the listeners of the page's opening and of the language switch."""
        context, inputs = self.context, self.context.inputs
        language, opening = context.language, context.opening
        told_anew = [*self.every_tab.values(), *components(context.panels, clip=True)]
        opened = context.demo.load(
            self.open_page,
            [language, context.beside.link],
            [language, *told_anew, inputs.method, inputs.tab, inputs.tabs, context.beside.told],
            js=FIND_LANGUAGE,
            **AT_SIGHT,
        )
        if opening:
            opened.success(None, js=f"() => window.fusebox.open({context.examples.index(opening)})")
        language.input(
            self.translate,
            [context.page_state, context.inputs.words, language],
            told_anew,
            trigger_mode="always_last",
            **AT_SIGHT,
        ).success(**self.looking.refill)
        language.input(None, language, language, js=USE_LANGUAGE)

    def open_page(self, language: str, search: str, request: gr.Request) -> dict:
        """The page as a visitor first sees it, set as the link that was opened says."""
        context, session = self.context, session_of(request)
        spoken = {context.language: language, **self._titles(language)}
        if context.questions.latest(session) is not None:  # a quick visitor has asked already
            return spoken
        message = to_say("press" if context.opening else "waiting")
        told = context.without_answer(session, language, message)
        return {**spoken, **told, **self._linked(search, session, language)}

    def _linked(self, search: str, session: str, language: str) -> dict:
        """What a link sets; the page then asks about its words, or else about the example it opens with."""
        context, inputs = self.context, self.context.inputs
        link = read_link(search, context.controller.available)
        if link.modalities:
            context.linked[session] = link.modalities
        set_anew: dict = {context.beside.told: beside_panel.tell(ignored_in_link(link, language))}
        if link.method:
            set_anew[inputs.method] = link.method
        if link.text:
            written = gr.update(value=link.text, info=words.say("words_typed", language))
            set_anew |= {inputs.words: written, inputs.tab: TEXT, inputs.tabs: gr.Tabs(selected=TEXT)}
        return set_anew

    def translate(self, state: PageState | None, written: str, language: str, request: gr.Request) -> dict:
        """The same page in another language."""
        context, visit, titles = self.context, Visit.of(request, language), self._titles(language)
        if state is None:
            message = context.messages.get(visit.session, to_say("waiting"))
            return {**titles, **context.without_answer(visit.session, language, message)}
        number = context.questions.latest(visit.session)
        try:
            state = context.controller.again(state, visit)
        except gr.Error as refusal:
            return {**titles, **context.with_message(visit.session, language, to_refuse(refusal))}
        if context.questions.overtaken(visit.session, number):
            return titles  # what comes is told in the language that is chosen then
        painted = paint(context.panels, state, language, clip=True)
        return {**titles, **painted, **context.note_on_edits(state, written, language)}

    def _titles(self, language: str) -> dict:
        """Gradio leaves the titles of tabs that nobody has opened in the language before."""
        return {
            tab: gr.update(label=words.say(f"tab_{name}", language)) for name, tab in self.every_tab.items()
        }
