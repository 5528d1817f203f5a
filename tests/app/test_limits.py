"""Every limit at, below and above itself, by Python, REST and the page's endpoint."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import gradio as gr
import httpx
import numpy as np
import pytest
from gradio import processing_utils
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from starlette.testclient import TestClient

from app.rest import visitors
from app.rest.admission import Places, Refused
from app.rest.service import JSON_MB, create
from app.rest.visitors import Visitors
from app.service.analyst import Analyst
from app.service.query import LONGEST_TEXT, AnalysisError, Query
from app.settings import Settings
from app.ui.gate import FORM_MB
from app.ui.page import create_demo
from app.ui.phrases.chinese import ERRORS_CHINESE
from models.media.clip import InputError
from models.media.decode import MAX_FRAMES
from tests.app.conftest import TinyProfile
from tests.asynchronous import finished
from tests.crowd import Visitor
from tests.serving import Served, serving

# the limits of every door here: size, files at once, duration, questions of a visitor
MB, FILES, SECONDS, A_MINUTE = 1, 3, 2, 3
SAID = "I loved every minute of it."

VISITORS = itertools.count(1)  # last part of an address

Ask = Callable[..., dict]  # (clip=None, text=SAID, visitor="203.0.113.1") -> an analysis, or an error


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    limits = {
        "MAX_MB": MB,
        "MAX_FILES": FILES,
        "MAX_SECONDS": SECONDS,
        "MAX_PER_VISITOR": A_MINUTE,
        "PROXIES": 1,
    }
    environment = {f"FUSEBOX_{name}": str(value) for name, value in limits.items()}
    with serving(tmp_path_factory.mktemp("served"), **environment) as running:
        yield running


@pytest.fixture(scope="module")
def own(checkpoints) -> Analyst:
    settings = Settings(device="cpu", checkpoints=checkpoints, max_mb=MB, max_seconds=SECONDS)
    return Analyst(settings, TinyProfile())


@pytest.fixture(scope="module")
def rest(own) -> TestClient:
    return TestClient(create(own, Places(100, 2, visitors=Visitors(A_MINUTE, 1))))


def by_python(own: Analyst, clip: Path | None = None, text: str = SAID, visitor: str = "") -> dict:
    try:
        return own.analyze(Query(clip, text=text)).to_json()
    except InputError as error:
        return {"code": error.code, "message": str(error), "values": error.values}


def by_rest(rest: TestClient, clip: Path | None = None, text: str = SAID, visitor: str = "") -> dict:
    headers = {"X-Forwarded-For": visitor}
    if clip is None:
        return rest.post("/analyze", json={"text": text}, headers=headers).json()
    files = {"clip": ("clip.mp4", clip.read_bytes())}
    return rest.post("/analyze", files=files, data={"text": text}, headers=headers).json()


def by_page(served: Served, clip: Path | None = None, text: str = SAID, visitor: str = "") -> dict:
    client = Client(served.url, verbose=False, headers={"X-Forwarded-For": visitor})
    given = {"clip": handle_file(clip)} if clip else {}
    try:
        return client.predict(**given, text=text, api_name="/analyze")
    except AppError as error:
        return error.message


@pytest.fixture(params=["python", "rest", "page"])
def ask(request) -> Ask:
    """One of the doors; each question comes from a visitor of its own."""
    name = request.param
    door = {"python": by_python, "rest": by_rest, "page": by_page}[name]
    behind = request.getfixturevalue({"python": "own", "rest": "rest", "page": "served"}[name])
    return lambda *given, **named: door(behind, *given, **named, visitor=f"203.0.113.{next(VISITORS)}")


def refusal(answer: dict, code: str, *told: str) -> dict:
    """The values of an error that has this code, says the limit and what would work, and is translated."""
    assert answer.get("code") == code, answer
    assert all(part in answer["message"] for part in told), answer["message"]
    assert code in ERRORS_CHINESE
    return answer["values"]


def film(path: Path, frames: int, rate: int, size: int = 16) -> Path:
    """A film of grey squares."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate, width=size, height=size, pix_fmt="yuv420p")
        picture = av.VideoFrame.from_ndarray(np.full((size * 3 // 2, size), 128, np.uint8), "yuv420p")
        for number in range(frames):
            picture.pts, picture.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def pictures(path: Path, width: int, height: int) -> Path:
    """A film of two pictures of this size."""
    photo = io.BytesIO()
    Image.new("L", (width, height), 128).save(photo, "JPEG", quality=10)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=5, width=16, height=16, pix_fmt="yuvj420p")
        for number in range(2):
            packet = av.Packet(photo.getvalue())
            packet.stream, packet.pts, packet.dts = stream, number, number
            container.mux(packet)
    return path


def of_bytes(path: Path, length: int) -> Path:
    """A film with a box that every reader leaves out, so that the file has this length."""
    content = film(path, 5, 5).read_bytes()
    path.write_bytes(content + (length - len(content)).to_bytes(4, "big") + b"free")
    with path.open("ab") as file:
        file.truncate(length)
    return path


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_size(ask, tmp_path, more):
    answer = ask(of_bytes(tmp_path / "clip.mp4", MB * 1_000_000 + more))
    if more <= 0:
        assert "score" in answer, answer
    else:
        assert refusal(answer, "too_large", "1 MB", "smaller")["limit"] == MB


@pytest.mark.parametrize(("seconds", "cut"), [(1.8, False), (2.0, False), (2.4, True)])
def test_duration(ask, tmp_path, seconds, cut):
    answer = ask(film(tmp_path / "clip.mp4", round(10 * seconds), 10, size=64))
    assert any("longer than 2 seconds; only the first 2" in told for told in answer["warnings"]) is cut


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_frames(ask, tmp_path, more):
    answer = ask(film(tmp_path / "clip.mp4", MAX_FRAMES + more, 16_000))
    if more <= 0:
        assert "score" in answer, answer
    else:
        told = refusal(answer, "too_many_frames", str(MAX_FRAMES), "60 frames a second")
        assert told["limit"] == MAX_FRAMES


@pytest.mark.parametrize("more", [-2, 0, 2])
def test_pixels(ask, tmp_path, more):
    answer = ask(pictures(tmp_path / "clip.avi", 7680, 4320 + more))
    if more <= 0:
        assert "score" in answer, answer
    else:
        refusal(answer, "frame_too_large", "7680 x 4320", "Export the clip smaller")


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_words(ask, more):
    answer = ask(text=("good " * LONGEST_TEXT)[: LONGEST_TEXT + more])
    if more <= 0:
        assert "score" in answer, answer
    else:
        assert refusal(answer, "text_too_long", str(LONGEST_TEXT), "fewer")["limit"] == LONGEST_TEXT


def test_a_far_too_large_file_is_not_even_received(served):
    for size in (3_000_000, 1_000_000 * (MB * FILES + FORM_MB) + 1):
        upload = httpx.post(f"{served.url}gradio_api/upload", files={"files": ("a.mp4", bytes(size))})
        assert upload.status_code == 413
        assert refusal(upload.json(), "too_large", "1 MB", "smaller")["limit"] == MB
    words = httpx.post(f"{served.url}gradio_api/queue/join", content=bytes(JSON_MB * 1_000_000 + 1))
    assert words.status_code == 413 and words.json()["code"] == "too_large"


def test_many_files_may_be_larger_together(served):
    content = bytes(1_000_000 * MB - 1)
    files = [("files", (f"{number}.mp4", content)) for number in range(FILES)]
    assert len(httpx.post(f"{served.url}gradio_api/upload", files=files).raise_for_status().json()) == FILES


def test_what_the_page_does_not_need_is_closed(served):
    """Gradio would hand the file to the system's ffmpeg, and fetch the address."""
    recorded = httpx.post(f"{served.url}gradio_api/process_recording", files={"video": ("a.mp4", b"film")})
    assert recorded.status_code == 404
    assert httpx.get(f"{served.url}gradio_api/file=http://192.0.2.1/a.mp4").status_code == 404


def test_an_address_in_place_of_an_upload_is_not_fetched(own, monkeypatch):
    fetched = []

    async def fetch(address: str, **options: object) -> str:
        fetched.append(address)
        raise ValueError("nobody answers")

    monkeypatch.setattr(processing_utils, "async_ssrf_protected_download", fetch)
    demo = create_demo(own)
    endpoint = next(each for each in demo.fns.values() if each.api_name == "analyze")
    file = {"path": "http://192.0.2.1/a.mp4", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(gr.Error) as refused:
        finished(demo.preprocess_data(endpoint, [file, *[None] * 5], None))
    assert refused.value.message["code"] == "malformed" and not fetched


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_places_that_wait(more):
    places = Places(3, 1, share=1)
    with ExitStack() as taken:
        for number in range(2 + more):
            taken.enter_context(places.place(f"caller{number}"))
        if more <= 0:
            taken.enter_context(places.place("another"))
            return
        with pytest.raises(Refused, match=r"3 requests are waiting.* ask again") as busy:
            taken.enter_context(places.place("another"))
    assert (busy.value.status, busy.value.error.code) == (503, "busy")
    with places.place("another"):
        pass


def test_places_of_one_caller():
    places = Places(8, 1)
    with places.place("one"), places.place("one"):
        with pytest.raises(Refused, match=r"2 requests waiting.* wait for an answer") as refused:
            places.place("one").__enter__()
        with places.place("another"):
            pass
    assert (refused.value.status, refused.value.error.code) == (429, "too_many_requests")


def test_questions_of_a_visitor(request):
    for door, behind, home in ((by_rest, "rest", "198.51.100.1"), (by_page, "served", "198.51.100.2")):
        ask = partial(door, request.getfixturevalue(behind))
        answers = [ask(visitor=f"192.0.2.{number}, {home}") for number in range(A_MINUTE + 1)]  # forged
        assert all("score" in answer for answer in answers[:-1]), answers
        told = refusal(answers[-1], "asked_too_often", f"{A_MINUTE} times a minute", "again in")
        assert told["limit"] == A_MINUTE and 0 < told["seconds"] <= 60
        assert "score" in ask(visitor="198.51.100.3")


def test_questions_of_a_visitor_of_the_page(served):
    visitor = Visitor(served.url)
    visitor.set("input-tab", "text")
    for number in range(A_MINUTE + 1):
        visitor.set("words", f"{SAID} {number}")
        visitor.fire("analyse", "click")
        assert ("3 times a minute" in str(visitor.value("sentiment"))) is (number == A_MINUTE)


def test_rest_says_when_to_ask_again(own):
    rest = TestClient(create(own, Places(100, 2, visitors=Visitors(1))))
    first, second = (rest.post("/analyze", json={"text": SAID}) for _ in range(2))
    assert first.status_code == 200 and second.status_code == 429
    assert 0 < int(second.headers["retry-after"]) <= 60


def test_a_minute_later_a_visitor_may_ask_again(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(visitors, "monotonic", lambda: now[0])
    several = Visitors(2)
    for _ in range(2):
        several.admit("one")
    with pytest.raises(AnalysisError):
        several.admit("one")
    several.admit("another")
    now[0] += 60.0
    several.admit("one")
    now[0] += 61.0
    several.admit("another")
    assert len(several._asked) == 1  # who has not come for a minute is forgotten


@pytest.mark.parametrize(
    ("proxies", "caller", "forwarded", "address"),
    [
        (0, "203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        (1, "10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        (1, "10.0.0.1", ["192.0.2.1, 198.51.100.1"], "198.51.100.1"),
        (1, "10.0.0.1", ["192.0.2.1", "198.51.100.1"], "198.51.100.1"),
        (2, "10.0.0.1", ["192.0.2.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        (1, "10.0.0.1", [], "10.0.0.1"),
        (0, "2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        (1, "10.0.0.1", ["unknown"], "unknown"),
    ],
)
def test_who_a_visitor_is(proxies, caller, forwarded, address):
    assert Visitors(1, proxies).address(caller, forwarded) == address


def test_without_a_proxy_nobody_says_who_asks(tmp_path):
    """Neither in the header that we read nor in what uvicorn makes of it for a caller on this machine."""
    with serving(tmp_path, FUSEBOX_MAX_PER_VISITOR="1") as running:
        ask = partial(httpx.post, f"{running.url}v1/analyze", json={"text": SAID}, timeout=60)
        codes = [ask(headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(2)]
    assert codes == [200, 429]
