"""A visitor speaks to camera and microphone, and the score follows.

The browser sends a second of both with each click of `LiveTab.ticker`, and the next one when the answer to
that has come: nothing piles up on a slow server. Gradio's own streaming inputs would write each piece of
sound to a file, and send sound and frames apart.
"""

from __future__ import annotations

import json
from dataclasses import replace

import gradio as gr
from gradio.blocks import BlockContext
from gradio.components import Component

from app.service.live.block import read_block
from app.service.live.visitors import LiveVisitors
from app.ui import words
from app.ui.controller import in_plain_words
from app.ui.events.context import AT_SIGHT, EventContext
from app.ui.live_overview import Shown, draw
from app.ui.page_state import session_of

BEGIN = "async (sent, ...rest) => [await window.fuseboxLive.begin(), ...rest]"
TAKE = "(sent, ...rest) => [window.fuseboxLive.take(), ...rest]"
GO_ON = "(going) => window.fuseboxLive.goOn(going)"
RELEASE = "() => window.fuseboxLive.release()"
# why the browser gives nothing, where a visitor can do something about it
REASONS = ("NotAllowedError", "NotFoundError", "NotReadableError", "insecure")


class LiveEvents:
    """Starts, feeds and stops the streams of visitors, and remembers what each was shown last."""

    def __init__(self, context: EventContext):
        self.context, self.tab = context, context.tabs.live
        self.visitors = LiveVisitors(context.controller.analyst.live)
        self._shown: dict[str, Shown] = {}

    def connect(self) -> None:
        """Attach the listeners of the tab."""
        context, tab = self.context, self.tab
        painted = [tab.overview, tab.start, tab.stop, tab.going]
        going = {"inputs": tab.going, "outputs": None, "js": GO_ON}
        tab.start.click(self.begin, [tab.sent, context.language], painted, js=BEGIN, **AT_SIGHT).then(
            None, **going
        )
        ticked = tab.ticker.click(
            self.tick,
            [tab.sent, context.inputs.method, context.language, *tab.switches],
            painted,
            js=TAKE,
            **AT_SIGHT,
        )
        ticked.success(None, **going)
        ticked.failure(self.stop, context.language, painted, **AT_SIGHT).then(None, js=RELEASE)
        tab.stop.click(self.stop, context.language, painted, **AT_SIGHT).then(None, js=RELEASE)
        context.language.input(self.translate, context.language, tab.overview, **AT_SIGHT)

    def begin(self, sent: str, language: str, request: gr.Request) -> dict:
        """The stream begins, unless the browser gave nothing or too many others are live.

        sent : JSON of what the browser has: {camera, microphone, error}
        """
        session, given = session_of(request), json.loads(sent)
        if not (given["camera"] or given["microphone"]):
            error = given["error"] if given["error"] in REASONS else "failed"
            return self._paint(session, Shown(told=f"live_{error}"), language, going=False)
        if not self.visitors.begin(session):
            return self._paint(session, Shown(told="live_full"), language, going=False)
        lacking = [f"live_no_{name}" for name in ("camera", "microphone") if not given[name]]
        shown = Shown(told=lacking[0] if lacking else "", on=True)
        return self._paint(session, shown, language, going=True)

    def tick(
        self,
        sent: str,
        method: str,
        language: str,
        text: bool,
        audio: bool,
        vision: bool,
        request: gr.Request,
    ) -> dict:
        """What came since the last time, and the score now of what is switched on."""
        session = session_of(request)
        shown, reading = self._shown.get(session, Shown()), self.visitors.reading(session)
        if reading is None:
            told = "live_lost" if shown.on else shown.told
            return self._paint(session, replace(shown, told=told, on=False), language, going=False)
        wanted = tuple(m for m, on in zip(words.MODALITIES, (text, audio, vision), strict=True) if on)
        with in_plain_words(language):
            reading.give(read_block(sent))
            shown = replace(shown, live=reading.tick(method, wanted), wanted=wanted)
        if self.visitors.reading(session) is not reading:  # stopped meanwhile
            return gr.skip()
        if reading.over:
            self.visitors.end(session)
            shown = replace(shown, told="live_over", on=False)
        return self._paint(session, shown, language, going=shown.on)

    def stop(self, language: str, request: gr.Request) -> dict:
        """The visitor has enough, or a stream failed; what was shown stays."""
        session = session_of(request)
        self.visitors.end(session)
        shown = replace(self._shown.get(session, Shown()), told="live_stopped", on=False)
        return self._paint(session, shown, language, going=False)

    def translate(self, language: str, request: gr.Request) -> str | dict:
        """The overview in another language."""
        shown = self._shown.get(session_of(request))
        return gr.skip() if shown is None else draw(shown, language)

    def forget(self, session: str) -> None:
        """The visitor has left."""
        self.visitors.end(session)
        self._shown.pop(session, None)

    @property
    def emptied(self) -> list[Component | BlockContext]:
        """The components of `empty`."""
        tab = self.tab
        return [tab.overview, tab.start, tab.stop, tab.going]

    def empty(self, request: gr.Request) -> dict:
        """The tab before it is started."""
        self.forget(session_of(request))
        tab = self.tab
        shown = {tab.start: gr.update(visible=True), tab.stop: gr.update(visible=False)}
        return {tab.overview: "", tab.going: "off", **shown}

    def _paint(self, session: str, shown: Shown, language: str, *, going: bool) -> dict:
        self._shown[session] = shown
        return {
            self.tab.overview: draw(shown, language),
            self.tab.start: gr.update(visible=not going),
            self.tab.stop: gr.update(visible=going),
            self.tab.going: "on" if going else "off",
        }
