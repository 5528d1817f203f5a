"""From what a visitor did to what the page shows next."""

from __future__ import annotations

from app.service.query import Query
from app.ui.controller import Controller, left_on
from app.ui.page_state import Visit

VISIT = Visit("visit", "en")


def test_a_first_question_keeps_its_switches_and_a_further_one_those_of_the_page(analyst, write_clip):
    controller, clip = Controller(analyst), str(write_clip())
    asked = Query(video=clip, text="so good", modalities=("text", "vision"))
    state = controller.ask(asked, None, VISIT)
    assert state.on == state.query.modalities == ("text", "vision")
    other = controller.ask(Query(video=clip, text="so bad"), state, VISIT)
    assert other.on == left_on(state) == ("text", "vision")
    alone = controller.ask(Query(text="so good"), None, VISIT)
    assert (alone.on, left_on(alone)) == (("text",), ("text", "audio", "vision"))
