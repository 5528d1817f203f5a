"""The page in a real browser, over the real analyst in a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.serving import serving

PATIENCE = 120_000  # ms; a first clip on a machine that is busy with other things
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


WATCH_RECORDING = """
window.recordings = 0;
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (...what) => { window.recordings += 1; return ask(...what); };
"""


@pytest.fixture(scope="session")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running page."""
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served.url


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium of the system, with a made-up camera and microphone."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, page_url: str):
    """Opens the page for a new visitor; `page.abroad` lists requests that leave this machine.

    An error in the page's scripts fails the test, but for one of Gradio's: its plots look at their width once
    more after they were taken away.
    """
    contexts, errors = [], []

    def open_it(**options):
        context = browser.new_context(
            **{"locale": "en-US", "viewport": {"width": 1440, "height": 900}, **options}
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH_RECORDING)
        page = context.new_page()
        page.abroad = []
        page.on("pageerror", lambda error: "offsetWidth" in str(error) or errors.append(error))
        page.on(
            "request", lambda request: is_abroad(request.url, page_url) and page.abroad.append(request.url)
        )
        with page.expect_response("**/run/predict"):  # the greeting
            page.goto(page_url)
        page.locator("#sentiment .fb-gauge").wait_for()
        # Both languages have been settled once the page has greeted the visitor.
        chinese = options.get("locale", "").startswith("zh")
        page.locator("#sentiment", has_text="请添加视频" if chinese else "Add a clip").wait_for()
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not errors, errors


def is_abroad(url: str, page_url: str) -> bool:
    return not url.startswith((page_url, page_url.replace("http", "ws"), "data:", "blob:"))
