"""A recording of two people, read utterance by utterance in a real browser."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

from app.service.recordings.export import COLUMNS
from tests.browser.visiting import look_into, score, upload
from tests.joined import join

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"


def test_an_utterance_opens_in_every_tab_and_what_is_wrong_is_corrected_by_a_click(open_page, tmp_path):
    talk = tmp_path / "talk.mp4"
    turns = join([(name, EXAMPLES / f"{name}.mp4") for name in ("delight", "letdown")], talk)
    page = open_page()
    upload(page, talk)
    look_into(page, "Recording")
    page.click("#recording-read")
    page.locator("#recording-csv").wait_for()
    utterances = page.locator(".fb-utterance")
    assert utterances.count() >= 2
    assert page.locator(".fb-who").first.inner_text() == "A"

    last = utterances.last
    told = last.get_attribute("title")
    last.click()
    shown = score(page)
    assert shown in told
    assert page.input_value("#words textarea").rstrip(".") in told
    assert page.evaluate("document.querySelector('#clip video').currentTime") >= turns[1].start - 0.5
    look_into(page, "Timeline")
    begins = page.locator("#timeline .fb-timeline").get_attribute("data-begins")
    assert float(begins) >= turns[1].start - 0.5

    look_into(page, "Recording")
    speaker = page.locator('[data-correct="speaker:0"]')
    assert speaker.inner_text() == "A"
    speaker.click()
    page.locator('[data-correct="speaker:0"]', has_text=re.compile("^B$")).wait_for()
    with page.expect_download() as download:
        page.click("#recording-csv")
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS and rows[0]["speaker"] == "B"

    with page.expect_download() as download:
        page.click("#recording-html")
    report = html.unescape(Path(download.value.path()).read_text(encoding="utf-8"))
    assert "Fusebox report: talk" in report and all(row["text"] in report for row in rows)

    page.click("#recording-whole")
    page.locator("#recording-whole").wait_for(state="hidden")
    assert not page.complaints and not page.abroad
