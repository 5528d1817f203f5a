"""What a visitor does on the page."""

from __future__ import annotations

import re
from pathlib import Path

SHOWN_SCORE = """() => document.querySelector('#sentiment .fb-band')
  && document.querySelector('#sentiment .fb-score').innerText"""
WATCH_ANSWER = """() => {
  window.answerLeft = false;
  const watching = new MutationObserver(() => {
    if (document.querySelector("#sentiment .fb-band")) return;
    window.answerLeft = true;
    watching.disconnect();
  });
  const all = { childList: true, subtree: true, attributes: true };
  watching.observe(document.querySelector("#sentiment"), all);
}"""
# neither says that there is nothing yet nor that it is on its way, nor is still fading in
FILLED = """() => {
  const depth = document.querySelector("#depth");
  const waiting = [...depth.querySelectorAll(".fb-empty, .progress-text, .pending")];
  const moving = depth.getAnimations({ subtree: true }).some((one) => one.playState === "running");
  return !moving && !waiting.some((part) => part.checkVisibility());
}"""
SCORE = re.compile(r"^([+−]\d\.\d|0\.0)$")


def upload(page, path: Path) -> None:
    page.set_input_files("#clip input[type=file]", str(path))
    page.locator("#clip video").wait_for()


def clear(page) -> None:
    """Take the clip away, and with it the answer."""
    page.click("#clip button:is([aria-label=Clear], [aria-label=清除])")
    page.locator("#sentiment", has_text=re.compile("Add a clip|请添加视频")).wait_for()
    page.wait_for_function("document.querySelector('#words textarea').value === ''")


def analyse(page) -> str:
    page.click("#analyse")
    return score(page)


def score(page) -> str:
    """The score, once there is one."""
    text = page.wait_for_function(SHOWN_SCORE).json_value()
    assert SCORE.match(text), text
    return text


def was(page) -> str:
    """What the page says about the score before, once it says something."""
    page.wait_for_function("document.querySelector('#sentiment .fb-was').textContent !== ''")
    return page.inner_text("#sentiment .fb-was")


def ask_about_words(page, sentence: str) -> str:
    page.get_by_role("tab", name="Words only").click()
    page.fill("#words textarea", sentence)
    return analyse(page)


def take_example(page, title: str) -> str:
    """The score of an example, once it is there."""
    page.locator(".fb-card", has_text=title).click()
    return score(page)


def take_card(page, index: int) -> None:
    """Choose an example on a page with an answer, and wait for its own, which follows once that has gone."""
    page.evaluate(WATCH_ANSWER)
    page.locator("#examples .fb-card").nth(index).click()
    page.wait_for_function("window.answerLeft")
    score(page)


def look_into(page, tab: str) -> None:
    """Open a tab below the answer."""
    page.locator("#depth").get_by_role("tab", name=tab, exact=True).click()


def wait_until_filled(page) -> None:
    """The open tab shows what there is to show of the answer."""
    page.wait_for_function(FILLED)


def choose_method(page, title: str) -> None:
    """Choose another method, once there is an answer."""
    page.click("#method input")
    page.get_by_role("option", name=title, exact=True).click()
