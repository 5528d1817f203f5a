"""What a visitor meets first: an answered example, hints what to do, and the language of the address."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.browser.visiting import (
    analyse,
    ask_about_words,
    choose_method,
    clear,
    look_into,
    score,
    take_card,
    take_example,
    upload,
    wait_until_filled,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
LACKING = (5, 6)  # the examples without a face and without a voice
TABS = " > .tab-wrapper [role=tab]"
CHINESE = re.compile("[一-鿿]")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that nobody has stored a reading of: an empty box at its end changes the file alone."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes((EXAMPLES / "letdown.mp4").read_bytes() + b"\0\0\0\x08free")
    return path


def words_note(page, said: str) -> None:
    page.locator("#words", has_text=said).wait_for()


def test_the_page_opens_with_an_answer_that_is_read_in_a_sentence(open_page):
    page = open_page(kept=True)
    opening = score(page)
    told = page.inner_text("#sentiment .fb-reading")
    assert re.search("decide", told)
    assert told.endswith(".")
    words_note(page, "From the example's script")
    assert page.locator(".fb-card[aria-pressed=true]").count() == 1
    assert page.locator("#clip video").count() == 1
    clear(page)
    assert take_example(page, json.loads((EXAMPLES / "index.json").read_text())[0]["title_en"]) == opening
    page.locator("#switch-text input").uncheck()
    page.wait_for_function(f"document.querySelector('.fb-reading').textContent !== {json.dumps(told)}")
    assert page.inner_text("#sentiment .fb-reading")


def test_a_quick_visitor_is_not_interrupted(browser, page_url):
    page = browser.new_page(locale="en-US")
    held = []
    page.route("**/run/predict", lambda route: held.append(route), times=1)  # the greeting
    page.goto(page_url)
    page.locator("#sentiment", has_text="Press Analyse").wait_for()
    page.get_by_role("tab", name="Words only").click()
    page.locator("#words textarea").press_sequentially("Mine.")
    with page.expect_response("**/run/predict"):
        held[0].continue_()
    page.wait_for_timeout(2000)
    assert page.locator("#sentiment .fb-band").count() == 0
    assert page.input_value("#words textarea").endswith("Mine.")
    page.close()


def test_after_an_upload_the_page_says_what_to_do(open_page, clip):
    page = open_page()
    upload(page, clip)
    page.locator("#sentiment", has_text="Press Analyse").wait_for()
    page.locator("#language label", has_text="中文").click()
    page.locator("#sentiment", has_text="请点击“分析”").wait_for()


def test_edited_words_are_the_visitors(open_page):
    page = open_page(kept=True)
    words_note(page, "From the example's script")
    page.locator("#words textarea").press_sequentially(" Yes.")
    words_note(page, "Yours, not analysed yet")
    page.click("#analyse")
    words_note(page, "Yours: used as written here")


@pytest.mark.slow
def test_a_tab_says_that_it_loads(open_page):
    page = open_page(kept=True)

    def load_slowly(route):
        page.wait_for_timeout(1500)
        route.continue_()

    page.route("**/queue/data**", load_slowly)
    page.click("#depth-compare-button")
    loading = page.locator("#depth-compare .progress-text:visible")
    loading.first.wait_for()
    said = loading.first.evaluate("text => getComputedStyle(text, '::before').content")
    assert "Loading" in said
    hidden = "getComputedStyle(document.querySelector('#compare .fb-empty')).color"
    assert page.evaluate(hidden) == "rgba(0, 0, 0, 0)"  # it would say that there is no answer
    page.unroute_all(behavior="wait")
    page.locator("#compare tbody tr").first.wait_for()


def test_the_address_and_a_reload_keep_the_language(open_page):
    page = open_page(kept=True, query="?lang=zh")
    page.locator("#sentiment .fb-reading", has_text="决定").wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert CHINESE.search(page.title())
    page.locator("#clip", has_text="点击上传").wait_for(state="hidden")
    page.locator("#language label", has_text="EN").click()
    page.get_by_role("button", name="Analyse").wait_for()
    assert page.url.endswith("?lang=en")
    page.locator("#language label", has_text="中文").click()
    page.get_by_role("button", name="分析").wait_for()
    assert page.url.endswith("?lang=zh")
    page.reload()
    score(page)
    page.get_by_role("button", name="分析").wait_for()
    for title in page.get_by_role("tab").all_inner_texts():
        assert CHINESE.search(title), title
    assert page.get_by_label("中文").is_checked()


def test_the_address_wins_over_the_browser(open_page):
    page = open_page(kept=True, query="?lang=en", locale="zh-CN")
    page.get_by_role("button", name="Analyse").wait_for()
    clear(page)
    page.locator("#clip", has_text="Click to Upload").wait_for()


def test_what_gradio_says_follows_the_language(open_page):
    page = open_page()
    page.locator("#clip", has_text="Drop Video Here").wait_for()
    page.locator("#language label", has_text="中文").click()
    page.locator("#clip", has_text="点击上传").wait_for()
    named = "[...document.querySelectorAll('#give [aria-label]')].map(e => e.getAttribute('aria-label'))"
    page.get_by_role("tab", name="仅声音").click()
    page.locator("#recording", has_text="将音频拖放到此处").wait_for()
    for example in ("三者一致：高兴", "只闻其声"):
        take_example(page, example)
        # players are drawn late
        page.wait_for_function(f"({named}).length > 8 && ({named}).every((name) => /[一-鿿]/.test(name))")
    page.click("#recording button[aria-label=清除]")
    page.locator("#language label", has_text="EN").click()
    page.locator("#recording", has_text="Drop Audio Here").wait_for()
    assert [name for name in page.evaluate(named) if CHINESE.search(name)] == []


def test_a_changed_score_is_announced_and_nothing_else(open_page):
    page = open_page()
    page.evaluate(
        """() => { window.heard = []; new MutationObserver(() =>
        window.heard.push(document.querySelector('#announced').textContent)).observe(
        document.querySelector('#announced'), { childList: true, characterData: true, subtree: true }); }"""
    )
    place = page.locator("#announced")
    assert place.get_attribute("aria-live") == "polite"
    said = ask_about_words(page, "I love it.")
    page.wait_for_function("document.querySelector('#announced').textContent.startsWith('Sentiment +')")
    assert said in place.inner_text()
    page.wait_for_timeout(1000)
    heard = page.evaluate("window.heard")
    assert len(heard) == len(set(heard)) <= 2, heard
    assert analyse(page) == said
    page.wait_for_timeout(1000)
    assert page.evaluate("window.heard") == heard  # nothing changed


def test_arrows_move_between_tabs(open_page):
    page = open_page()
    for row in ("#input", "#depth"):
        arrows_move(page, row)


def arrows_move(page, row: str) -> None:
    tabs = page.locator(f"{row}{TABS}")
    last = tabs.count() - 1

    def press(key: str, expected: int) -> None:
        page.keyboard.press(key)
        page.wait_for_function(
            f"document.querySelectorAll('{row}{TABS}')[{expected}].ariaSelected === 'true'"
        )
        assert tabs.nth(expected).evaluate("tab => tab === document.activeElement")

    tabs.first.focus()
    for key, expected in [
        ("ArrowRight", 1),
        ("End", last),
        ("ArrowRight", 0),
        ("ArrowLeft", last),
        ("Home", 0),
    ]:
        press(key, expected)


def test_the_method_list_closes_on_leaving(open_page):
    page = open_page()
    options = page.get_by_role("option")
    for leave in (
        lambda: page.keyboard.press("Tab"),
        lambda: page.keyboard.press("Shift+Tab"),
        lambda: page.click("#sentiment"),
        lambda: page.keyboard.press("Escape"),
    ):
        page.click("#method input")
        options.nth(5).wait_for()
        leave()
        options.first.wait_for(state="hidden")
        assert options.count() == 0
        page.evaluate("document.activeElement.blur()")


@pytest.mark.slow
def test_cards_stay_where_they_are_and_the_chosen_one_is_marked(open_page):
    page = open_page(kept=True)
    cards = page.locator("#examples .fb-card")
    places = (
        "[...document.querySelectorAll('#examples .fb-card')]"
        ".map(e => e.getBoundingClientRect()).map(b => [b.x, b.y + scrollY, b.width, b.height].join())"
    )
    before = page.evaluate(places)
    for index in (1, *LACKING):  # a clip, a voice, a film without sound
        page.evaluate(
            f"""() => {{ window.places = new Set(); window.watching = setInterval(() =>
            window.places.add(JSON.stringify({places})), 30); }}"""
        )
        cards.nth(index).hover()
        take_card(page, index)
        seen = page.evaluate("clearInterval(window.watching), [...window.places].map(JSON.parse)")
        assert seen == [before], index
        pressed = [card.get_attribute("aria-pressed") for card in cards.all()]
        assert pressed == ["true" if i == index else "false" for i in range(cards.count())]
    page.get_by_role("tab", name="Clip").click()
    clear(page)
    assert page.locator(".fb-card[aria-pressed=true]").count() == 0


def test_all_tabs_are_reached_by_swiping_on_a_phone(open_page):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True)
    row = page.locator("#depth > .tab-wrapper > [role=tablist]")
    row.scroll_into_view_if_needed()
    assert row.get_attribute("data-more") == "right"
    assert page.get_by_role("button", name="More tabs").count() == 0
    tops = row.get_by_role("tab").evaluate_all("tabs => tabs.map(tab => tab.getBoundingClientRect().top)")
    assert len(set(tops)) == 1
    row.evaluate("row => row.scrollLeft = row.scrollWidth")
    page.wait_for_function("document.querySelector('#depth [role=tablist]').dataset.more === 'left'")
    last = row.get_by_role("tab").last
    box = last.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    last.tap()
    assert last.get_attribute("aria-selected") == "true"


@pytest.mark.slow
def test_no_error_on_a_walk_through_everything(open_page):
    """Each tab with another example, all tabs where there is no face or no voice, each method where it shows;
    a script error fails in `open_page`."""
    page = open_page(kept=True)
    tabs = page.locator(f"#depth{TABS}").all()
    for index in range(1, page.locator("#examples .fb-card").count()):
        tabs[index % len(tabs)].click()
        take_card(page, index)
        for tab in tabs if index in LACKING else ():
            tab.click()
            goes_well(page)
    for title, tab in (("MLA", "Why"), ("MFM", "Imagined"), ("TFR-Net", "Imagined"), ("TATE", "Timeline")):
        look_into(page, tab)
        choose_method(page, title)
        page.locator("#sentiment .fb-foot", has_text=f"by {title}").wait_for()
        goes_well(page)
    assert page.complaints == []


def goes_well(page) -> None:
    """The open tab is filled without an error, which would stand for ten seconds."""
    wait_until_filled(page)
    assert page.locator(".toast-body.error").count() == 0
