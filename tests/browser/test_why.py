"""The chosen method's own traces, in a real browser."""

from __future__ import annotations

import re

import pytest

from tests.browser.visiting import ask_about_words, choose_method, look_into, score

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TOO_WIDE = "rooms => rooms.filter(room => room.scrollWidth > room.clientWidth).length"


def test_why_follows_method_and_switches(open_page):
    page = open_page(kept=True)
    said = score(page)
    look_into(page, "Why")
    why = page.locator("#why")
    why.locator("th", has_text="Rank 4").wait_for()
    assert f"Why LMF says {said}" in why.inner_text()
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
    shaded = [text.split()[0] for text in why.locator(".fb-shaded").all_inner_texts()]
    assert " ".join(word for word in shaded if word != "·").startswith("I really loved this film.")


@pytest.mark.slow
def test_steps_and_maps_fit_and_can_be_zoomed(open_page):
    page = open_page(kept=True)
    look_into(page, "Why")
    why = page.locator("#why")
    for method in ("MFN", "EF-LSTM", "TFR-Net", "LRCMT (rebuilt)", "MLA"):
        choose_method(page, method)
        why.locator("h2", has_text=f"Why {method} says").wait_for()
        page.locator("#why:not(:has(.fb-zoomed .fb-more-after))").wait_for()  # none is left over
        checked = why.locator(".fb-zoom :checked").evaluate_all("all => all.map(one => one.value)")
        assert checked == ["1"] * why.locator(".fb-zoom").count()
        assert why.locator(".fb-zoomed").count() > 0
        zooms, rooms = why.locator(".fb-zoom"), why.locator(".fb-zoomed .fb-scroll")
        assert zooms.count() == (0 if method == "MLA" else why.locator(".fb-zoomed").count())
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            if zooms.count():
                zooms.first.get_by_role("radio", name="Fit").check(force=True)
            assert rooms.evaluate_all(TOO_WIDE) == 0, method
            if zooms.count():
                zooms.first.get_by_role("radio", name="4×").check(force=True)
                why.locator(".fb-zoomed .fb-more-after").wait_for()
                assert rooms.evaluate_all(TOO_WIDE) == 1  # only the one zoomed
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_numbers_of_steps_can_be_read_without_a_pointer(open_page):
    page = open_page()
    ask_about_words(page, "I love it.")
    choose_method(page, "EF-LSTM")
    look_into(page, "Why")
    page.locator("#why summary").click()
    rows = page.locator("#why .fb-numbers tbody tr")
    assert [text.split()[0] for text in rows.all_inner_texts() if text[0] != "·"] == ["I", "love", "it."]
    assert all(re.search(r"\d\.\d\d$", text) for text in rows.all_inner_texts())


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
