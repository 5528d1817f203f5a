"""While a visitor waits: the stages, the place in the queue, and Cancel."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browser.visiting import analyse, score, upload, was
from tests.crowd import Caller, Question, as_new

pytestmark = pytest.mark.browser

DELIGHT = Path(__file__).resolve().parents[2] / "assets" / "examples" / "delight.mp4"
CANCEL_AT_ONCE = """new Promise((done) => {
  const clicking = setInterval(() => {
    const cancel = document.querySelector("#cancel");
    if (cancel) { clearInterval(clicking); done(cancel.click()); }
  }, 10);
})"""
STEP = "document.querySelector('#sentiment [role=progressbar]')?.getAttribute('aria-valuenow')"


def test_stages_are_told_and_analyse_is_off_meanwhile(open_page, tmp_path):
    page = open_page()
    upload(page, as_new(DELIGHT, tmp_path))
    page.evaluate(
        f"window.steps = []; setInterval(() => {{ const at = {STEP}; if (at) window.steps.push(+at); }}, 20)"
    )
    page.click("#analyse")
    page.locator("#analyse[disabled]").wait_for()
    page.locator("#cancel").wait_for()
    score(page)
    page.locator("#analyse:not([disabled])").wait_for()
    assert not page.locator("#cancel").is_visible()
    steps = page.evaluate("window.steps")
    assert steps == sorted(steps) and len(set(steps)) >= 2 and steps[-1] >= 50


@pytest.mark.slow
def test_a_crowd_sees_its_place_and_may_cancel(open_page, page_url, tmp_path):
    page = open_page()
    upload(page, DELIGHT)
    others = [as_new(DELIGHT, tmp_path) for _ in range(8)]
    with ThreadPoolExecutor(len(others)) as pool:
        asked = [pool.submit(Caller(page_url).score, Question(DELIGHT, None), file) for file in others]
        page.locator("#language label", has_text="中文").click()
        page.click("#analyse")
        page.wait_for_function("document.querySelector('#sentiment [data-place^=排队第]')")
        page.click("#cancel")
        page.locator("#sentiment", has_text="已取消").wait_for()
        page.locator("#analyse:not([disabled])").wait_for()
        assert not page.locator("#cancel").is_visible()
        assert len({answer.result() for answer in asked}) == 1
    assert page.locator("#sentiment .fb-band").count() == 0  # what was cancelled does not come after all


def test_what_was_cancelled_can_be_asked_again(open_page, tmp_path):
    page = open_page()
    upload(page, as_new(DELIGHT, tmp_path))
    page.click("#analyse")
    page.evaluate(CANCEL_AT_ONCE)  # before the answer comes
    page.locator("#sentiment", has_text="Cancelled").wait_for()
    assert float(analyse(page).replace("−", "-")) > 0


def test_a_question_asked_before_the_page_is_emptied_is_answered(open_page):
    page, held = open_page(), []

    def hold_back(route):
        asked = json.loads(route.request.post_data)["data"]
        of_a_clip = any(isinstance(value, dict) and value.get("path") for value in asked)
        held.append(route) if of_a_clip else route.continue_()

    page.route("**/run/predict*", hold_back)
    upload(page, DELIGHT)
    page.click("#analyse")
    page.wait_for_timeout(1000)
    assert len(held) == 1  # the server does not know of the clip yet
    with page.expect_response("**/run/predict*"):
        held.pop().continue_()
    page.wait_for_timeout(1000)
    score(page)


def test_words_typed_as_soon_as_the_score_is_there_stay(open_page):
    page, held = open_page(), []

    def hold_back(route):
        what_was_meanwhile = json.loads(route.request.post_data)["data"]
        held.append(route) if "I love it." in what_was_meanwhile else route.continue_()

    page.get_by_role("tab", name="Words only").click()
    page.route("**/run/predict*", hold_back)
    page.fill("#words textarea", "I love it.")
    page.wait_for_timeout(1000)
    while held:  # the note above the words
        held.pop().continue_()
    good = analyse(page)
    page.wait_for_timeout(1000)
    page.fill("#words textarea", "I hate it.")
    assert len(held) == 1
    with page.expect_response("**/run/predict*"):
        held.pop().continue_()
    page.wait_for_timeout(1000)
    page.click("#analyse")
    assert was(page) == f"was {good} with the words before"
