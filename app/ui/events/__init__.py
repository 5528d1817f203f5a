"""Which event of the page asks for what, and what it repaints, by what a visitor does.

Switches and methods answer from cached features without a queue, in milliseconds; whatever may decode a clip
waits in one queue. Every listener here is private: the public endpoints are in `app/ui/api.py`.
"""

from __future__ import annotations

import gradio as gr

from app.ui.events.ask import AskEvents
from app.ui.events.context import EventContext
from app.ui.events.delete import DeleteEvents
from app.ui.events.history import HistoryEvents
from app.ui.events.language import LanguageEvents
from app.ui.events.live import LiveEvents
from app.ui.events.look import LookEvents
from app.ui.events.many import ManyFilesEvents
from app.ui.events.new_input import NewInputEvents
from app.ui.events.recording import RecordingEvents
from app.ui.events.switch import SwitchEvents
from app.ui.page_state import session_of


def connect(context: EventContext) -> None:
    """Connect the components of the page, inside its Blocks; the listeners of one event run in this order."""
    looking = LookEvents(context)
    asking = AskEvents(context, looking)
    looking.connect()
    asking.connect()
    NewInputEvents(context, asking, looking).connect()
    SwitchEvents(context, looking).connect()
    LanguageEvents(context, looking).connect()
    recording = RecordingEvents(context, looking)
    recording.connect()
    many = ManyFilesEvents(context, looking)
    many.connect()
    HistoryEvents(context).connect()
    live = LiveEvents(context)
    live.connect()

    DeleteEvents(context, asking, [recording, many, live]).connect()

    def leave(request: gr.Request) -> None:
        context.leave(session_of(request))
        looking.forget(session_of(request))
        recording.forget(session_of(request))
        many.forget(session_of(request))
        live.forget(session_of(request))

    context.demo.unload(leave)
    context.demo.when_ended(context.delete)
