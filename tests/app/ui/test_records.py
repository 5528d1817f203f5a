"""What a browser keeps of answers, hands back, and puts into a link."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.ui import words
from app.ui.beside_panel import draw, tell
from app.ui.link import Link, ignored_in_link, read_link
from app.ui.records import MOST_RECORDS, MOST_WORDS, Record, differences, read_record, read_records
from app.ui.tabs import history
from tests.browser.test_words_and_panels import shown

RECORD = replace(
    Record.of(shown(("text", "audio"), score=1.25)), what="<i>a</i>", text="<script>alert(1)</script>"
)
TITLES = {"lmf": "LMF", "mult": "MulT"}


def test_a_record_comes_back_from_the_browser_as_it_went():
    assert read_record(RECORD.to_json()) == RECORD
    assert (RECORD.score, RECORD.modalities) == (1.25, ("text", "audio"))


@pytest.mark.parametrize(
    "change",
    [
        {"score": "much"},
        {"score": float("nan")},
        {"low": None},
        {"modalities": ["smell"]},
        {"modalities": 3},
        {"weights": [1]},
        {"weights": {"text": "x"}},
    ],
)
def test_what_a_browser_kept_wrong_is_left_out(change):
    wrong = json.loads(RECORD.to_json()) | change
    assert read_records(json.dumps([wrong, json.loads(RECORD.to_json()), None, 5])) == [RECORD]
    assert read_records("{") == read_records('{"a": 1}') == []


def test_what_is_kept_is_bounded():
    value = json.loads(RECORD.to_json()) | {"text": "a" * 10_000}
    found = read_records(json.dumps([value] * 500))
    assert len(found) == MOST_RECORDS and len(found[0].text) == MOST_WORDS


@pytest.mark.parametrize("language", words.BOTH)
def test_words_and_names_are_never_markup(language):
    other = replace(RECORD, method="mult", modalities=("text",), score=-0.5, text="dull")
    for page in (draw(RECORD, other, TITLES, language), history.draw([RECORD, other], TITLES, language)):
        assert "<script>" not in page and "<i>a" not in page
        assert "&lt;script&gt;" in page and "MulT" in page and "−0.5" in page
    assert draw(None, other, TITLES, language) == ""


def test_what_differs_is_said_and_nothing_else():
    other = replace(RECORD, method="mult", modalities=("text",), score=0.25, text="dull")
    told = differences(RECORD, other, TITLES, words.ENGLISH)
    assert told == ["LMF → MulT", "words and voice → words", "the words", "the score by −1.0"]
    assert differences(RECORD, RECORD, TITLES, words.ENGLISH) == ["the score by 0.0"]


def test_a_link_says_method_switches_and_words():
    link = read_link("?method=mult&modalities=audio,text&text=So+good%21&lang=zh&utm=x", TITLES)
    assert link == Link("mult", ("text", "audio"), "So good!")


def test_what_a_link_asks_for_in_vain_is_told_as_text():
    link = read_link("?method=%3Cb%3Ex&modalities=smell&lang=tlh&text=" + "a" * 9000, TITLES)
    assert (link.method, link.modalities, len(link.text)) == (None, None, MOST_WORDS)
    assert link.ignored == ("method=<b>x", "modalities=smell", "lang=tlh")
    for language in words.BOTH:
        assert "method=&lt;b&gt;x" in tell(ignored_in_link(link, language))
    assert read_link("", TITLES) == Link() and ignored_in_link(Link(), words.ENGLISH) == ""
