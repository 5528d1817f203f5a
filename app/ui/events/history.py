"""A visitor keeps an answer beside the next, looks at those before, or copies a link to what is asked.

The answers of a visit stay in its browser (`assets/history.js`), which hands them over to have them drawn.
"""

from __future__ import annotations

import gradio as gr

from app.ui import beside_panel, words
from app.ui.events.context import AT_SIGHT, EventContext
from app.ui.records import read_record, read_records
from app.ui.tabs import HISTORY, history

ADD = "(given, latest, ...rest) => [window.fusebox.addRecord(latest), latest, ...rest]"
GIVE = "(given, ...rest) => [window.fusebox.recordsAsText(), ...rest]"
KEEP_LATEST = "(given, latest, language) => [latest, latest, language]"
KEEP_CHOSEN = "(given, latest, language) => [window.fusebox.chosenRecord(), latest, language]"
FORGET = "(given, language) => [window.fusebox.forgetRecords(), language]"
REMEMBER = "(wanted) => window.fusebox.rememberRecords(wanted)"
RECALL = "() => [window.fusebox.recallRecords()]"
COPY = "(latest, method) => window.fusebox.copyLink(latest, method)"


class HistoryEvents:
    """What is beside the answer, and the list of those before it, follow every answer and the language."""

    def __init__(self, context: EventContext):
        self.context, self.beside, self.tab = context, context.beside, context.tabs.history

    def connect(self) -> None:
        """Attach the listeners of the buttons below the answer and of the tab."""
        context, beside, tab, language = self.context, self.beside, self.tab, self.context.language
        beside.latest.change(
            self.follow,
            [tab.given, beside.latest, beside.kept, context.tabs.opened, language],
            [tab.listed, beside.shown],
            js=ADD,
            trigger_mode="multiple",  # no answer is left out
            **AT_SIGHT,
        )
        kept = {"inputs": [tab.given, beside.latest, language], **AT_SIGHT}
        kept["outputs"] = [beside.kept, beside.shown, beside.remove, beside.told]
        beside.keep.click(self.keep, js=KEEP_LATEST, **kept)
        tab.opener.click(self.keep, js=KEEP_CHOSEN, **kept)
        beside.remove.click(
            lambda: ("", "", gr.update(visible=False), beside_panel.tell("")),
            None,
            kept["outputs"],
            **AT_SIGHT,
        )
        beside.copy.click(None, [beside.latest, context.inputs.method], None, js=COPY)

        drawn = {"inputs": [tab.given, language], "outputs": tab.listed, **AT_SIGHT}
        context.tabs.each[HISTORY].select(self.list, js=GIVE, **drawn)
        tab.forget.click(self.list, js=FORGET, **drawn)
        tab.forget.click(None, None, tab.remember, js="() => [false]")
        tab.remember.input(None, tab.remember, None, js=REMEMBER)
        context.demo.load(None, None, tab.remember, js=RECALL)
        language.input(self.list, js=GIVE, **drawn)
        shown = [beside.kept, beside.latest, language]
        language.input(self.draw_beside, shown, beside.shown, **AT_SIGHT)
        language.input(lambda: beside_panel.tell(""), None, beside.told, **AT_SIGHT)  # said in the other

    def follow(self, given: str, latest: str, kept: str, opened: str, language: str) -> list:
        """The list, where it is open, and what is beside, where something is, after a new answer."""
        listed = self.list(given, language) if opened == HISTORY else gr.skip()
        return [listed, self.draw_beside(kept, latest, language) if kept else gr.skip()]

    def keep(self, wanted: str, latest: str, language: str) -> list:
        """One answer beside the present and the next ones."""
        if read_record(wanted) is None:
            told = beside_panel.tell(words.say("beside_nothing", language))
            return [gr.skip(), gr.skip(), gr.skip(), told]
        beside = self.draw_beside(wanted, latest, language)
        return [wanted, beside, gr.update(visible=True), beside_panel.tell("")]

    def list(self, given: str, language: str) -> str:
        """The answers that the browser holds."""
        return history.draw(read_records(given), self.context.controller.titles, language)

    def draw_beside(self, kept: str, latest: str, language: str) -> str:
        """What is kept, and the answer on the page."""
        titles = self.context.controller.titles
        return beside_panel.draw(read_record(kept), read_record(latest), titles, language)
