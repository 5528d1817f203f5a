"""Files and snippets that a visitor takes away, from a real browser, used as they are."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from models.features.pickles import load_pickle
from tests.browser.visiting import ask_about_words, look_into, score

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
HOSTILE = """It's "great" <script>document.title = 'broken'</script> $HOME `id` \\n & ünïcode 好"""


def open_tab(page) -> None:
    look_into(page, "Take away")
    page.locator("#take-away-python .cm-content", has_text="print(analysis)").wait_for()


def download(page, what: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.click(f"#take-away-{what}")
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def snippet(page, how: str, name: str) -> str:
    """What the copy button would copy."""
    page.locator("#take-away-calls").get_by_role("tab", name=name, exact=True).click()
    lines = page.locator(f"#take-away-{how} .cm-line")
    lines.first.wait_for()
    return "\n".join(line.rstrip("\n") for line in lines.all_inner_texts())


def what_was_asked(analysis: dict, asked: tuple[str, ...] = ("text", "vision")) -> dict:
    """An analysis without its times and what it says of other modalities, which a call does not look at."""
    return {
        **{key: value for key, value in analysis.items() if key != "timings_ms"},
        "modalities": {name: analysis["modalities"][name] for name in asked},
        "subsets": {name: a for name, a in analysis["subsets"].items() if {*name.split("+")} <= {*asked}},
    }


def test_snippets_give_the_analysis_that_was_downloaded(open_page, page_url, monkeypatch):
    pytest.importorskip("gradio_client")
    page = open_page(kept=True)
    page.locator("#switch-audio input").uncheck()
    page.locator("#sentiment .fb-was", has_text="with voice").wait_for()
    open_tab(page)
    name, content = download(page, "json")
    assert name == "fusebox-delight.json"
    taken = json.loads(content)
    assert taken["modalities"]["audio"]["used"] is False
    assert page.inner_text("#sentiment .fb-score") == f"{taken['score']:+.1f}".replace("-", "−")

    monkeypatch.chdir(EXAMPLES)
    python = snippet(page, "python", "Python")
    assert page_url.rstrip("/") in python
    names: dict = {}
    exec(compile(python, "snippet", "exec"), names)
    assert what_was_asked(names["analysis"]) == what_was_asked(taken)

    curl = snippet(page, "curl", "curl")
    if shutil.which("curl"):
        answer = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=True, timeout=120)
        data = re.search(r"event: complete\ndata: (.*)", answer.stdout)
        assert what_was_asked(json.loads(data.group(1))[0]) == what_was_asked(taken)
    assert "delight.mp4" in snippet(page, "command", "Command line")


def test_files_open_where_they_are_meant_to(open_page, tmp_path):
    page = open_page(kept=True)
    open_tab(page)
    name, content = download(page, "npz")
    assert name == "fusebox-delight.npz"
    arrays = np.load(io.BytesIO(content), allow_pickle=False)
    said = page.inner_text("#take-away-npz-hint")
    for title, modality in (("Words", "text"), ("Voice", "audio"), ("Face", "vision")):
        steps, width = arrays[f"{modality}_values"].shape
        assert f"{title} {steps} × {width}" in said
        assert arrays[f"{modality}_lengths"].tolist() == [steps]
    name, content = download(page, "pkl")
    (tmp_path / name).write_bytes(content)
    assert load_pickle(tmp_path / name)["test"]["text"].shape[0] == 1


def test_report_opens_anywhere_and_runs_nothing(open_page, tmp_path):
    page = open_page()
    ask_about_words(page, HOSTILE)
    open_tab(page)
    name, content = download(page, "report")
    text = content.decode()
    assert "<script" not in text and not re.search(r'(src|href)="(?!data:|https://)', text)
    assert not re.search(r"/tmp/|uploads|gradio_api", text)
    path = tmp_path / name
    path.write_bytes(content)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert HOSTILE in page.inner_text("blockquote")
    assert page.title() == "Fusebox report: words alone"
    assert page.locator(".fb-glimpse img").count() == 2  # the voice and the face that MFM imagines
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []


def test_report_shows_what_the_page_shows(open_page, tmp_path):
    page = open_page(kept=True)
    said = score(page)
    open_tab(page)
    name, content = download(page, "report")
    path = tmp_path / name
    path.write_bytes(content)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(path.as_uri())
    assert page.inner_text(".score b") == said
    assert page.locator("table").nth(1).locator("tbody tr").count() == 7
    assert page.locator(".fb-faces img").count() > 3 and page.locator("img.fb-mel").count() == 1
    for image in page.locator("img").all():
        assert image.get_attribute("alt") and image.get_attribute("src").startswith("data:image/png")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
