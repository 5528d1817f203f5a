"""What a program gets from the page's endpoints: errors it can tell apart, and a queue with an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import mcp
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError

from app import Analyst, Query
from tests.asynchronous import finished
from tests.crowd import Caller, Question, Visitor, as_new, patient_client
from tests.serving import Served, serving

WORDS = Question(None, "I love it.")
PRESSING = 6  # callers at once: four are answered and one waits


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """A page in whose queue one may wait, with tools."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, FUSEBOX_MAX_WAITING="1", FUSEBOX_MCP="1") as running:
        yield running


@pytest.mark.parametrize(
    ("arguments", "code", "values"),
    [
        ({}, "nothing_given", {}),
        ({"text": "I love it.", "method": "nope"}, "unknown_method", {"asked": "nope"}),
        ({"text": "I love it.", "method": ["lmf"]}, "unknown_method", {"asked": ["lmf"]}),
        ({"text": "I love it.", "modalities": ["smell"]}, "unknown_modality", {"asked": "smell"}),
        ({"text": "I love it.", "modalities": 5}, "unknown_modality", {"asked": "5"}),
        ({"text": "I love it.", "modalities": []}, "all_off", {}),
        ({"text": "I love it.", "modalities": ["audio"]}, "nothing_used", {"modalities": "audio"}),
        ({"clip": handle_file(__file__)}, "not_media", {"suffix": ".py"}),
        ({"clip": "/etc/hostname"}, "malformed", {}),
    ],
)
def test_an_error_of_the_callers_has_a_code_a_message_and_its_values(served, arguments, code, values):
    with pytest.raises(AppError) as caught:
        patient_client(served.url).predict(**arguments, api_name="/analyze")
    error = caught.value.message
    assert error["code"] == code and len(error["message"]) > 20
    assert values.items() <= error["values"].items()
    assert "Traceback" not in served.log.read_text()


def test_no_call_goes_past_the_queue(served):
    asked = {"data": [None, None, "I love it.", "lmf", ["text"]]}
    assert httpx.post(f"{served.url}gradio_api/run/analyze", json=asked).status_code == 404


def test_past_the_limit_of_the_queue_one_is_told_to_come_back(served, example_clip: Path, tmp_path):
    visitor = Visitor(served.url)
    visitor.set("input-tab", "text")
    visitor.set("words", WORDS.text)
    told = threading.Event()

    def press(number: int) -> tuple[set[float], int]:
        """Scores of new clips, and how many questions were refused, until the visitor was told."""
        caller, scores, refused = Caller(served.url), set(), 0
        while not told.is_set():
            try:
                scores.add(caller.score(Question(example_clip, None), as_new(example_clip, tmp_path)))
            except QueueError:
                refused += 1
                time.sleep(0.1)
        return scores, refused

    with ThreadPoolExecutor(PRESSING) as pool:
        pressing = pool.map(press, range(PRESSING))
        deadline = time.monotonic() + 200
        try:
            while "Many people are asking" not in visitor.value("sentiment") and time.monotonic() < deadline:
                with suppress(QueueError):  # another may come between the look at the queue and the question
                    visitor.fire("analyse", "click")
        finally:  # or the others would press for ever
            told.set()
        scores, refused = zip(*pressing, strict=True)
    assert "Many people are asking" in visitor.value("sentiment")
    assert sum(refused) and len(set().union(*scores)) == 1
    visitor.fire("analyse", "click")
    assert visitor.score() > 0


def test_a_file_of_known_content_is_not_read_again(served, example_clip: Path, tmp_path):
    client, file = patient_client(served.url), as_new(example_clip, tmp_path)
    first, again, words = (
        client.predict(clip=handle_file(file), modalities=modalities, api_name="/analyze")
        for modalities in (["text", "audio", "vision"], ["text", "audio", "vision"], ["text"])
    )
    assert first["timings_ms"]["decode"] > 0 and first["timings_ms"]["speech"] > 0
    for known in (again, words):
        assert {stage for stage, ms in known["timings_ms"].items() if ms} == {"fusion"}
    assert again["score"] == first["score"]
    assert words["modalities"]["audio"]["present"] is None


def test_rest_on_the_same_server_gives_the_same_score(served, example_clip: Path):
    form = {"method": "mla", "modalities": "text,audio", "text": "I love it."}
    answer = httpx.post(
        f"{served.url}v1/analyze", files={"clip": example_clip.open("rb")}, data=form, timeout=120
    )
    asked = {**form, "modalities": ["text", "audio"], "clip": handle_file(example_clip)}
    page = patient_client(served.url).predict(**asked, api_name="/analyze")
    assert answer.json()["score"] == pytest.approx(page["score"], abs=1e-4)


def test_what_rest_can_do_is_described_without_asking_another_server(served):
    described = httpx.get(f"{served.url}openapi.json").json()
    assert {"/analyze", "/segments", "/transcribe", "/methods"} == described["paths"].keys()
    page = httpx.get(f"{served.url}docs").text
    assert "//" not in page.replace("window.location.protocol", "").replace("<!--", "").split("<body>")[0]
    for file in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"docs/{file}" in page
        assert httpx.get(f"{served.url}docs/{file}").status_code == 200
    assert httpx.get(f"{served.url}docs/%2e%2e/%2e%2e/%2e%2e/etc/hostname").status_code == 404


def test_rest_the_page_the_tools_and_python_give_the_same_score(served, example_clip: Path):
    """A caller's way, by each of the four doors."""

    async def by_tool(url: str) -> float:
        async with mcp.Client(url) as client:
            found = await client.call_tool("analyze_clip", {"clip": str(example_clip), "text": WORDS.text})
            return found.structured_content["score"]

    asked = {"text": WORDS.text, "clip": handle_file(example_clip)}
    page = patient_client(served.url).predict(**asked, api_name="/analyze")
    with example_clip.open("rb") as file:
        form = {"files": {"clip": file}, "data": {"text": WORDS.text}}
        rest = httpx.post(f"{served.url}v1/analyze", **form, timeout=120)
    tool = finished(by_tool(f"{served.url}mcp"))
    python = Analyst().analyze(Query(example_clip, text=WORDS.text)).score
    assert page["score"] == rest.json()["score"] == pytest.approx(tool, abs=1e-4)
    assert page["score"] == pytest.approx(python, abs=1e-4)
    assert "Traceback" not in served.log.read_text()


def test_the_call_that_the_page_documents_can_be_made(served):
    client = patient_client(served.url)
    about = client.view_api(print_info=False, return_format="dict")["named_endpoints"]["/analyze"]
    assert about["description"].startswith("Sentiment of one clip") and "interval" in about["description"]
    printed = {each["parameter_name"]: each["example_input"] for each in about["parameters"]}
    answer = client.predict(**printed, api_name="/analyze")
    assert answer["score"] > 1 and answer["modalities"]["audio"]["used"] is False
