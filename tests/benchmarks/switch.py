"""How long the page takes to repaint after a switch, in Chromium, from click to the next painted frame.

    python tests/benchmarks/switch.py [http://127.0.0.1:7860] [--switches 12]

The page must be running (`python -m app`). Takes its first example, pulls words, voice and face out and puts
them back in turn, and prints the milliseconds of each, and how many times longer the example itself took.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks.results import keep_latest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
MODALITIES = ("text", "audio", "vision")
PAUSE = 1.5  # s between two switches, in which the rest of the page settles
UNTIL_PAINTED = """
click => new Promise((done, fail) => {
    const from = performance.now();
    const said = () => document.querySelector('#sentiment .fb-score')?.parentElement.innerText;
    const before = said();
    const look = now => {
        if (now - from > 30000) fail(new Error('nothing changed within 30 s of ' + click));
        else if (said() === before) requestAnimationFrame(look);
        else requestAnimationFrame(() => done(performance.now() - from));  // the frame with it is painted
    };
    document.querySelector(click).click();
    requestAnimationFrame(look);
})"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", nargs="?", default="http://127.0.0.1:7860")
    parser.add_argument("--switches", type=int, default=12)
    options = parser.parse_args()
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.goto(options.page)
        page.locator("#sentiment .fb-band").wait_for()  # the example that the page opens with
        page.click("#clip button[aria-label=Clear]")
        page.locator("#sentiment", has_text="Add a clip").wait_for()
        start = time.perf_counter()
        page.locator(".fb-card").first.click()
        page.locator("#sentiment .fb-band").wait_for()
        first = 1000 * (time.perf_counter() - start)
        took = []
        for number in range(options.switches):
            time.sleep(PAUSE)
            modality = MODALITIES[number // 2 % len(MODALITIES)]
            took.append(page.evaluate(UNTIL_PAINTED, f"#switch-{modality} input"))
        browser.close()
    print("switches, ms:", *(f"{milliseconds:.0f}" for milliseconds in took))
    median = statistics.median(took)
    print(f"median {median:.0f} ms, the slowest {max(took):.0f} ms")
    print(f"an example, {first:.0f} ms the first time, is {first / median:.0f} times as long as a switch")
    keep_latest(
        {"milliseconds": {"switch": median, "slowest": max(took), "example": first}, "ratio": first / median}
    )


if __name__ == "__main__":
    main()
