"""The tab that disturbs a clip on purpose, in a real browser."""

from __future__ import annotations

import re

import pytest

from tests.browser.visiting import ask_about_words, look_into, take_example

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SAID = "I really loved this film, it made me laugh from start to finish."


def open_stress(page) -> None:
    look_into(page, "Stress")
    page.locator("#stress .fb-stress-table").wait_for()


def dropped(page) -> list[str]:
    return page.locator("#stress del").all_inner_texts()


def test_untouched_is_the_score_above_and_the_slider_moves_the_rest(open_page):
    page = open_page()
    said = ask_about_words(page, SAID)
    open_stress(page)
    chosen = page.locator("#stress tr[aria-current] td")
    assert chosen.nth(0).inner_text() == said
    assert len(dropped(page)) == round(0.6 * len(SAID.split()))
    page.focus("#stress-strength input[type=range]")
    page.keyboard.press("Home")
    page.locator("#stress .fb-stress-title small", has_text="untouched").wait_for()
    assert dropped(page) == []
    assert chosen.nth(1).inner_text() == said
    page.keyboard.press("End")
    page.locator("#stress", has_text="Nothing is left to judge").wait_for()
    assert chosen.nth(1).inner_text() == "–"


def test_seed_decides_which_words_go(open_page):
    page = open_page()
    ask_about_words(page, SAID)
    open_stress(page)
    first = dropped(page)
    page.fill("#stress-seed input", "7")
    page.wait_for_function(
        "first => [...document.querySelectorAll('#stress del')].map(e => e.innerText).join() !== first",
        arg=",".join(first),
    )
    page.fill("#stress-seed input", "0")
    page.wait_for_function(
        "first => [...document.querySelectorAll('#stress del')].map(e => e.innerText).join() === first",
        arg=",".join(first),
    )


def test_only_what_is_in_use_can_be_disturbed(open_page):
    page = open_page(kept=True)
    open_stress(page)
    page.get_by_label("Noise on the voice").check()
    page.locator("#stress audio").wait_for()
    assert (
        page.locator("#stress img.fb-mel").get_attribute("alt").startswith("Log-mel of the disturbed voice")
    )
    assert re.search(r"6 dB voice over noise", page.inner_text("#stress"))
    page.get_by_label("Face blurred").check()
    page.locator("#stress .fb-faces img").first.wait_for()
    assert "after it was found" in page.inner_text("#stress")
    assert page.locator("#stress-seed input").is_disabled()

    page.locator("#switch-vision input").uncheck()
    page.locator("#stress-unused", has_text="Face is pulled out").wait_for()
    page.locator("#stress del").first.wait_for()  # what can still be disturbed takes its place
    assert page.locator("#stress-kind input").count() == 4
    assert page.get_by_label("Words dropped").is_checked()


def test_chinese_visitor_on_a_phone(open_page):
    page = open_page(locale="zh-CN", viewport={"width": 390, "height": 900}, color_scheme="dark")
    take_example(page, "三者一致：高兴")
    page.locator("#depth-stress-button", has_text="压力测试").click()
    page.locator("#stress .fb-stress-table").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    sentence, table = (
        set(re.findall(r"[A-Za-z]{3,}", page.inner_text(f"#stress {part}")))
        for part in (".fb-plain", "table")
    )
    assert sentence <= {"LMF", *table}
    assert page.locator("#stress [role=img]").first.get_attribute("aria-label")
