"""After a visit nothing of it is on the disk or in the memory of the server: searched by content."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.crowd import Visitor, as_new
from tests.searched_server import AWAY_SECONDS, found_in
from tests.serving import Served, serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the server is told by a signal to search")

TABS = ("imagined", "why", "timeline", "compare", "take_away")
TAKEN = ("report", "json", "npz", "pkl")
TABLES = ("recording-csv", "recording-html", "many-save")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def served(folder) -> Iterator[Served]:
    with serving(folder, command=("-m", "tests.searched_server", str(folder))) as running:
        yield running


@pytest.fixture
def clip(example_clip: Path, tmp_path: Path) -> Path:
    """A clip whose name and last bytes no other has."""
    return as_new(example_clip, tmp_path)


def said(clip: Path) -> str:
    """Words in which the clip's name stands."""
    return f"I love {clip.stem} a lot."


def needles(clip: Path) -> list[str]:
    """What tells a visit: its file's name, which is in its words too, and its file's own bytes."""
    return [clip.stem, clip.read_bytes()[-16:].decode("latin1")]


def on_disk(folder: Path, clip: Path) -> list[Path]:
    """Files of the server that hold something of the visit, or are called by it."""
    sought = [needle.encode("latin1") for needle in needles(clip)]
    return [
        file
        for file in (folder / "uploads").rglob("*")
        if file.is_file() and any(one in file.read_bytes() + file.name.encode() for one in sought)
    ]


def visit(url: str, clip: Path) -> Visitor:
    """A visitor who uploads, types, looks into every tab and takes every file away."""
    visitor = Visitor(url)
    visitor.set("clip", visitor.upload(clip))
    visitor.set("words", "")
    visitor.fire("clip", "upload")
    visitor.set("words", said(clip))
    visitor.fire("analyse", "click")
    assert visitor.score() > 0
    for tab in TABS:
        visitor.fire(f"depth-{tab}", "select")
    for what in TAKEN:
        visitor.fire(f"take-away-{what}", "click")
    visitor.fire("recording-read", "click")
    visitor.set("many-files", [{**visitor.value("clip"), "orig_name": clip.name}])
    visitor.fire("many-read", "click")
    for table in TABLES:
        visitor.fire(table, "click")
    return visitor


def left(served: Served, folder: Path, clip: Path, seconds: float = 5.0) -> list[str]:
    """What is still there of a visit after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        there = [*map(str, on_disk(folder, clip)), *found_in(served, folder, needles(clip))]
        there += [line for line in served.log.read_text().splitlines() if clip.stem in line]
        if not there or time.monotonic() > deadline:
            return there
        time.sleep(0.5)


@pytest.mark.slow
def test_nothing_of_a_visit_stays_once_it_is_deleted(served, folder, clip):
    visitor = visit(served.url, clip)
    assert len(on_disk(folder, clip)) == 1 + len(TAKEN) + len(TABLES)
    assert len(found_in(served, folder, needles(clip))) > 10  # the search finds what there is
    visitor.fire("delete-now", "click")
    assert left(served, folder, clip) == []
    assert "Deleted" in visitor.value("sentiment") and visitor.value("clip") is None
    assert not visitor.value("words")
    visitor.leave()


def test_nothing_stays_of_the_last_question_that_anybody_asked(served, folder, clip):
    """Without another event after it."""
    visitor = Visitor(served.url)
    visitor.set("input-tab", "text")
    visitor.set("words", said(clip))
    visitor.fire("analyse", "click")
    visitor.fire("delete-now", "click")
    assert left(served, folder, clip) == []
    visitor.leave()


@pytest.mark.slow
def test_nothing_of_a_visit_stays_once_its_page_is_closed(served, folder, clip):
    visitor = visit(served.url, clip)
    visitor.leave()
    assert left(served, folder, clip, AWAY_SECONDS + 10) == []


def test_a_page_that_comes_back_in_time_keeps_its_answer(served, clip):
    visitor = Visitor(served.url)
    visitor.set("clip", visitor.upload(clip))
    visitor.fire("clip", "upload")
    visitor.set("words", said(clip))
    visitor.fire("analyse", "click")
    with visitor.away():
        time.sleep(AWAY_SECONDS / 4)
    time.sleep(1.5 * AWAY_SECONDS)
    visitor.set("switch-audio", False)
    visitor.fire("switch-audio", "input")
    assert "with voice" in visitor.value("sentiment")
    visitor.leave()


def test_a_file_that_another_visitor_has_too_stays_for_that_one(served, folder, clip):
    both = [Visitor(served.url), Visitor(served.url)]
    for visitor in both:
        visitor.set("clip", visitor.upload(clip))
        visitor.fire("clip", "upload")
    assert len(on_disk(folder, clip)) == 1
    both[0].fire("delete-now", "click")
    assert len(on_disk(folder, clip)) == 1
    both[1].fire("delete-now", "click")
    assert on_disk(folder, clip) == []
    for visitor in both:
        visitor.leave()


def test_nothing_of_a_call_by_rest_stays(served, folder, clip):
    with clip.open("rb") as file:
        asked = {"files": {"clip": file}, "data": {"text": said(clip)}}
        response = httpx.post(f"{served.url}v1/analyze", **asked, timeout=120)
    assert response.status_code == 200
    assert left(served, folder, clip) == []


def test_of_a_program_s_words_nothing_stays(served, folder, clip):
    asked = {"text": said(clip), "modalities": ["text"]}
    call = f"{served.url}gradio_api/call/v2/analyze"
    event = httpx.post(call, json=asked, timeout=60).json()["event_id"]
    assert "complete" in httpx.get(f"{call}/{event}", timeout=60).text
    assert left(served, folder, clip) == []


def test_of_a_file_that_cannot_be_read_no_name_is_logged(served, folder, clip):
    content = clip.read_bytes()
    for broken in (b"", b"no film", content[:9000], content[:40] + bytes(2000) + content[2040:]):
        clip.write_bytes(broken)
        form = {"files": {"clip": (clip.name, broken)}, "data": {"text": said(clip)}}
        httpx.post(f"{served.url}v1/analyze", **form, timeout=120)
        visitor = Visitor(served.url)
        visitor.set("clip", visitor.upload(clip))
        visitor.fire("clip", "upload")
        visitor.fire("analyse", "click")
        visitor.fire("delete-now", "click")
        visitor.leave()
    assert clip.stem not in "".join(path.name for path in (folder / "uploads").rglob("*"))
    log = served.log.read_text()
    assert clip.stem not in log and "127.0.0.1" not in log.replace(served.url.rstrip("/"), "")
