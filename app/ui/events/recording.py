"""A visitor has a recording read utterance by utterance, opens one of them, or takes the table home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from time import monotonic

import gradio as gr
from gradio.blocks import BlockContext
from gradio.components import Component

from app.service.cache import Cancelled
from app.service.recordings.export import FORMATS
from app.service.recordings.segment import Segment
from app.service.recordings.speakers import with_face, with_speakers
from app.service.take_away import name_of
from app.ui import words
from app.ui.controller import in_plain_words
from app.ui.events.ask import query_of
from app.ui.events.context import ANALYSES, AT_ONCE, AT_SIGHT, CHOSEN, EventContext
from app.ui.events.look import LookEvents
from app.ui.latest_request import StoppableRequest
from app.ui.page_state import PageState, Visit, session_of
from app.ui.recording_overview import Recording, draw
from app.ui.recording_report import recording_report
from app.ui.tabs.recording import REPORT

REDRAWN = 1.0  # s between two pictures of a recording that is being read
SAVE = "() => document.querySelector('#recording-file').click()"


class RecordingEvents:
    """Shows utterances as they are read. A reading is overtaken by a later one, and by a new clip."""

    def __init__(self, context: EventContext, looking: LookEvents):
        self.context, self.looking, self.tab = context, looking, context.tabs.recording
        self._readings = StoppableRequest()

    def connect(self) -> None:
        """Attach the listeners of the tab, and those of what empties it."""
        context, tab, inputs = self.context, self.tab, self.context.inputs
        given = [inputs.tab, inputs.video, inputs.audio, inputs.method, context.page_state, context.language]
        tab.read.click(lambda: self._buttons(reading=True), None, [tab.read, tab.cancel], **AT_SIGHT)
        reading = tab.read.click(
            self.read,
            given,
            [tab.recording, tab.overview, tab.read, tab.cancel, tab.forms],
            show_progress="hidden",  # the overview tells it, and is to be seen meanwhile
            concurrency_id=ANALYSES,
            concurrency_limit=AT_ONCE,
            api_visibility="private",
        )
        reading.failure(lambda: self._buttons(reading=False), None, [tab.read, tab.cancel], **AT_SIGHT)
        tab.cancel.click(self.stop, None, [tab.cancel], **AT_SIGHT)
        opened = {"outputs": [*context.answer_outputs(), tab.whole], **AT_SIGHT}
        tab.opener.click(
            self.open,
            [tab.chosen, tab.recording, inputs.method, context.language],
            js=CHOSEN,
            **opened,
        ).success(**self.looking.refill)
        tab.corrector.click(
            self.correct,
            [tab.chosen, tab.recording, context.language],
            [tab.recording, tab.overview],
            js=CHOSEN,
            **AT_SIGHT,
        )
        tab.whole.click(self.open_whole, given, **opened).success(**self.looking.refill)
        for form, button in tab.exports.items():
            button.click(
                self.make(form),
                [tab.recording, context.language],
                tab.handed,
                show_progress_on=button,
                api_visibility="private",
            ).success(None, js=SAVE)
        new_files = [
            getattr(player, event)
            for player in (inputs.video, inputs.audio)
            for event in ("upload", "clear", "stop_recording")
        ]
        gr.on(
            [*new_files, *(card.click for card in inputs.cards), context.tabs.many.opener.click],
            self.empty,
            None,
            self.emptied,
            **AT_SIGHT,
        )
        context.language.input(self.translate, [tab.recording, context.language], tab.overview, **AT_SIGHT)

    def forget(self, session: str) -> None:
        """The visitor has left."""
        self._readings.forget(session)

    def read(
        self,
        tab: str,
        video: str | None,
        audio: str | None,
        method: str,
        state: PageState | None,
        language: str,
        request: gr.Request,
    ) -> Iterator[dict]:
        """The overview, again and again, until all is read or it was stopped."""
        visit, analyst = Visit.of(request, language), self.context.controller.analyst
        asked = query_of(tab, video, audio, "", method, None)
        if asked is None:
            gr.Warning(words.say("recording_nothing", language))
            yield self._buttons(reading=False)
            return
        if state is not None and state.on and state.query.same_media(asked):
            asked = replace(asked, modalities=state.on)
        self.context.uploads.keep(visit.session, asked.video, asked.audio)
        number = self._readings.begin(visit.session)
        found: list[Segment] = []
        recording, drawn = Recording(asked, (), 0.0, None), 0.0

        def go_on(read: float, whole: float | None) -> None:
            nonlocal recording
            recording = replace(recording, read=read, whole=whole)
            if self._readings.ended(visit.session, number):
                raise Cancelled

        with in_plain_words(language):
            try:
                for segment in analyst.segments(asked, session=visit.session, progress=go_on):
                    found.append(segment)
                    if monotonic() - drawn > REDRAWN:
                        recording = replace(recording, segments=tuple(with_speakers(found)))
                        yield {self.tab.overview: draw(recording, True, language)}
                        drawn = monotonic()
            except Cancelled:
                if self._readings.latest(visit.session) is None:
                    analyst.forget(visit.session)  # what came after the session's end
        if self._readings.overtaken(visit.session, number):
            return  # what empties the tab, or reads another clip, has painted it
        recording = replace(recording, segments=tuple(with_speakers(found)))
        yield {
            self.tab.recording: recording,
            self.tab.overview: draw(recording, False, language),
            self.tab.forms: gr.Row(visible=bool(found)),
            **self._buttons(reading=False),
        }

    def stop(self, request: gr.Request) -> dict:
        """Ends the reading before its next utterance; what was read stays."""
        self._readings.stop(session_of(request))
        return {self.tab.cancel: gr.update(visible=False)}

    def open(
        self, chosen: str, recording: Recording | None, method: str, language: str, request: gr.Request
    ) -> dict:
        """One utterance as the answer of the page."""
        if recording is None or not chosen or not 0 <= int(chosen) < len(recording.segments):
            return gr.skip()
        segment = recording.segments[int(chosen)]
        asked = recording.query if segment.analysis is None else segment.analysis.query
        asked = replace(asked, method=method, start=segment.start, end=segment.end)
        return {
            **self.context.open(asked, Visit.of(request, language)),
            self.tab.whole: gr.update(visible=True),
        }

    def correct(self, chosen: str, recording: Recording | None, language: str) -> dict:
        """The recording with the next speaker for an utterance, or with its face counted or not."""
        what, _, number = (chosen or "").partition(":")
        if recording is None or not number.isdecimal() or int(number) >= len(recording.segments):
            return gr.skip()
        segments = list(recording.segments)
        one = segments[int(number)]
        if what == "face":
            segments[int(number)] = with_face(one, counts=one.off_screen)
        else:
            most = max((part.speaker or 0 for part in segments), default=0)
            others = any(part.speaker == one.speaker for part in segments if part is not one)
            after = (one.speaker or 0) + 1  # a new one after the last, unless this one was new
            segments[int(number)] = replace(one, speaker=after if after <= most + others else 1)
        changed = replace(recording, segments=tuple(segments))
        return {self.tab.recording: changed, self.tab.overview: draw(changed, False, language)}

    def open_whole(
        self,
        tab: str,
        video: str | None,
        audio: str | None,
        method: str,
        state: PageState | None,
        language: str,
        request: gr.Request,
    ) -> dict:
        """The clip as one utterance again."""
        asked = query_of(tab, video, audio, "", method, None)
        hidden = {self.tab.whole: gr.update(visible=False)}
        if asked is None:
            return hidden
        return {**self.context.open(asked, Visit.of(request, language)), **hidden}

    def make(self, form: str) -> Callable[[Recording | None, str, gr.Request], str | dict]:
        """What makes the report, or the file in one of FORMATS."""

        def made(recording: Recording | None, language: str, request: gr.Request) -> str | dict:
            if recording is None or not recording.segments:
                return gr.skip()
            name = f"fusebox-{name_of(recording.query.video, recording.query.audio)}.{form}"
            if form == REPORT:
                method = self.context.controller.available[recording.query.method]
                content = recording_report(recording, method, datetime.now().astimezone(), language).encode()
            else:
                content = FORMATS[form](recording.segments).encode()
            folder = self.tab.handed.GRADIO_CACHE
            return self.context.uploads.hand_out(session_of(request), content, name, folder)

        return made

    @property
    def emptied(self) -> list[Component | BlockContext]:
        """The components of `empty`."""
        tab = self.tab
        return [tab.recording, tab.overview, tab.whole, tab.forms]

    def empty(self, request: gr.Request) -> dict:
        """The tab without a recording, for another clip or none."""
        self._readings.begin(session_of(request))
        hidden = gr.update(visible=False)
        tab = self.tab
        return {tab.recording: None, tab.overview: "", tab.whole: hidden, tab.forms: gr.Row(visible=False)}

    def translate(self, recording: Recording | None, language: str) -> str | dict:
        """The overview in another language."""
        return gr.skip() if recording is None else draw(recording, False, language)

    def _buttons(self, *, reading: bool) -> dict:
        return {
            self.tab.read: gr.update(interactive=not reading),
            self.tab.cancel: gr.update(visible=reading),
        }
