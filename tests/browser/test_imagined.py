"""What is imagined, on the page: over the whole grid without a browser, sampled in one."""

from __future__ import annotations

import base64
import io
import re
import wave
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from app.service.analyst import Analyst
from app.service.query import Query
from app.settings import Settings
from app.ui import charts, fuses_panel, words
from app.ui.controller import Controller
from app.ui.page_state import Visit
from app.ui.panels import TabContext
from app.ui.tabs import imagined
from app.ui.uploads import UploadSessions
from models.extractors.readers import informative
from models.types import Modality
from tests.browser.visiting import look_into

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
WIDTHS = (390, 820, 1440)  # pixels of a phone, a tablet and a desk
PLACES = """() => [
  [...document.querySelectorAll(".fb-fuse")].map((row) => row.offsetHeight),
  [...document.querySelectorAll("#meter-text .fb-cell")].map((cell) => [cell.offsetLeft, cell.offsetTop]),
]"""
SAID = "I really loved this <b>film</b>."
PARTIAL = [tuple(map(str, subset)) for subset in Modality.subsets() if len(subset) < 3]


@pytest.fixture(scope="module")
def controller() -> Controller:
    return Controller(Analyst(Settings(device="cpu")))


@pytest.fixture(scope="module")
def panel(controller):
    with gr.Blocks():
        uploads = UploadSessions(lambda session: None, lambda files: None)
        return imagined.build(TabContext(controller, uploads, gr.State(), gr.Radio()))


def ask(controller, language, on, **given):
    state = controller.ask(Query(**given), None, Visit("s", language))
    return controller.switch(state, on, Visit("s", language)) if on != state.on else state


def figures_of(controller, modality: str, on: tuple[str, ...]) -> dict:
    """The card's figures for a modality imagined from those that are on, and whether they beat chance."""
    given = "+".join(m for m in on if m != modality)
    figures = controller.analyst.checkpoint("mfm").meta.figures["imagined"]["clips"][
        f"{modality} from {given}"
    ]
    return {**figures, "informative": informative(figures)}


@pytest.mark.parametrize(
    ("method", "language"), [("lmf", words.ENGLISH), ("mfm", words.CHINESE), ("tate", words.ENGLISH)]
)
def test_every_panel_renders_for_every_subset(controller, panel, method, language):
    for on in (words.MODALITIES, *PARTIAL):
        clip = str(EXAMPLES / "delight.mp4")
        state = ask(controller, language, on, video=clip, text=SAID, method=method)
        _, _, page = panel.render(state.without_pictures(), Visit("s", language))
        page = re.sub(r"base64,[^\"]+", "", page)
        blocks = re.findall(r'<section class="fb-imagined fb-hue-(\w+)"', page)
        assert blocks == [m for m in words.MODALITIES if m not in on or len(on) == 3]
        assert page.count("fb-badge") == len(blocks)
        assert "{" not in page and "<b>film" not in page and not re.search(r"\bnan\b|>None<", page)
        assert page.count("<img") == page.count(" alt=")
        assert page.count("image/webp") == blocks.count("vision")
        at_chance = [m for m in blocks if not figures_of(controller, m, on)["informative"]]
        assert page.count("than chance here" if language == words.ENGLISH else "不比随机好") == len(at_chance)
        as_aroused = "for such a score, as the" if language == words.ENGLISH else "它们在同样分数的短语中"
        assert page.count(as_aroused) == blocks.count("text")
        assert ("TATE" in page) == (method == "tate" and len(on) < 3)


def test_the_shared_factor_moves_only_when_asked_to(controller, panel):
    state = ask(controller, words.ENGLISH, ("text",), video=str(EXAMPLES / "delight.mp4"), text=SAID)
    visit = Visit("s", words.ENGLISH)
    kept, slid, moved = (panel.render(state, visit, *asked) for asked in [(), (False, 2.5), (True, -2.5)])
    assert kept[2] == slid[2] != moved[2]
    assert not kept[1].visible and moved[1].visible
    assert panel.render(state, visit, False, 0.0, 7)[2] != kept[2]


def test_nothing_to_show_is_said(panel, controller):
    assert "fb-empty" in panel.render(None, Visit("s", words.ENGLISH))[-1]
    state = ask(controller, words.ENGLISH, ("text",), text="good")
    assert "no face in this input" in panel.render(state, Visit("s", words.ENGLISH))[-1]


def test_the_fuse_of_an_absent_modality_says_why_and_what_is_imagined(controller):
    fuses, _ = fuses_panel.build()
    state = ask(controller, words.ENGLISH, ("text",), text="good")
    row = fuses.render_answer(state, words.ENGLISH)[3]
    assert "no face in this input" in row and "imagined by MFM from words:" in row and "data:image" in row
    kept = fuses.render_answer(state.without_pictures(), words.ENGLISH)[3]
    assert "imagined by MFM" in kept and "data:image" not in kept


def unfold(section) -> None:
    """Open what is folded away because it is no better than chance."""
    if section.locator(":scope > details").count():
        section.locator(":scope > details > summary").click()


def test_sound_travels_as_a_wav():
    tone = 0.5 * np.sin(np.arange(1600) / 10)
    kind, content = charts.sound_address(tone).split(",")
    with wave.open(io.BytesIO(base64.b64decode(content))) as file:
        assert kind == "data:audio/wav;base64" and file.getframerate() == 16_000
        heard = np.frombuffer(file.readframes(1600), "<i2") / 32767
    np.testing.assert_allclose(heard, tone, atol=1e-4)


def places(page, width: int) -> list:
    """Heights of the fuses' rows, and where the cells of the words' stand."""
    page.set_viewport_size({"width": width, "height": 900})
    return page.evaluate(PLACES)


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_a_pulled_fuse_shows_what_is_imagined_and_keeps_its_place(open_page):
    page = open_page(kept=True)
    before = {width: places(page, width) for width in WIDTHS}
    for modality in ("audio", "text"):
        page.click(f"#switch-{modality} input")
        page.locator(f"#meter-{modality} .fb-glimpse", has_text="imagined").wait_for()
    numbers = page.locator("#meter-text .fb-cell > b").all_inner_texts()
    assert numbers == ["–", "–"]  # alone, counts for
    for width in WIDTHS:
        heights, cells = places(page, width)
        assert heights == pytest.approx(before[width][0], abs=3)
        assert cells == before[width][1] and len(cells) == 4
        # the phrase is there to its last word
        row, phrase = (page.locator(f"#meter-text {part}").bounding_box() for part in (".fb-below", "q"))
        assert phrase["x"] + phrase["width"] <= row["x"] + row["width"] + 1
        assert phrase["y"] + phrase["height"] <= row["y"] + row["height"] + 1
        assert page.locator("#meter-text q").evaluate("q => getComputedStyle(q).webkitLineClamp") == "none"
    look_into(page, "Imagined")
    page.locator("#imagined-controls").wait_for()
    voice = page.locator("#imagined section.fb-hue-audio", has_text="Voice, from face, by MFM")
    voice.wait_for()
    # the melodies are really playable, without asking anybody for anything
    unfold(voice)
    assert voice.locator(".fb-made audio").count() == 5
    assert voice.locator("audio").first.evaluate(
        "audio => { audio.load(); return audio.play().then(() => true); }"
    )
    assert page.locator("#imagined section.fb-hue-text q").count() == 5
    page.click("#switch-audio input")
    page.locator("#imagined section.fb-hue-audio").wait_for(state="detached")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.abroad == []
