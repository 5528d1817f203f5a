"""The sentence that reads an answer says what its numbers say."""

from __future__ import annotations

import math

import pytest

from app.service.analysis import Analysis, ModalityAnalysis, SubsetAnswer, Transcript, label_of
from app.service.query import Query
from app.ui import words
from app.ui.fuses_panel import SUBSETS
from app.ui.page_state import PageState
from app.ui.score_sentence import score_sentence

SURE, UNSURE = math.log(2), math.log(5)  # entropies, nats
ABSENT = ModalityAnalysis(present=False, used=False)
SWITCHED_OFF = ModalityAnalysis(present=True, used=False, entropy=SURE)


def part(alone: float, moves: float | None, entropy: float = SURE) -> ModalityAnalysis:
    return ModalityAnalysis(True, True, entropy=entropy, score=alone, occlusion=moves)


def state(score: float, text=ABSENT, audio=ABSENT, vision=ABSENT, rest: float = 0.0) -> PageState:
    """An answer with `score`; every smaller subset of it scores `rest`."""
    parts = {"text": text, "audio": audio, "vision": vision}
    on = tuple(m for m, p in parts.items() if p.used)
    subsets = {"+".join(names): SubsetAnswer(rest, (-3, 3)) for names in SUBSETS}
    analysis = Analysis(
        score, label_of(score), (-3, 3), Query(), None, Transcript("", "none"), parts, subsets, {}
    )
    return PageState(analysis, on, None, "LMF")


CASES = {
    "one decides": (
        state(2.0, part(2.2, 2.5), part(-0.2, 0.1, UNSURE), part(1.0, 0.4), rest=-0.4),
        "Words decide; the voice is unsure; without words it would be −0.4, neutral.",
        "文字起决定作用；声音没有把握；没有文字时会是 −0.4（中性）。",
    ),
    "one decides against another": (
        state(-1.6, part(-1.8, 1.5), part(-0.3, 0.3), part(1.2, 0.4), rest=1.2),
        "Words decide; the face points the other way; without words it would be +1.2, weakly positive.",
        "文字起决定作用；面部的方向相反；没有文字时会是 +1.2（略正面）。",
    ),
    "the one that decides is unsure": (
        state(1.0, part(0.2, 0.1), part(0.2, 0.3), part(1.5, 1.2, UNSURE), rest=0.2),
        "The face decides, though unsure; without face it would be +0.2, neutral.",
        "面部起决定作用，但没有把握；没有面部时会是 +0.2（中性）。",
    ),
    "two decide": (
        state(2.0, part(1.8, 1.0), part(1.5, 0.9), part(0.3, 0.1)),
        "Words and voice decide together.",
        "文字和声音共同起决定作用。",
    ),
    "none decides, none is sure": (
        state(0.1, part(0.1, 0.1, UNSURE), part(0.0, 0.05, UNSURE), part(-0.1, 0.0, UNSURE)),
        "No part decides alone; words, voice and face are unsure.",
        "没有哪一部分单独起决定作用；文字、声音和面部没有把握。",
    ),
    "only one was given": (
        state(2.0, vision=part(2.0, None)),
        "Only the face can be read here.",
        "这里只能分析面部。",
    ),
    "only one is on": (
        state(-0.2, SWITCHED_OFF, part(-0.2, None, UNSURE), SWITCHED_OFF),
        "Only the voice is switched on; the voice is unsure.",
        "现在只使用声音；声音没有把握。",
    ),
    "all are out": (state(0.0, SWITCHED_OFF, SWITCHED_OFF, SWITCHED_OFF), "", ""),
}


@pytest.mark.parametrize(("answer", "english", "chinese"), CASES.values(), ids=CASES.keys())
def test_the_sentence_says_what_the_numbers_say(answer, english, chinese):
    assert score_sentence(answer, words.ENGLISH) == english
    assert score_sentence(answer, words.CHINESE) == chinese


def test_what_hardly_leans_points_nowhere():
    answer = state(1.6, part(1.8, 1.5), part(-0.3, 0.3), part(0.5, 0.4), rest=0.3)
    assert "other way" not in score_sentence(answer, words.ENGLISH)
