"""The page in a real browser, over the real analyst in a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.browser.visiting import clear, score
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
    """Opens the page for a new visitor, and clears it unless the example it opens with is `kept`.

    `page.abroad` lists requests that leave this machine, `page.complaints` the errors on its console. An
    error in the page's scripts fails the test.
    """
    contexts, errors = [], []

    def open_it(*, kept=False, query="", **options):
        context = browser.new_context(
            **{"locale": "en-US", "viewport": {"width": 1440, "height": 900}, **options}
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH_RECORDING)
        page = context.new_page()
        page.abroad, page.complaints = [], []
        page.on("pageerror", lambda error: errors.append(error))
        page.on(
            "console",
            lambda said: said.type == "error" and page.complaints.append(f"{said.text} {said.location}"),
        )
        page.on(
            "request", lambda request: is_abroad(request.url, page_url) and page.abroad.append(request.url)
        )
        page.goto(page_url + query)
        score(page)
        if not kept:
            clear(page)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not errors, errors


def is_abroad(url: str, page_url: str) -> bool:
    return not url.startswith((page_url, page_url.replace("http", "ws"), "data:", "blob:"))
