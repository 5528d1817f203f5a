"""The chosen method's own traces, in a real browser."""

from __future__ import annotations

import re

import pytest

from tests.browser.visiting import choose_method, look_into, take_example

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_why_follows_method_and_switches(open_page):
    page = open_page()
    score = take_example(page, "All agree: delighted")
    look_into(page, "Why")
    why = page.locator("#why")
    why.locator("th", has_text="Rank 4").wait_for()
    assert f"Why LMF says {score}" in why.inner_text()
    assert why.locator("a").get_attribute("href") == "https://arxiv.org/abs/1806.00064"

    choose_method(page, "TFN")
    why.locator("h2", has_text="Why TFN says").wait_for()
    assert why.locator(".fb-bars tr").count() == 7
    hatched = why.locator(".fb-room.fb-hatched")
    assert hatched.count() == 0
    page.locator("#switch-vision input").uncheck()
    hatched.first.wait_for()
    assert hatched.count() == 4  # blocks with the face in them

    choose_method(page, "MFN")
    why.locator("h2", has_text="Why MFN says").wait_for()
    shaded = [word for word in why.locator(".fb-shaded").all_inner_texts() if word != "·"]
    assert " ".join(shaded).startswith("I really loved this film.")


def test_chinese_visitor_reads_why_in_chinese(open_page):
    page = open_page(locale="zh-CN")
    page.get_by_role("tab", name="仅文字").click()
    page.fill("#words textarea", "I love it.")
    page.click("#analyse")
    page.locator("#sentiment .fb-band").wait_for()
    look_into(page, "为什么")
    why = page.locator("#why h2", has_text="LMF 为什么给出")
    why.wait_for()
    english = page.locator("#why [lang=en]").all_inner_texts()
    assert len(english) == 2  # the paper's title, and what the registry says of the implementation
    rest = page.inner_text("#why")
    for text in english:
        rest = rest.replace(text, "")
    assert re.findall(r"[A-Za-z]{4,}", rest) == []
