"""What stands above the words: who wrote them, and of a translation what was said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.service.analysis import Transcript
from app.ui import words
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
