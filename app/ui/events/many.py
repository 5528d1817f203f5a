"""A visitor gives many files, sees the table grow, opens one of them, or takes the table home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
from gradio.blocks import BlockContext
from gradio.components import Component

from app.media import guard
from app.service.cache import Cancelled
from app.service.many_files import FileAnswer, read_each, to_csv
from app.service.query import Query
from app.ui import words
from app.ui.controller import left_on
from app.ui.events.context import ANALYSES, AT_ONCE, AT_SIGHT, CHOSEN, EventContext
from app.ui.events.look import LookEvents
from app.ui.input_panel import AUDIO, CLIP, SOUNDS
from app.ui.latest_request import StoppableRequest
from app.ui.many_files import FileTable, draw
from app.ui.page_state import PageState, Visit, session_of

PLAY = "(files) => window.fusebox.playChosen(files)"
KEPT_BACK = "(files, _, ...rest) => [files, JSON.stringify(window.fusebox.tooLarge), ...rest]"
SAVE = "() => document.querySelector('#many-file').click()"


class ManyFilesEvents:
    """Shows files as they are read. A reading is overtaken by a later one, and by other files."""

    def __init__(self, context: EventContext, looking: LookEvents):
        self.context, self.looking, self.tab = context, looking, context.tabs.many
        self._readings = StoppableRequest()

    def connect(self) -> None:
        """Attach the listeners of the tab."""
        context, tab, inputs = self.context, self.tab, self.context.inputs
        reading = gr.on(
            [tab.files.change, tab.read.click],
            self.read,
            [tab.files, tab.too_large, inputs.method, context.page_state, context.language],
            [tab.shown, tab.overview, tab.read, tab.cancel, tab.save],
            show_progress="hidden",  # the table tells it, and is to be seen meanwhile
            concurrency_id=ANALYSES,
            concurrency_limit=AT_ONCE,
            trigger_mode="multiple",
            api_visibility="private",
            js=KEPT_BACK,
        )
        reading.failure(lambda: self._buttons(read=True), None, [tab.read, tab.cancel, tab.save], **AT_SIGHT)
        tab.cancel.click(self.stop, None, tab.cancel, **AT_SIGHT)
        # In the browser: Gradio would run a program of its own over a film that the server hands it.
        tab.opener.click(None, tab.files, [inputs.video, inputs.audio], js=PLAY)
        tab.opener.click(
            self.open,
            [tab.chosen, tab.shown, inputs.method, context.page_state, context.language],
            [*context.answer_outputs(), inputs.tab, inputs.tabs],
            js=CHOSEN,
            **AT_SIGHT,
        ).success(**self.looking.refill)
        tab.save.click(
            self.make, tab.shown, tab.handed, show_progress_on=tab.save, api_visibility="private"
        ).success(None, js=SAVE)
        told = {"fn": self.translate, "inputs": [tab.shown, context.language], "outputs": tab.overview}
        context.language.input(**told, **AT_SIGHT)
        reading.success(**told, **AT_SIGHT)  # another language may have been chosen meanwhile

    def forget(self, session: str) -> None:
        """The visitor has left."""
        self._readings.forget(session)

    def read(
        self,
        files: list[tuple[str, str]],
        too_large: str,
        method: str,
        state: PageState | None,
        language: str,
        request: gr.Request,
    ) -> Iterator[dict]:
        """The table, a row longer each time, until all is read or it was stopped."""
        visit, analyst = Visit.of(request, language), self.context.controller.analyst
        number = self._readings.begin(visit.session)
        most = analyst.settings.max_files
        answers = [FileAnswer(name, asked_of(path, method, state)) for path, name in files[:most]]
        answers += kept_back(too_large, analyst.settings.max_mb)[:most] if files else []
        self.context.uploads.keep(visit.session, *(path for path, _ in files))

        def go_on(stage: str) -> None:
            if self._readings.ended(visit.session, number):
                raise Cancelled

        def shown(reading: bool) -> dict:
            table = FileTable(tuple(answers), max(0, len(files) - most), reading)
            buttons = self._buttons(
                read=bool(answers) and not reading, cancel=reading, save=table.any_read and not reading
            )
            return {self.tab.shown: table, self.tab.overview: draw(table, language), **buttons}

        yield shown(reading=bool(answers))
        try:
            reading = read_each(analyst, tuple(answers), session=visit.session, progress=go_on)
            for n, answer in enumerate(reading):
                answers[n] = answer
                go_on("next")
                yield shown(reading=True)
        except Cancelled:
            if self._readings.latest(visit.session) is None:
                analyst.forget(visit.session)  # what came after the session's end
        if not self._readings.overtaken(visit.session, number):
            yield shown(reading=False)

    def stop(self, request: gr.Request) -> dict:
        """Ends the reading before its next stage; what was read stays."""
        self._readings.stop(session_of(request))
        return gr.update(visible=False)

    def open(
        self,
        chosen: str,
        table: FileTable,
        method: str,
        state: PageState | None,
        language: str,
        request: gr.Request,
    ) -> dict:
        """One file as the answer of the page."""
        if not chosen or not 0 <= int(chosen) < len(table.files):
            return gr.skip()
        query = table.files[int(chosen)].query
        asked = asked_of(str(query.video or query.audio), method, state)
        tab, inputs = CLIP if asked.video else AUDIO, self.context.inputs
        opened = self.context.open(asked, Visit.of(request, language))
        return {**opened, inputs.tab: tab, inputs.tabs: gr.Tabs(selected=tab)}

    @property
    def emptied(self) -> list[Component | BlockContext]:
        """The components of `empty`."""
        tab = self.tab
        return [tab.shown, tab.overview, tab.files, tab.read, tab.cancel, tab.save]

    def empty(self, request: gr.Request) -> dict:
        """The tab without files."""
        self._readings.begin(session_of(request))
        tab = self.tab
        return {tab.shown: FileTable(), tab.overview: "", tab.files: None, **self._buttons()}

    def make(self, table: FileTable, request: gr.Request) -> str:
        """The table as a CSV file."""
        content = to_csv(table.files).encode("utf-8-sig")  # which Excel reads as UTF-8
        name, folder = "fusebox-files.csv", self.tab.handed.GRADIO_CACHE
        return self.context.uploads.hand_out(session_of(request), content, name, folder)

    def translate(self, table: FileTable, language: str) -> str:
        """The table in another language."""
        return draw(table, language)

    def _buttons(self, *, read: bool = False, cancel: bool = False, save: bool = False) -> dict:
        tab = self.tab
        shown = {tab.read: read, tab.cancel: cancel, tab.save: save}
        return {button: gr.update(visible=visible) for button, visible in shown.items()}


def kept_back(told: str, most: float) -> list[FileAnswer]:
    """Files that the browser did not send, for Gradio refuses all that come with one of more than `most` MB.

    told : see `ManyFilesTab.too_large`
    """
    return [
        FileAnswer(str(name), Query()).failed(guard.too_large(float(size) / guard.MB, most))
        for name, size in json.loads(told)
    ]


def asked_of(path: str, method: str, state: PageState | None) -> Query:
    """What is asked of a file, with the switches as they stand; with every fuse out, with all of them."""
    modalities = left_on(state) if state and state.on else words.MODALITIES
    asked = Query(video=path, method=method, modalities=modalities)
    return replace(asked, video=None, audio=path) if Path(path).suffix.lower() in SOUNDS else asked
