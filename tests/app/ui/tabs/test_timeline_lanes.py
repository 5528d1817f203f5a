"""Lanes that fit any width, and say as much as there is room for."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.ui import words
from app.ui.tabs import timeline_lanes
from app.ui.tabs.timeline_lanes import NARROWEST, ZOOMS, Mark

LONG = " ".join(["unbelievable", "so", "I", "recommend", "it"] * 40).split()


@pytest.mark.parametrize("count", [3, 30, 200])
def test_words_have_their_places_and_a_zoom_at_which_all_can_be_read(count):
    spoken = [Mark(text, i, i + 1) for i, text in enumerate(LONG[:count])]
    axis, placed, zooms = timeline_lanes.lay_out(spoken, count)
    assert [place.word for place in placed] == spoken
    assert zooms == ZOOMS[: len(zooms)] and len(zooms) >= 3
    drawn = timeline_lanes.words_lane("", axis, placed, LONG[:count], words.ENGLISH)
    assert re.findall(r"<span>(.*?)</span>", drawn) == LONG[:count]
    for row in range(timeline_lanes.WORD_ROWS):
        starts = [place.word.start for place in placed if place.row == row]
        needed = [timeline_lanes._pixels(place.word) for place in placed if place.row == row]
        rooms = np.diff([*starts, count]) / count * NARROWEST * zooms[-1]
        assert all(need <= room for need, room in zip(needed[:-1], rooms[:-1], strict=True))


def test_seconds_are_labelled_as_closely_as_there_is_room():
    drawn = timeline_lanes.seconds_lane(timeline_lanes.Axis(30.0), words.ENGLISH)
    room = {
        text: float(width)
        for width, text in re.findall(r"max-width:([\d.]+)%\"><span>([\d.]+)</span>", drawn)
    }
    assert len(room) == 60 and sum(width > 12 for width in room.values()) == 6  # a phone shows 0, 5 … 25
    assert room["5"] == pytest.approx(100 / 6, abs=0.01) and room["0.5"] == pytest.approx(100 / 60, abs=0.01)


def test_names_of_columns_are_thinned_evenly():
    drawn = timeline_lanes.names_lane([str(i) for i in range(8)], words.ENGLISH)
    rooms = [float(room) for room in re.findall(r"max-width:([\d.]+)%", drawn)]
    assert rooms == [100, 12.5, 25, 12.5, 50, 12.5, 25, 12.5]
