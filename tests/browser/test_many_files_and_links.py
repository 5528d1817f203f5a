"""Many files in one table, one of them broken; a link that asks the same again."""

from __future__ import annotations

import re

from tests.browser.visiting import SHOWN_SCORE, look_into, score


def test_a_broken_file_holds_up_nobody_and_a_row_opens_its_file(open_page, repository_root, tmp_path):
    examples = repository_root / "assets" / "examples"
    broken = tmp_path / "<i>odd</i>.mp4".replace("/", "_")
    broken.write_text("not a film")
    page = open_page()
    look_into(page, "Many files")
    files = [examples / "delight.mp4", broken, examples / "voice.mp3"]
    page.set_input_files("#many-files input[type=file]", [str(file) for file in files])
    page.wait_for_selector("#many-save")
    rows = page.locator("#many-overview tbody tr")
    assert rows.locator("th").all_inner_texts() == [file.name for file in files]
    assert page.locator("#many-overview tr[data-file]").count() == 2
    assert "no score" in rows.nth(1).inner_text()

    shown = rows.nth(2).locator("b").inner_text()
    page.get_by_role("button", name="voice.mp3").click()
    assert score(page) == shown
    assert page.input_value("#input-tab textarea") == "audio"
    page.wait_for_selector("#recording #waveform")

    with page.expect_download() as saved:
        page.click("#many-save")
    table = saved.value.path().read_text(encoding="utf-8-sig")
    assert [line.split(",")[0] for line in table.splitlines()] == ["file", *(file.name for file in files)]


def test_a_file_that_is_too_large_is_told_of_beside_the_others(open_page, repository_root, tmp_path):
    page = open_page()
    page.evaluate("window.gradio_config.max_file_size = 1_000_000")  # as with FUSEBOX_MAX_MB=1
    look_into(page, "Many files")
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(1_000_001))
    files = [large, repository_root / "assets" / "examples" / "voice.mp3"]
    page.set_input_files("#many-files input[type=file]", [str(file) for file in files])
    page.wait_for_selector("#many-save")
    rows = page.locator("#many-overview tbody tr")
    assert rows.locator("th").all_inner_texts() == ["voice.mp3", "large.mp4"]
    assert "at most" in rows.nth(1).inner_text()


def test_a_link_asks_about_its_words_and_says_what_it_does_not_know(open_page):
    page = open_page(kept=True, query="?method=mla&modalities=text&text=It+is+%3Cb%3Eawful&lang=tlh")
    assert page.input_value("#words textarea") == "It is <b>awful"
    assert page.input_value("#input-tab textarea") == "text"
    assert "MLA" in page.inner_text("#sentiment .fb-foot")
    assert "lang=tlh" in page.inner_text("#beside-told")

    page.click("#beside-keep")
    page.locator(".fb-card").first.click()
    page.wait_for_function("document.querySelectorAll('#beside section b').length === 2")
    shown = page.wait_for_function(SHOWN_SCORE).json_value()
    page.locator("#beside section:last-child b", has_text=shown).wait_for()
    assert re.search("It is <b>awful", page.inner_text("#beside section:first-child"))
    page.click("#link-copy")
    page.wait_for_function("/Copied|address bar/.test(document.querySelector('#beside-told').textContent)")
    assert page.evaluate("localStorage.getItem('fusebox-history')") is None  # nobody asked for it
