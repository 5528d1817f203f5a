"""What the open tab asks about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.service.analysis import Transcript
from app.service.query import Query
from app.ui.events.ask import query_of
from tests.browser.test_words_and_panels import shown

ANSWER = shown(("text",))
HEARD = replace(
    ANSWER,
    analysis=replace(
        ANSWER.analysis, query=Query("a.mp4", None, None, "lmf"), transcript=Transcript("so good", "speech")
    ),
)


@pytest.mark.parametrize(
    ("tab", "video", "audio", "written", "asked"),
    [
        ("clip", "a.mp4", "a.mp3", " so ", Query("a.mp4", None, "so", "mla")),
        ("audio", "a.mp4", "a.mp3", "", Query(None, "a.mp3", None, "mla")),
        ("text", "a.mp4", "a.mp3", "so", Query(None, None, "so", "mla")),
        ("clip", None, "a.mp3", "so", None),
        ("text", "a.mp4", None, " ", None),
    ],
)
def test_only_the_open_tab_counts(tab, video, audio, written, asked):
    assert query_of(tab, video, audio, written, "mla", None) == asked


def test_recognised_words_that_nobody_touched_are_not_taken_for_typed_ones():
    assert query_of("clip", "a.mp4", None, "so good ", "lmf", HEARD).text is None
    assert query_of("clip", "a.mp4", None, "so bad", "lmf", HEARD).text == "so bad"
    assert query_of("clip", "b.mp4", None, "so good", "lmf", HEARD).text == "so good"
