"""What stands above the words: who wrote them, and of a translation what was said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from app.service.analysis import Transcript
from app.service.query import Query
from app.ui import words
from app.ui.events.context import EventContext
from app.ui.input_panel import note
from app.ui.page_state import PageState
from tests.app.ui.test_score_sentence import part, state

HEARD = Transcript("I loved it", "whisper")
GERMAN = replace(HEARD, language="de", original="Ich fand es toll")


def answer(transcript: Transcript) -> PageState:
    about = state(2.0, part(2.0, None))
    return replace(about, analysis=replace(about.analysis, transcript=transcript))


@pytest.mark.parametrize(("language", "name"), [(words.ENGLISH, "German"), (words.CHINESE, "德文")])
def test_a_translation_stands_below_what_was_said(language, name):
    told = note(answer(GERMAN), [], language)
    assert name in told and told.endswith(GERMAN.original)
    assert note(answer(HEARD), [], language) == words.say("words_recognised", language)


@pytest.mark.parametrize(
    ("asked", "written", "pending"),
    [(None, "", False), (None, "I loved it ", False), (None, "I hated it", True), ("I loved it", "", True)],
)
def test_only_words_of_ones_own_wait_to_be_analysed(asked, written, pending):
    """Not an empty box that recognised words are on their way to: a language chosen then said so."""
    box, about = object(), answer(HEARD)
    about = replace(about, analysis=replace(about.analysis, query=Query(text=asked)))
    context = cast(EventContext, SimpleNamespace(inputs=SimpleNamespace(words=box)))
    noted = EventContext.note_on_edits(context, about, written, words.ENGLISH)
    assert (box in noted) == pending
