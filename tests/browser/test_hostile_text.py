"""What a visitor types or a file is called is never markup: in no tab, no message and no report."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.ui.phrases import PHRASES
from tests.browser.test_take_away import download
from tests.browser.visiting import analyse, ask_about_words, choose_method, look_into, upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

MARKUP = (
    "<img src=x onerror=hit=1>",
    "</textarea></script><script>hit=1</script>",
    "'\"><svg/onload=hit=1>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "[link](javascript:hit=1) ![picture](x)",
    "{{ 7*7 }} ${7*7}",
    "<style>*{display:none}</style>",
)
SAID = f"I love it {' '.join(MARKUP)} so much"
TABS = ("Seen and heard", "Imagined", "Why", "Timeline", "Compare", "Stress", "Take away")
FILLED = """empty => [...document.querySelectorAll('#depth [role=tabpanel]')].some(panel =>
    panel.offsetParent && panel.innerText.trim().length > 20 && !panel.innerText.includes(empty))"""
CHANGED = "before => document.querySelector('#why').innerText !== before"
# one of each view of "Why"
METHODS = ("MLA", "MFN", "LRCMT (rebuilt)", "TFR-Net", "MFM", "LMF")


def nothing_ran(page) -> None:
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None
    for made in ("img[src=x]", "svg[onload]", "iframe[srcdoc]", "a[href^=javascript]"):
        assert page.locator(made).count() == 0, made
    assert page.locator("#analyse").is_visible()


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_words_are_markup_nowhere(open_page, locale, tmp_path):
    page = open_page(locale=locale, query="?lang=en" if locale == "en-US" else "")
    if locale == "zh-CN":
        page.get_by_role("tab", name="仅文字").click()
        page.fill("#words textarea", SAID)
        analyse(page)
        tabs = page.locator("#depth").get_by_role("tab").all_inner_texts()[: len(TABS)]
    else:
        ask_about_words(page, SAID)
        tabs = TABS
    nothing_ran(page)
    for tab in tabs:
        look_into(page, tab)
        page.wait_for_function(FILLED, arg=PHRASES["nothing_yet"][locale == "zh-CN"])
        nothing_ran(page)
    if locale == "en-US":
        look_into(page, "Why")
        for title in METHODS:
            before = page.inner_text("#why")
            choose_method(page, title)
            page.wait_for_function(
                "before => document.querySelector('#why').innerText !== before", arg=before
            )
            nothing_ran(page)
        look_into(page, "Take away")
    check_report(page, tmp_path)


def check_report(page, folder: Path) -> None:
    _, content = download(page, "report")
    text = content.decode()
    assert not any(bit in text for bit in ("<img src=x", "<script", "<svg/onload", "<iframe", "<style>*"))
    (folder / "report.html").write_bytes(content)
    report = page.context.new_page()
    report.goto((folder / "report.html").as_uri())
    report.wait_for_timeout(300)
    assert report.evaluate("window.hit") is None
    report.close()


@pytest.mark.slow
def test_a_file_s_name_is_markup_nowhere(open_page, example_clip, tmp_path):
    page = open_page()
    name = "<img src=x onerror=hit=1>'\"><b>.mp4"
    clip = tmp_path / name
    clip.write_bytes(example_clip.read_bytes())
    upload(page, clip)
    page.fill("#words textarea", SAID)
    analyse(page)
    for tab in TABS:
        look_into(page, tab)
        nothing_ran(page)
    check_report(page, tmp_path)
    broken = tmp_path / f"broken {name}"
    broken.write_bytes(b"no film at all")
    page.click("#clip button[aria-label=Clear]")
    page.set_input_files("#clip input[type=file]", str(broken))
    page.wait_for_timeout(1000)
    page.click("#analyse")
    page.locator("#sentiment .fb-quiet").wait_for()
    nothing_ran(page)
