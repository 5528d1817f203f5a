"""What a visitor does on the page, in a real browser."""

from __future__ import annotations

import json
import re
import urllib.request
from itertools import product
from pathlib import Path

import av
import pytest
from gradio_client import handle_file

from tests.browser.visiting import analyse, ask_about_words, choose_method, score, upload, was
from tests.crowd import patient_client

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
WIDTHS = (390, 820, 1440)  # pixels of a phone, a tablet and a desk


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An example clip that nobody has stored a reading of: an empty box at its end changes the file alone."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes((EXAMPLES / "delight.mp4").read_bytes() + b"\0\0\0\x08free")
    return path


def test_clip_gets_a_score_and_a_switch_moves_it(open_page, clip):
    page = open_page()
    assert page.locator("#switch-audio input").is_disabled()  # nothing to switch yet
    upload(page, clip)
    page.fill("#words textarea", "I really loved this film. It made me laugh.")
    before = analyse(page)
    for modality in ("text", "audio"):
        assert page.locator(f"#meter-{modality} .fb-guess i").count() == 7
    page.locator("#voice img").wait_for()

    page.locator("#switch-text input").uncheck()
    assert was(page) == f"was {before} with words"
    assert "pulled out" in page.inner_text("#meter-text")
    without = page.inner_text("#sentiment .fb-score")
    assert page.locator("#sentiment .fb-before").count() == 1

    page.locator("#switch-text input").check()
    page.wait_for_function("document.querySelector('#sentiment .fb-was').textContent.includes('without')")
    assert was(page) == f"was {without} without words"
    assert page.inner_text("#sentiment .fb-score") == before


def test_method_changes_the_answer_and_shows_its_own_weights(open_page):
    page = open_page()
    before = ask_about_words(page, "I love it.")
    headings = page.locator("#fuses .fb-columns .fb-help")
    assert headings.count() == 4
    choose_method(page, "MCLEA (adapted)")
    assert was(page).startswith(f"was {before} by ")
    headings.nth(4).wait_for()
    assert headings.last.inner_text().startswith("Global weight")
    assert page.inner_text("#meter-text .fb-cell:nth-child(5) b") == "1.00"
    # MLA's weights are the shares of certainty, which have a column already
    choose_method(page, "MLA")
    headings.nth(4).wait_for(state="detached")
    assert headings.first.inner_text().startswith("Share of certainty")
    headings.first.click()
    assert "MLA fuses the modalities with exactly these" in page.inner_text("#fb-help-sure")


def test_every_column_explains_itself_to_finger_and_keyboard(open_page):
    page = open_page(has_touch=True)
    ask_about_words(page, "I love it.")
    for width, about in product(WIDTHS, ("sure", "guess", "alone", "counts")):
        page.set_viewport_size({"width": width, "height": 900})
        buttons = page.locator(f"[popovertarget=fb-help-{about}]:visible")
        assert buttons.count() == 1  # in the heading, or on a narrow page in the one row with numbers
        said = page.locator(f"#fb-help-{about}")
        buttons.tap()
        box = said.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and len(said.inner_text()) > 60
        page.keyboard.press("Escape")
        said.wait_for(state="hidden")
        buttons.focus()
        page.keyboard.press("Enter")
        said.wait_for()
        page.keyboard.press("Enter")
        said.wait_for(state="hidden")
    assert page.locator("#fuses [title], .fb-fuse [title]").count() == 0


def test_absent_modality_is_explained_and_cannot_be_switched(open_page):
    page = open_page()
    ask_about_words(page, "I love it.")
    for modality, reason in (("audio", "no voice in this input"), ("vision", "no face in this input")):
        assert page.locator(f"#switch-{modality} input").is_disabled()
        assert page.inner_text(f"#meter-{modality} .fb-reason") == reason


def test_edited_words_are_what_counts(open_page):
    page = open_page()
    good = ask_about_words(page, "I love it, it is great.")
    page.fill("#words textarea", "I hate it, it is awful.")
    page.click("#analyse")
    assert was(page) == f"was {good} with the words before"
    assert page.inner_text("#sentiment .fb-score").startswith("−")


def test_what_is_typed_or_chosen_meanwhile_is_kept(open_page, clip):
    page = open_page()
    upload(page, clip)
    page.click("#analyse")
    page.locator("#cancel").wait_for()  # the question is on its way
    page.fill("#words textarea", "I hate it.")
    choose_method(page, "Concat fusion")
    page.locator("#sentiment .fb-foot", has_text="by Concat fusion").wait_for()
    page.locator("#words", has_text="Not analysed yet").wait_for()
    assert page.input_value("#words textarea") == "I hate it."
    page.locator("#language label", has_text="中文").click()
    page.locator("#words", has_text="尚未分析").wait_for()
    assert page.input_value("#words textarea") == "I hate it."


def test_words_come_though_a_method_is_chosen_before_them(open_page, clip):
    page, held = open_page(), []

    def hold(route):
        fills_the_box = route.request.post_data_json["data"] == [None, "lmf", "", "en"]
        held.append(route) if fills_the_box else route.continue_()

    page.route("**/run/predict", hold)
    upload(page, clip)
    page.click("#analyse")
    page.locator("#sentiment .fb-foot", has_text="by LMF").wait_for()
    choose_method(page, "Concat fusion")
    page.locator("#sentiment .fb-foot", has_text="by Concat fusion").wait_for()
    held[0].continue_()
    page.wait_for_function("document.querySelector('#words textarea').value !== ''")


def test_language_chosen_meanwhile_is_spoken(open_page, clip):
    page = open_page()
    upload(page, clip)
    page.click("#analyse")
    page.locator("#language label", has_text="中文").click()
    page.locator("#sentiment .fb-foot", has_text="方法：LMF").wait_for()
    page.locator("#words", has_text="自动识别").wait_for()
    page.wait_for_function("document.querySelector('#words textarea').value !== ''")


def test_new_clip_does_not_wait_for_the_one_before(open_page, clip):
    page = open_page()
    upload(page, clip)
    page.click("#analyse")
    page.click("#clip button[aria-label=Clear]")
    upload(page, EXAMPLES / "delight.mp4")
    page.fill("#words textarea", "I hate it.")
    page.click("#analyse")
    page.locator("#words", has_text="Used as written here").wait_for()
    score(page)


def test_a_late_greeting_does_not_wipe_an_answer(browser, page_url):
    page = browser.new_page(locale="en-US")
    held = []
    page.route("**/run/predict", lambda route: held.append(route), times=1)
    page.goto(page_url)
    ask_about_words(page, "I love it.")
    with page.expect_response("**/run/predict"):
        held[0].continue_()
    page.wait_for_timeout(1000)
    score(page)
    page.close()


def test_words_typed_while_a_clip_arrives_are_kept(open_page, clip):
    page = open_page()

    def type_meanwhile(route):
        cleared = route.fetch()
        page.fill("#words textarea", "I hate it.")
        route.fulfill(response=cleared)

    page.route("**/run/predict", type_meanwhile, times=1)
    upload(page, clip)
    page.wait_for_function("document.querySelector('#words textarea').value !== ''")
    analyse(page)
    assert page.input_value("#words textarea") == "I hate it."


def test_recognised_words_are_shown(open_page, clip):
    page = open_page()
    upload(page, clip)
    analyse(page)
    page.wait_for_function("document.querySelector('#words textarea').value !== ''")
    assert "Recognised" in page.inner_text("#words")
    page.get_by_role("tab", name="Voice only").click()
    page.click("#analyse")
    page.get_by_text("Add or record a voice first.").wait_for()
    assert "Recognised" in page.inner_text("#words")
    page.get_by_role("tab", name="Words only").click()
    page.fill("#words textarea", "")
    page.click("#analyse")
    page.get_by_text("Type a sentence first.").wait_for()
    assert page.input_value("#words textarea") == ""


def test_nothing_to_analyse_is_said_kindly(open_page):
    page = open_page()
    page.click("#analyse")
    page.get_by_text("Add a clip first, or try an example.").wait_for()
    assert page.locator("#sentiment .fb-band").count() == 0


def test_example_answers_with_one_click(open_page):
    index = EXAMPLES / "index.json"
    if not index.exists():
        pytest.skip("assets/examples has no index.json")
    entries = json.loads(index.read_text(encoding="utf-8"))
    page = open_page()
    cards = page.locator("#examples .fb-card")
    cards.last.wait_for()
    assert cards.count() == len(entries) >= 3
    which = next(i for i, entry in enumerate(entries) if entry["file"].endswith(".mp4") and entry.get("text"))
    cards.nth(which).click()
    score(page)
    assert page.locator("#clip video").count() == 1
    assert page.input_value("#words textarea") == entries[which]["text"]
    page.locator("#switch-text input").uncheck()
    was(page)


def test_new_clip_starts_over(open_page, clip):
    page = open_page()
    upload(page, clip)
    page.fill("#words textarea", "I hate it.")
    analyse(page)
    page.locator("#switch-text input").uncheck()
    was(page)
    page.click("#clip button[aria-label=Clear]")
    page.locator("#sentiment", has_text="Add a clip").wait_for()
    assert page.input_value("#words textarea") == ""
    assert page.locator("#switch-text input").is_checked()


def test_film_that_the_browser_cannot_play_is_analysed(open_page, clip, tmp_path):
    film = tmp_path / "film.avi"
    with av.open(str(clip)) as source, av.open(str(film), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = source.streams.video[0].width, source.streams.video[0].height
        for frame in source.decode(video=0):
            picture = av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), "rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    page = open_page()
    assert not page.locator("#cannot-play").is_visible()
    upload(page, film)
    page.get_by_text("cannot play this file").wait_for()
    assert page.locator(".toast-body").count() == 0
    analyse(page)
    page.click("#clip button[aria-label=Clear]")
    page.get_by_text("cannot play this file").wait_for(state="hidden")


def test_text_file_named_mp4_is_refused_in_plain_words(open_page, tmp_path):
    page = open_page()
    fake = tmp_path / "holiday.mp4"
    fake.write_text("Dear diary, this is no film at all. " * 50)
    page.set_input_files("#clip input[type=file]", str(fake))
    page.locator("#clip button[aria-label=Clear]").wait_for()
    page.click("#analyse")
    told = page.locator("#sentiment .fb-label", has_text="not video or sound that can be read")
    told.wait_for()
    said = told.inner_text()
    assert "Give mp4" in said
    assert not re.search(r"Traceback|Error:|/tmp|\.py", said)
    assert page.locator(".toast-body").count() == 0  # which would go again
    page.locator("#language label", has_text="中文").click()
    page.locator("#sentiment .fb-label", has_text="不是可读取的视频或声音").wait_for()


def test_nothing_is_recorded_before_the_visitor_asks(open_page):
    page = open_page()
    for tab in ("Voice only", "Words only", "Clip"):
        page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(500)
    assert page.evaluate("window.recordings") == 0


def test_no_request_leaves_this_machine(open_page, clip):
    page = open_page()
    upload(page, clip)
    page.fill("#words textarea", "It was fine.")
    analyse(page)
    page.locator("#timings tr").first.wait_for()
    page.wait_for_timeout(1000)
    assert page.abroad == []


def test_chinese_visitor_reads_chinese(open_page):
    page = open_page(locale="zh-CN")
    page.get_by_role("tab", name="仅文字").click()
    page.fill("#words textarea", "I love it.")
    analyse(page)
    page.locator("#timings tr", has_text="毫秒").first.wait_for()
    shown = page.inner_text("body")
    for place in page.locator("#examples-made, #text-hint").all_inner_texts():
        assert re.search("[一-鿿]", place)
    allowed = r"Fusebox|EN|I love it\.|NASA|API|MLA|LMF|TFN|\(.*?\)"
    titles = "|".join(re.escape(title) for title in method_titles(page))
    english = re.findall(r"[A-Za-z]{3,}", re.sub(f"{titles}|{allowed}", "", shown))
    assert english == [], english


def method_titles(page) -> list[str]:
    page.click("#method input")
    titles = page.get_by_role("option").all_inner_texts()
    page.keyboard.press("Escape")
    return [title.strip().lstrip("✓").strip() for title in titles]


def test_language_switch_keeps_the_answer(open_page):
    page = open_page()
    said = ask_about_words(page, "I love it.")
    page.locator("#language label", has_text="中文").click()
    page.locator("#sentiment", has_text="情感").wait_for()
    page.get_by_role("button", name="分析").wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.inner_text("#sentiment .fb-score") == said
    assert page.input_value("#words textarea") == "I love it."
    page.get_by_role("tab", name="仅声音").wait_for()
    for title in page.get_by_role("tab").all_inner_texts():
        assert re.search("[一-鿿]", title), title
    page.locator("#language label", has_text="EN").click()
    page.get_by_role("button", name="Analyse").wait_for()
    page.locator("#sentiment", has_text="Sentiment").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_its_width(open_page, scheme):
    page = open_page(viewport={"width": 390, "height": 900}, color_scheme=scheme)
    ask_about_words(page, "I love it.")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for part in ("#give", "#get", "#sentiment", "#fuses", "#examples"):
            box = page.locator(part).bounding_box()
            assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= width), part
        # both in one frame: a narrow page may still be scrolling to the answer
        give, get = page.evaluate(
            "['give', 'get'].map(id => document.getElementById(id).getBoundingClientRect().toJSON())"
        )
        if width == 390:
            assert get["top"] >= give["bottom"]  # one column, input first
        else:
            assert get["left"] >= give["right"]


def test_all_fuses_out_leaves_no_score_by_keyboard(open_page):
    page = open_page()
    before = ask_about_words(page, "I love it.")
    page.focus("#switch-text input")
    page.keyboard.press("Space")
    page.locator("#sentiment", has_text="All three fuses are out").wait_for()
    assert page.locator("#sentiment .fb-band").count() == 0
    page.keyboard.press("Space")
    assert score(page) == before


def test_api_has_exactly_two_documented_endpoints(page_url):
    with urllib.request.urlopen(f"{page_url}gradio_api/info", timeout=30) as answer:
        info = json.load(answer)
    assert set(info["named_endpoints"]) == {"/analyze", "/methods"}
    assert info["unnamed_endpoints"] == {}
    analyze = info["named_endpoints"]["/analyze"]
    names = [parameter["parameter_name"] for parameter in analyze["parameters"]]
    assert names == ["clip", "audio", "text", "method", "modalities", "face", "start", "end"]
    assert "Sentiment of one clip" in analyze["description"]


def test_api_answers_the_python_client(page_url, clip):
    caller = patient_client(page_url)
    methods = caller.predict(api_name="/methods")
    assert {"lmf", "mla"} <= {method["name"] for method in methods}
    answer = caller.predict(
        clip=None, audio=None, text="I love it.", method="mla", modalities=["text"], api_name="/analyze"
    )
    assert -3 <= answer["interval"][0] <= answer["score"] <= answer["interval"][1] <= 3
    assert answer["modalities"]["audio"]["used"] is False
    assert caller.predict(text="I love it.", method=None, api_name="/analyze")["method"] == "lmf"
    with pytest.raises(Exception, match="none that can be read; letters would work"):
        caller.predict(text="😀 😀", api_name="/analyze")
    filmed = caller.predict(clip=handle_file(clip), text="I love it.", api_name="/analyze")
    assert filmed["modalities"]["audio"]["present"] is True


def test_opening_the_page_fetches_little(open_page):
    page = open_page(kept=True)
    page.locator("#clip video").wait_for()
    page.wait_for_timeout(1000)
    fetched = page.evaluate(
        "performance.getEntriesByType('resource').map((entry) => [entry.encodedBodySize, entry.name])"
    )
    assert sum(size for size, _ in fetched) < 3_000_000, sorted(fetched)[-3:]
