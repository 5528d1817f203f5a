"""Camera and microphone, which play an example clip: the score and the words come while it is spoken."""

from __future__ import annotations

import re
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.browser.conftest import CHROMIUM_ARGUMENTS, PATIENCE
from tests.browser.visiting import look_into, score
from tests.serving import Served, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
# after each answer that moves on: when it was shown, and how old the end of the sound was that it rests on
WATCH = """() => {
  window.updates = [];
  let clock = '';
  new MutationObserver(() => {
    const heard = document.querySelector('#live-overview [data-heard]')?.dataset.heard;
    const shown = document.querySelector('.fb-live')?.dataset.at;
    if (!heard || shown === clock || !window.fuseboxLive.open) return;
    clock = shown;
    const behind = window.fuseboxLive.now(window.fuseboxLive.open) - heard;
    window.updates.push({at: performance.now(), behind});
  }).observe(document.querySelector('#depth'), {subtree: true, childList: true, attributes: true});
}"""


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> tuple[Path, Path]:
    """An example as Chromium's camera (MJPEG) and microphone (WAV), which it plays again and again."""
    folder = tmp_path_factory.mktemp("film")
    picture, sound = folder / "camera.mjpeg", folder / "microphone.wav"
    with av.open(EXAMPLES / "delight.mp4") as given, av.open(picture, "w", format="mjpeg") as made:
        stream = made.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 480, 270, "yuvj420p"
        stream.options = {"q": "3"}
        for frame in given.decode(video=0):
            seen = av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), format="rgb24")
            made.mux(stream.encode(seen))
        made.mux(stream.encode(None))
    with av.open(EXAMPLES / "delight.mp4") as given, wave.open(str(sound), "wb") as made:
        resampler = av.AudioResampler("s16", "mono", 48_000)
        blocks = [b.to_ndarray()[0] for f in given.decode(audio=0) for b in resampler.resample(f)]
        made.setparams((1, 2, 48_000, 0, "NONE", ""))
        made.writeframes(np.concatenate([*blocks, np.zeros(48_000, np.int16)]).tobytes())
    return picture, sound


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("live")) as running:
        yield running


@pytest.fixture(scope="module")
def open_page(browser, film, served):
    """Opens the page for a visitor in front of that camera, on its Live tab."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    picture, sound = film
    files = [f"--use-file-for-fake-video-capture={picture}", f"--use-file-for-fake-audio-capture={sound}"]
    arguments = [*CHROMIUM_ARGUMENTS, *files]
    chromium = browser.browser_type.launch(executable_path=path, args=arguments)

    def open_it(script: str = "", **options):
        context = chromium.new_context(**{"locale": "en-US", **options})
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        if script:
            page.add_init_script(script)
        page.goto(served.url)
        score(page)
        look_into(page, "Live")
        return page

    yield open_it
    chromium.close()


def tracks_live(page) -> bool:
    return page.evaluate("document.querySelector('#live-preview video').srcObject?.active ?? false")


def test_score_and_words_come_and_nothing_is_stored(open_page, served):
    page = open_page()
    before = sorted(path.name for path in served.log.parent.rglob("*"))
    page.click("#live-start")
    page.locator("#live-stop").wait_for()
    page.evaluate(WATCH)
    page.wait_for_function("/love this film/i.test(document.querySelector('.fb-live-words')?.innerText)")
    page.wait_for_function("document.querySelector('.fb-live .fb-score').innerText.startsWith('+')")
    page.wait_for_function("document.querySelectorAll('.fb-live-shares span').length === 3")
    assert tracks_live(page)
    page.wait_for_function("window.updates.length >= 10")
    updates = page.evaluate("window.updates")
    every = np.diff([update["at"] for update in updates]) / 1000
    print(f"every {np.median(every):.2f} s, behind {np.median([u['behind'] for u in updates]):.2f} s")
    assert np.median(every) < 3  # one, where the machine has nothing else to do

    page.locator("#live-text input").uncheck()
    page.wait_for_function("document.querySelectorAll('.fb-live-shares span').length === 2")
    page.click("#live-stop")
    page.locator("#live-overview", has_text="Stopped.").wait_for()
    page.wait_for_function("window.fuseboxLive.open === null")
    assert not tracks_live(page)
    page.get_by_role("radio", name="中文").check(force=True)
    page.locator("#live-overview", has_text="已停止").wait_for()
    assert sorted(path.name for path in served.log.parent.rglob("*")) == before
    assert not re.search("love this film", served.log.read_text(), re.IGNORECASE)


@pytest.mark.parametrize(
    ("error", "told"),
    [("NotAllowedError", "does not allow"), ("NotFoundError", "No camera and no microphone")],
)
def test_what_to_do_without_camera_and_microphone(open_page, error, told):
    refuse = f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{error}'); }}"
    page = open_page(refuse)
    page.click("#live-start")
    page.locator("#live-overview", has_text=told).wait_for()
    assert page.locator("#live-start").is_visible()


def test_a_microphone_alone_is_enough(open_page):
    page = open_page("""
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (what) => {
        if (what.video) throw new DOMException('', 'NotFoundError');
        return ask(what);
      };""")
    page.click("#live-start")
    page.locator("#live-overview", has_text="No camera: voice and words alone.").wait_for()
    page.wait_for_function("document.querySelectorAll('.fb-live-shares span').length >= 1")
    assert "Face" not in page.inner_text(".fb-live-shares")
