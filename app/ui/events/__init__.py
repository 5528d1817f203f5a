"""Which event of the page asks for what, and what it repaints, by what a visitor does.

Switches and methods answer from cached features without a queue, in milliseconds; whatever may decode a clip
waits in one queue. Every listener here is private: the public endpoints are in `app/ui/api.py`.
"""

from __future__ import annotations

import gradio as gr

from app.ui.events.ask import Asking
from app.ui.events.context import EventContext
from app.ui.events.language import Telling
from app.ui.events.look import Looking
from app.ui.events.new_input import NewInput
from app.ui.events.switch import Switching


def connect(context: EventContext) -> None:
    """Connect the components of the page, inside its Blocks; the listeners of one event run in this order."""
    looking = Looking(context)
    asking = Asking(context, looking)
    looking.connect()
    asking.connect()
    NewInput(context, asking, looking).connect()
    Switching(context, looking).connect()
    Telling(context, looking).connect()

    def forget(request: gr.Request) -> None:
        context.forget(request.session_hash)
        looking.forget(request.session_hash)

    context.demo.unload(forget)
