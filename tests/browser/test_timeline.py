"""The timeline and the player move together, in a real browser."""

from __future__ import annotations

import pytest

from tests.browser.visiting import ask_about_words, look_into, take_example, was

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PLAYER = "window.fusebox.playerOf(document.querySelector('.fb-timeline'))"
CURSOR = "Number(document.querySelector('.fb-timeline').style.getPropertyValue('--fb-at'))"


def wait_for_timeline(page) -> float:
    """Its length in seconds, once it is there and the player is ready."""
    page.locator(".fb-timeline").wait_for()
    page.wait_for_function(f"{PLAYER}?.duration > 1")
    return float(page.locator(".fb-timeline").get_attribute("data-length"))


@pytest.mark.parametrize("example", ["All agree: delighted", "Heard, not seen"])
def test_a_word_seeks_and_playing_moves_the_cursor(open_page, example):
    page = open_page()
    take_example(page, example)
    look_into(page, "Timeline")
    length = wait_for_timeline(page)
    word = page.locator("button.fb-word").nth(4)
    start = float(word.get_attribute("data-start"))
    word.click()
    page.wait_for_function(f"Math.abs({PLAYER}.currentTime - {start}) < 0.05")
    page.wait_for_function("document.querySelectorAll('.fb-word')[4].classList.contains('fb-said')")
    assert page.evaluate(CURSOR) == pytest.approx(start / length, abs=0.02)

    page.locator("button.fb-word").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"{PLAYER}.currentTime < {start}")

    page.evaluate(f"{PLAYER}.play()")
    page.wait_for_function(f"{CURSOR} * {length} > {start}")
    page.evaluate(f"{PLAYER}.pause()")
    here = page.evaluate(f"{PLAYER}.currentTime")
    page.wait_for_function(f"Math.abs({CURSOR} * {length} - {here}) < 0.05")


def test_a_switch_redraws_the_timeline_and_a_track_still_seeks(open_page):
    page = open_page()
    take_example(page, "All agree: let down")
    page.locator("#switch-audio input").uncheck()
    was(page)
    look_into(page, "Timeline")
    length = wait_for_timeline(page)
    out = page.locator(".fb-timeline .fb-out")
    assert out.all_inner_texts() == ["pulled out"]
    page.locator("#switch-audio input").check()
    out.wait_for(state="detached")
    track = page.locator(".fb-timeline .fb-balance").first
    track.click(position={"x": track.bounding_box()["width"] / 2, "y": 5})
    page.wait_for_function(f"Math.abs({PLAYER}.currentTime - {length / 2}) < 0.1")


def test_words_alone_have_nothing_to_play(open_page):
    page = open_page()
    ask_about_words(page, "I love it.")
    look_into(page, "Timeline")
    page.locator(".fb-timeline").wait_for()
    assert page.locator(".fb-word").all_inner_texts() == ["I", "love", "it."]
    assert page.locator("button.fb-word").count() == 0
    assert page.locator(".fb-cursor").count() == 0


def readable(words) -> list[bool]:
    """Which of the words show their text, which stands below the mark where it has no room."""
    return words.evaluate_all(
        "all => all.map(one => one.firstElementChild.offsetTop < 5 && one.firstElementChild.scrollWidth"
        " <= one.clientWidth + 1)"
    )


def test_timeline_fits_and_is_zoomed_by_keyboard(open_page):
    page = open_page(kept=True)
    look_into(page, "Timeline")
    wait_for_timeline(page)
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 844})
        fits_and_is_zoomed(page)


def fits_and_is_zoomed(page) -> None:
    """It has the width of the page, is twice as wide at twice the zoom, and fits again."""
    room = page.locator("#timeline .fb-scroll").first
    words = page.locator(".fb-timeline .fb-word")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert room.evaluate("room => room.scrollWidth <= room.clientWidth")
    assert all(readable(words)), words.all_inner_texts()
    fit = room.evaluate("room => room.querySelector('.fb-lane-plot').clientWidth")

    page.get_by_role("radio", name="Fit").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="2×").is_checked()
    plot = room.evaluate("room => room.querySelector('.fb-lane-plot').clientWidth")
    assert plot == pytest.approx(2 * fit, abs=2)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator("#timeline .fb-scroll.fb-more-after:not(.fb-more-before)").wait_for()
    room.evaluate("room => room.scrollLeft = room.scrollWidth")
    page.locator("#timeline .fb-scroll.fb-more-before:not(.fb-more-after)").wait_for()
    page.get_by_role("radio", name="Fit").check(force=True)
    page.locator("#timeline .fb-scroll:not(.fb-more-before):not(.fb-more-after)").first.wait_for()


def test_a_long_text_fits_as_marks_and_every_word_can_be_read(open_page):
    page = open_page()
    said = "It was an unbelievably wonderful film and I would recommend it to all of my friends. " * 6
    ask_about_words(page, said)
    look_into(page, "Timeline")
    words = page.locator(".fb-timeline .fb-word")
    words.first.wait_for()
    room = page.locator("#timeline .fb-scroll").first
    zooms = page.locator("#timeline .fb-zoom input")
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 844})
        zooms.first.check(force=True)
        assert room.evaluate("room => room.scrollWidth <= room.clientWidth")
        boxes = words.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
        plot = page.locator(".fb-timeline .fb-lane-plot").first.bounding_box()
        assert all(box["width"] >= 3 and box["right"] <= plot["x"] + plot["width"] + 2 for box in boxes)
        assert not all(readable(words))
        zooms.last.check(force=True)
        assert all(readable(words))
