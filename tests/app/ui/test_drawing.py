"""Charts whose lengths mean the same everywhere, and lanes that fit any width."""

from __future__ import annotations

import re
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest

from app.service.analysis import Glimpse
from app.ui import charts, fuses_panel, tracks, words
from app.ui.tracks import NARROWEST, ZOOMS, Mark
from app.ui.why.figures import StepRow, picture, steps
from tests.browser.test_words_and_panels import SUBSETS, shown

LONG = " ".join(["unbelievable", "so", "I", "recommend", "it"] * 40).split()


def heights(drawn: str) -> list[float]:
    return [float(height) for height in re.findall(r"height:([\d.]+)%", drawn)]


def test_a_guess_fills_its_height_at_probability_one_whatever_the_others_are():
    sure, unsure = [0, 0, 0, 0, 0, 1, 0], [1 / 7] * 7
    assert heights(charts.distribution(sure, "text", words.ENGLISH)) == [0, 0, 0, 0, 0, 100, 0]
    assert heights(charts.distribution(unsure, "text", words.ENGLISH)) == [14.3] * 7
    for drawn in (
        charts.distribution(unsure, "text", words.ENGLISH),
        charts.distribution(None, "text", "en"),
    ):
        assert re.findall(r"<span>(.*?)</span>", drawn) == ["−3", "−2", "−1", "0", "+1", "+2", "+3"]


@pytest.fixture(scope="module")
def fuses():
    with gr.Blocks():
        return fuses_panel.build()[0]


def columns_of(row: str) -> list[str]:
    return re.findall(r'popovertarget="fb-help-(\w+)"', row)


@pytest.mark.parametrize("kind", [None, "attention", "entropy"])
def test_a_pulled_fuse_keeps_its_columns(fuses, kind):
    phrase = "a phrase that is long enough to have been cut once upon a time"
    glimpse = {"text": Glimpse(("audio", "vision"), -0.04, phrase=phrase)}
    now = shown(("audio", "vision"))
    now = replace(now, analysis=replace(now.analysis, weights_kind=kind, imagined=glimpse))
    heading, pulled, used, _, _ = fuses.render_answer(now, words.ENGLISH)
    order = ["sure", "guess", "alone", "counts", *(["own"] if kind == "attention" else [])]
    assert columns_of(heading) == columns_of(pulled) == columns_of(used) == order
    numbers = re.findall(r"</button></div><b>(.*?)</b>", pulled)
    assert numbers == ["–"] * (len(order) - 2)  # alone, counts for, its own weight
    assert re.search(r'class="fb-below"><div class="fb-glimpse.*' + phrase, pulled)
    assert "<b>0.0</b> <span>neutral</span>" in pulled


def test_definitions_are_opened_by_buttons_and_are_no_titles(fuses):
    for language in (words.ENGLISH, words.CHINESE):
        for now in (None, *map(shown, SUBSETS)):
            html = "".join(fuses.render_answer(now, language))
            assert " title=" not in html
            for about in columns_of(html):
                assert html.count(f'id="fb-help-{about}" class="fb-help-text" popover') == 1


@pytest.mark.parametrize("count", [3, 30, 200])
def test_words_have_their_places_and_a_zoom_at_which_all_can_be_read(count):
    spoken = [Mark(text, i, i + 1) for i, text in enumerate(LONG[:count])]
    axis, placed, zooms = tracks.lay_out(spoken, count)
    assert [place.word for place in placed] == spoken
    assert zooms == ZOOMS[: len(zooms)] and len(zooms) >= 3
    drawn, _ = tracks.words_on(axis, placed, LONG[:count], seek=False)
    assert re.findall(r"<span>(.*?)</span>", drawn) == LONG[:count]
    for row in range(tracks.WORD_ROWS):
        starts = [place.word.start for place in placed if place.row == row]
        needed = [tracks._pixels(place.word) for place in placed if place.row == row]
        rooms = np.diff([*starts, count]) / count * NARROWEST * zooms[-1]
        assert all(need <= room for need, room in zip(needed[:-1], rooms[:-1], strict=True))


def test_seconds_are_labelled_as_closely_as_there_is_room():
    drawn = tracks.ticks_on(tracks.Axis(30.0))
    room = {
        text: float(width)
        for width, text in re.findall(r"max-width:([\d.]+)%\"><span>([\d.]+)</span>", drawn)
    }
    assert len(room) == 60 and sum(width > 12 for width in room.values()) == 6  # a phone shows 0, 5 … 25
    assert room["5"] == pytest.approx(100 / 6, abs=0.01) and room["0.5"] == pytest.approx(100 / 60, abs=0.01)


def test_names_of_columns_are_thinned_evenly():
    drawn = tracks.columns_named([str(i) for i in range(8)])
    rooms = [float(room) for room in re.findall(r"max-width:([\d.]+)%", drawn)]
    assert rooms == [100, 12.5, 25, 12.5, 50, 12.5, 25, 12.5]


def test_steps_carry_their_numbers_as_a_table():
    rows = [
        StepRow("Attention", {"text": np.array([0.2, 0.5]), "audio": np.array([0.8, 0.5])}, 1.0),
        StepRow("Gate", {"other": np.array([0.1, 0.9])}, 1.0),
    ]
    html = steps(["so", ""], rows, "A title", words.ENGLISH, in_words=True)
    assert "Attention, on average: Words 0.35, Voice 0.65" in html
    heads = re.findall(r'<th scope="col">(.*?)</th>', html)
    assert heads == ["Step", "Attention: Words", "Attention: Voice", "Gate"]
    assert re.findall(r"<td>(.*?)</td>", html) == ["0.20", "0.80", "0.10", "0.50", "0.50", "0.90"]
    assert html.count('type="radio"') == 3
    assert 'type="radio"' not in steps(["−3"], rows[1:], "t", words.ENGLISH, zoom=False)


def test_a_map_names_its_columns():
    html = picture(
        np.ones((2, 3)), "text", ["a", "b"], ["", "so", "good"], "t", "said", words.ENGLISH, in_words=True
    )
    assert re.findall(r"<span>(.*?)</span>", html)[-2:] == ["so", "good"]
    assert 'alt="said"' in html
