"""Everything goes at a press of "Delete now", and the page can be used again."""

from __future__ import annotations

import pytest

from tests.browser.visiting import analyse, ask_about_words, look_into, upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("lang", "button", "said"), [("en", "Delete now", "Deleted"), ("zh", "立即删除", "已删除")]
)
def test_the_page_is_empty_once_all_is_deleted(open_page, example_clip, lang, button, said):
    page = open_page(query=f"?lang={lang}")
    upload(page, example_clip)
    page.fill("#words textarea", "It was zephyrquibble.")
    analyse(page)
    timeline = "Timeline" if lang == "en" else "时间线"
    look_into(page, timeline)
    page.locator("#timeline", has_text="zephyrquibble").wait_for()
    page.get_by_role("button", name=button).click()
    page.locator("#sentiment", has_text=said).wait_for()
    page.wait_for_function("document.querySelector('#words textarea').value === ''")
    assert page.locator("#clip video").count() == 0
    assert "zephyrquibble" not in page.inner_html("body")
    page.locator("#timeline .fb-lane").wait_for(state="detached")
    if lang == "en":
        ask_about_words(page, "I love it.")
