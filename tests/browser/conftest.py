"""The page in a real browser, over the real analyst in a process of its own."""

from __future__ import annotations

import json
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
const devices = navigator.mediaDevices; // none of an empty page
const ask = devices?.getUserMedia.bind(devices);
if (ask) devices.getUserMedia = (...what) => { window.recordings += 1; return ask(...what); };
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


@pytest.fixture(scope="session")
def empty_pages() -> dict[str, list]:
    """Pages that show nothing at the moment, by the options that they were made with.

    Gradio's scripts start in half the time where the same page has run them before.
    """
    return {}


@pytest.fixture
def open_page(browser, page_url: str, empty_pages):
    """Opens the page for a new visitor, and clears it unless the example it opens with is `kept`.

    `page.abroad` lists requests that leave this machine, `page.complaints` the errors on its console. An
    error in the page's scripts fails the test.
    """
    opened = []

    def open_it(*, kept=False, query="", **options):
        options = {"locale": "en-US", "viewport": {"width": 1440, "height": 900}, **options}
        alike = empty_pages.setdefault(json.dumps(options, sort_keys=True), [])
        page = alike.pop() if alike else new_page(browser, page_url, options)
        page.abroad, page.complaints, page.errors = [], [], []
        opened.append((page, alike))
        page.set_viewport_size(options["viewport"])
        page.goto(page_url + query)
        score(page)
        if not kept:
            clear(page)
        return page

    yield open_it
    for page, alike in opened:
        page.unroute_all(behavior="ignoreErrors")
        page.goto("about:blank")  # the visitor leaves
        alike.append(page)
    assert not any(page.errors for page, _ in opened), [page.errors for page, _ in opened]


def new_page(browser, page_url: str, options: dict):
    """A page of a browser with nothing in its memory, which notes what goes wrong in it."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(WATCH_RECORDING)
    page = context.new_page()
    page.on("pageerror", lambda error: page.errors.append(error))
    page.on(
        "console",
        lambda said: said.type == "error" and page.complaints.append(f"{said.text} {said.location}"),
    )
    page.on("request", lambda request: is_abroad(request.url, page_url) and page.abroad.append(request.url))
    return page


def is_abroad(url: str, page_url: str) -> bool:
    return not url.startswith((page_url, page_url.replace("http", "ws"), "data:", "blob:"))
