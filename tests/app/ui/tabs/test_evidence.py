"""What is said of the faces, and the choice among several."""

from dataclasses import replace

import numpy as np
import pytest

from app.service.analysis import Analysis, FacesFound, Transcript
from app.service.query import Query
from app.ui import words
from app.ui.page_state import PageState
from app.ui.tabs import evidence

CROPS = np.zeros((3, 48, 48), np.uint8)
ANSWER = Analysis(
    0.0,
    "neutral",
    (-1, 1),
    Query(),
    None,
    Transcript("", "none"),
    {},
    {},
    {},
    crops=CROPS,
    crop_times=np.arange(3),
)


def seen(count: int, used: int = 1, speaking: int | None = None) -> PageState:
    faces = FacesFound(count, used, speaking, np.zeros((count, 48, 48), np.uint8))
    return PageState(replace(ANSWER, faces=faces), (), None, "LMF")


@pytest.mark.parametrize("language", [words.ENGLISH, words.CHINESE])
def test_one_face_leaves_nothing_to_choose(language):
    assert not evidence._choice(seen(1), language)["visible"]
    assert not evidence._choice(None, language)["visible"]
    assert words.say("faces_count", language, count=3) in evidence._faces(seen(1), language)


@pytest.mark.parametrize("language", [words.ENGLISH, words.CHINESE])
def test_of_several_faces_the_used_one_is_told_and_another_can_be_chosen(language):
    choice = evidence._choice(seen(3, 2, 2), language)
    assert choice["visible"] and choice["value"] == 2
    assert [number for _, number in choice["choices"]] == [1, 2, 3]
    assert choice["choices"][1][0] == words.say("face_number_speaking", language, number=2)
    told = words.say("faces_speaking", language, count=3, used=2)
    assert told in evidence._faces(seen(3, 2, 2), language)
    assert told not in evidence._faces(seen(3, 2, None), language)
    assert words.say("faces_several", language, count=3, used=1) in evidence._faces(seen(3), language)
    assert evidence._faces(seen(3), language).count("<img") == 3 + 3
