"""A visitor opens a tab below the answer; the open one is filled anew when the answer changes."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from app.ui import words
from app.ui.controller import in_plain_words
from app.ui.events.context import AT_ONCE, EventContext
from app.ui.latest_request import LatestRequest
from app.ui.page_state import Visit
from app.ui.panels import LazyTab

LISTENER = {
    "concurrency_id": "looks",  # the queue of what fills an open tab
    "concurrency_limit": AT_ONCE,
    "trigger_mode": "always_last",
    "api_visibility": "private",
}


class LookEvents:
    """Fills the open tab. A look is overtaken only by a later look at the same tab."""

    def __init__(self, context: EventContext):
        self.context = context
        self._looks = {name: LatestRequest() for name in context.tabs.lazy}

    def connect(self) -> None:
        """Attach the listeners of the tabs and of the controls in them."""
        context, tabs = self.context, self.context.tabs
        for name, tab in tabs.each.items():
            tab.select(None, None, tabs.opened, js=f"() => '{name}'")
        for name, lazy in tabs.lazy.items():
            needed = {context.page_state, context.language, *lazy.controls}
            tabs.each[name].select(self.fill_one(lazy), needed, lazy.components, **LISTENER)
            for control in lazy.asking:
                waiting = [part for part in lazy.components if isinstance(part, gr.HTML)][-1]
                change = control.release if isinstance(control, gr.Slider) else control.input
                change(self.fill_one(lazy), needed, lazy.components, show_progress_on=waiting, **LISTENER)

    def forget(self, session: str) -> None:
        """The visitor has left."""
        for looks in self._looks.values():
            looks.forget(session)

    @property
    def refill(self) -> dict:
        """Keyword arguments of a listener that fills the open tab, whichever it is."""
        context, lazy = self.context, self.context.tabs.lazy.values()
        controls = {control for tab in lazy for control in tab.controls}
        return {
            "fn": self.fill_opened,
            "inputs": {context.tabs.opened, context.page_state, context.language, *controls},
            "outputs": [component for tab in lazy for component in tab.components],
            **LISTENER,
        }

    def fill_one(self, tab: LazyTab) -> Callable[[dict, gr.Request], dict]:
        """What fills `tab`."""

        def fill(values: dict, request: gr.Request) -> dict:
            return self._filled(tab, values, request)

        return fill

    def fill_opened(self, values: dict, request: gr.Request) -> dict:
        """Fills the open tab; a dict leaves the tabs that nobody looks at as they are."""
        tab = self.context.tabs.lazy.get(values[self.context.tabs.opened])
        return gr.skip() if tab is None else self._filled(tab, values, request)

    def _filled(self, tab: LazyTab, values: dict, request: gr.Request) -> dict:
        """New values of the tab's components; none where a later look overtook this one."""
        visit = Visit.of(request, values[self.context.language])
        looks = self._looks[tab.name]
        number = looks.begin(visit.session)
        gr.Progress()(None, desc=words.doing(tab.name, visit.language))
        with in_plain_words(visit.language):
            controls = (values[control] for control in tab.controls)
            new = tab.render(values[self.context.page_state], visit, *controls)
        if looks.overtaken(visit.session, number):
            if looks.latest(visit.session) is None:
                self.context.controller.analyst.forget(visit.session)  # what came after the session's end
            return gr.skip()
        return dict(zip(tab.components, new, strict=True))
