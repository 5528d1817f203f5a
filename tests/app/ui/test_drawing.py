"""Charts whose lengths mean the same everywhere, and fuses that keep their columns."""

from __future__ import annotations

import re
from dataclasses import replace

import gradio as gr
import pytest

from app.service.analysis import Glimpse
from app.ui import fuses_panel, words
from app.ui.templates import fill
from tests.browser.test_words_and_panels import SUBSETS, shown


def distribution(probabilities: list[float] | None) -> str:
    return fill("charts.distribution", words.ENGLISH, probabilities=probabilities, modality="text")


def heights(drawn: str) -> list[float]:
    return [float(height) for height in re.findall(r"height:([\d.]+)%", drawn)]


def test_a_guess_fills_its_height_at_probability_one_whatever_the_others_are():
    sure, unsure = [0, 0, 0, 0, 0, 1, 0], [1 / 7] * 7
    assert heights(distribution(sure)) == [0, 0, 0, 0, 0, 100, 0]
    assert heights(distribution(unsure)) == [14.3] * 7
    for drawn in (distribution(unsure), distribution(None)):
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
