"""The fuse box, the comparison, how it works, and that everybody can use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.service.analyst import Analyst
from app.service.query import Query
from app.settings import Settings
from app.ui import words
from tests.browser.visiting import (
    ask_about_words,
    choose_method,
    look_into,
    score,
    take_example,
    wait_until_filled,
    was,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
DISAGREEING = "Words against face"
SAID_AT_ONCE = ("score", "label", "foot")


@pytest.fixture(scope="module")
def example() -> dict:
    entries = json.loads((EXAMPLES / "index.json").read_text(encoding="utf-8"))
    return next(entry for entry in entries if entry["title_en"] == DISAGREEING)


def test_every_number_is_the_analysts(open_page, example):
    page, analyst = open_page(), Analyst(Settings(device="cpu"))
    take_example(page, DISAGREEING)
    for method, title in (("lmf", "LMF"), ("mla", "MLA")):
        if method != "lmf":
            choose_method(page, title)
            page.locator("#sentiment", has_text=f"by {title}").wait_for()
        query = Query(EXAMPLES / example["file"], None, example["text"], method)
        told = analyst.analyze(query).to_json()
        assert score(page) == words.signed(told["score"])
        assert words.interval(told["interval"], words.ENGLISH) in page.inner_text("#sentiment")
        for modality, part in told["modalities"].items():
            shown = page.locator(f"#meter-{modality} b").all_inner_texts()
            expected = [words.share(part["weight"]), words.signed(part["score"]), f"{part['occlusion']:.1f}"]
            assert shown == expected
            assert part["own_weight"] in (None, part["weight"])  # MLA's own weights are the shares
            assert f"entropy {part['entropy']:.2f}" in page.inner_text(f"#meter-{modality}")
        rows = page.locator("#subsets tbody td b").all_inner_texts()
        assert sorted(rows) == sorted(words.signed(answer["score"]) for answer in told["subsets"].values())


def test_the_table_of_subsets_foretells_what_a_switch_does_and_it_is_shown_at_once(open_page):
    page, held = open_page(), []
    take_example(page, DISAGREEING)
    marked = page.locator("#subsets tr[aria-current]")
    assert marked.locator("th").inner_text().strip() == "words, voice and face"
    foretold = page.locator("#subsets tr", has_text="words and face").locator("b").inner_text()
    page.route("**/run/predict*", lambda route: held.append(route))
    page.locator("#switch-audio input").uncheck()
    page.locator("#sentiment .fb-before").wait_for()
    at_once = [page.inner_text(f"#sentiment .fb-{part}") for part in SAID_AT_ONCE]
    gauge = page.get_attribute("#sentiment .fb-gauge", "aria-label")
    assert at_once[0] == foretold and page.inner_text("#sentiment .fb-was") == ""
    for route in held:
        route.continue_()
    page.unroute_all(behavior="wait")
    was(page)
    assert score(page) == foretold
    assert [page.inner_text(f"#sentiment .fb-{part}") for part in SAID_AT_ONCE] == at_once
    assert page.get_attribute("#sentiment .fb-gauge", "aria-label") == gauge
    assert marked.locator("th").inner_text().strip() == "words and face"


@pytest.mark.slow
def test_every_method_is_compared_and_sorted(open_page):
    page = open_page()
    said = take_example(page, DISAGREEING)
    look_into(page, "Compare")
    rows = page.locator("#compare tbody tr")
    rows.first.wait_for()
    page.click("#method input")
    assert rows.count() == page.get_by_role("option").count()
    page.keyboard.press("Escape")
    assert page.locator("#compare tr[aria-current] td b").inner_text() == said
    scores = [float(text.replace("−", "-")) for text in page.locator("#compare td b").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    first = rows.first.locator("a").inner_text()
    page.locator("#compare-sort label", has_text="Name").click()
    page.wait_for_function("document.querySelector('#compare tbody th').textContent.startsWith('Concat')")
    page.locator("#compare-sort label", has_text="Score").click()
    page.wait_for_function(f"document.querySelector('#compare tbody a').textContent === '{first}'")

    # The open tab follows the switches.
    page.locator("#switch-text input").uncheck()
    page.locator("#compare", has_text="with voice and face").wait_for()
    assert page.locator("#compare tr[aria-current] td b").inner_text() == score(page)


def test_a_tab_waits_kindly_for_an_answer(open_page):
    page = open_page()
    look_into(page, "Compare")
    page.locator("#compare", has_text="Analyse a clip first").wait_for()
    ask_about_words(page, "I love it.")
    page.locator("#compare tbody tr").first.wait_for()
    page.locator("#switch-text input").uncheck()
    page.locator("#compare", has_text="All three fuses are out").wait_for()


def test_how_it_works_tells_each_method_and_its_card(open_page):
    page = open_page()
    page.get_by_role("button", name="How it works").click()
    page.locator("#how-method label", has_text="MFN").click()
    page.locator("#how-sentences", has_text="shared memory").wait_for()
    page.get_by_role("button", name="Its card").click()
    page.locator("#how-card", has_text="On speakers never seen").wait_for()
    page.locator("#language label", has_text="中文").click()
    page.locator("#how-sentences", has_text="共享记忆").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.slow
def test_axe_finds_no_serious_fault(open_page, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(color_scheme=scheme)
    take_example(page, DISAGREEING)
    page.locator("#switch-audio input").uncheck()
    was(page)
    rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}  # the others look at no colours
    faults, where = {}, None  # the whole page, then what the tab changed
    for tab in page.locator("#depth").get_by_role("tab").all():
        tab.click()
        wait_until_filled(page)
        for fault in axe.run(page, where, rules).response["violations"]:
            if fault["impact"] in ("serious", "critical"):
                faults[fault["id"]] = [node["target"] for node in fault["nodes"]][:5]
        where = "#depth"
    assert faults == {}
