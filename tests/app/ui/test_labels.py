"""One rule of labels: equal numbers on the page have equal words, wherever they stand."""

from __future__ import annotations

import re

import gradio as gr
import numpy as np
import pytest

from app.service.analysis import LABELS, Glimpse, label_of, side_of
from app.ui import sentiment_panel, words
from app.ui.tabs import compare, robustness
from app.ui.tabs.imagined import _agrees
from app.ui.templates import fill
from tests.browser.test_words_and_panels import shown

NEAR = (-6e-5, -4e-5, 0, 4e-5)  # about what the fourth digit in JSON can tell apart
GRID = [*np.linspace(-3, 3, 2401).tolist(), *(k / 20 + off for k in range(-60, 61) for off in NEAR)]


@pytest.mark.parametrize(
    ("score", "displayed", "label"),
    [
        (-0.04, "0.0", "neutral"),
        (0.44994, "+0.4", "neutral"),
        (0.44996, "+0.5", "weakly positive"),  # JSON says 0.45
        (0.46, "+0.5", "weakly positive"),
        (0.54, "+0.5", "weakly positive"),
        (-0.45, "−0.5", "weakly negative"),
        (0.25, "+0.3", "neutral"),
        (1.45, "+1.5", "positive"),  # a little less than 1.45 as a float
        (2.5, "+2.5", "strongly positive"),
        (-2.4, "−2.4", "negative"),
        (3.4, "+3.4", "strongly positive"),
        (-9.0, "−9.0", "strongly negative"),
    ],
)
def test_the_label_is_that_of_the_number_shown(score, displayed, label):
    assert (words.signed(score), label_of(score)) == (displayed, label)


def test_labels_rise_with_the_score_and_are_even_about_zero():
    labels = [LABELS.index(label_of(score)) for score in sorted(GRID)]
    assert labels == sorted(labels) and set(labels) == set(range(7))
    for score in GRID:
        assert LABELS.index(label_of(-score)) == 6 - LABELS.index(label_of(score))


@pytest.mark.parametrize("language", [words.ENGLISH, words.CHINESE])
def test_equal_numbers_have_equal_words_in_every_output(language):
    said: dict[str, set[str]] = {}
    with gr.Blocks():
        panel = sentiment_panel.build()
    for score in GRID:
        answer = shown(("text",), score=score)
        page = panel.render_answer(answer, language)[0]
        number = re.search(r'class="fb-score">([^<]+)', page)[1]
        headline = re.search(r'class="fb-label">([^<]+)', page)[1]
        json = answer.analysis.to_json()
        assert words.signed(json["score"]) == number and label_of(json["score"]) == json["label"]
        glimpse = fill("charts.glimpse", language, seen=Glimpse(("text",), score), modality="vision")
        imagined, word = re.search(r"<b>([^<]+)</b> <span>([^<]+)", glimpse).groups()
        assert imagined == number
        said.setdefault(number, set()).update(
            {headline, word, words.class_label(json["label"], language), words.score_label(score, language)}
        )
    assert len(said) == 61
    assert {number: found for number, found in said.items() if len(found) > 1} == {}


def test_sides_that_are_compared_follow_the_label():
    for score in GRID:
        assert label_of(score).endswith(side_of(score))
    told = compare._agreement([0.46, 0.44, -0.04, -0.5, 2.0], 0.44, words.ENGLISH)
    assert told.startswith("2 of 5 methods are neutral")
    assert _agrees("score", -0.04, 0.04, words.ENGLISH) == "The score agrees: 0.0."
    assert _agrees("score", 0.46, -0.46, words.ENGLISH) == "The score disagrees: −0.5."
    assert _agrees("score", 0.46, 0.44, words.ENGLISH) == "The score is +0.4."
    assert robustness._turned(0.46, -0.46)
    assert not robustness._turned(0.2, -0.2)  # neutral both
