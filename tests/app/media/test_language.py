"""The language warning: clear for other languages, silent for English however it is typed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.media.language import warn_if_not_english

MOSI = Path(__file__).resolve().parents[4] / "shared" / "data" / "text" / "mosi.csv"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345 !!!",
        "no",
        "es war gut",  # three words may be anything
        "hola amigo",
        "THIS MOVIE WAS SO BAD",
        "omg lol great film",
        "umm i mean uhh yeah no",
        "it is set in buenos aires and i loved it",
        "I love 三体 so much",
        "hasta la vista baby was great",
    ],
)
def test_english_and_what_is_too_short_to_tell(text):
    assert warn_if_not_english(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("这部电影真的很好看", "Chinese"),
        ("很好", "Chinese"),
        ("la película fue muy mala y aburrida", "Spanish"),
        ("ich fand den film wirklich sehr schlecht", "German"),
        ("DIESER FILM WAR SO SCHLECHT", "German"),
        ("Этот фильм был ужасным", "Russian"),
        ("c'était vraiment un très bon film", "French"),
        ("この映画はとても良かった", "Japanese"),
    ],
)
def test_other_languages_are_named(text, language):
    notice = warn_if_not_english(text)
    assert notice.code == "not_english"
    assert notice.values == {"language": language}
    assert language in notice.text


def test_a_script_of_no_known_language_is_still_not_english():
    notice = warn_if_not_english("สวัสดีครับ")
    assert notice.values == {"language": ""}
    assert "does not seem to be English" in notice.text


@pytest.mark.shared
@pytest.mark.skipif(not MOSI.exists(), reason="the labelled transcripts are not in ../shared/data")
def test_spoken_english_is_hardly_ever_flagged():
    with MOSI.open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    flagged = [text for text in texts if warn_if_not_english(text)]
    assert len(flagged) <= 0.01 * len(texts), flagged
