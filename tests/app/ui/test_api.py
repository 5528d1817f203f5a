"""What a program gets from the page's endpoints: errors it can tell apart, and a queue with an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError

from app.service.analyst import Analyst
from app.settings import Settings
from app.ui import page
from app.ui.wiring import AT_ONCE
from tests.crowd import Visitor
from tests.serving import free_port

WAITING = 1


@pytest.fixture(scope="module")
def analyst() -> Analyst:
    return Analyst(Settings(port=free_port(), max_waiting=WAITING))


@pytest.fixture(scope="module")
def url(analyst: Analyst) -> Iterator[str]:
    demo = page.serve(analyst, analyst.settings, prevent_thread_lock=True, quiet=True)
    yield demo.local_url
    demo.close()


@pytest.fixture
def client(url: str) -> Client:
    return Client(url, verbose=False)


@pytest.mark.parametrize(
    ("arguments", "code", "values"),
    [
        ({}, "nothing_given", {}),
        ({"text": "I love it.", "method": "nope"}, "unknown_method", {"asked": "nope"}),
        ({"text": "I love it.", "method": ["lmf"]}, "unknown_method", {"asked": ["lmf"]}),
        ({"text": "I love it.", "modalities": ["smell"]}, "unknown_modality", {"asked": "smell"}),
        ({"text": "I love it.", "modalities": []}, "all_off", {}),
        ({"text": "I love it.", "modalities": ["audio"]}, "nothing_used", {"modalities": "audio"}),
        ({"clip": handle_file(__file__)}, "not_media", {"suffix": ".py"}),
        ({"clip": "/etc/hostname"}, "malformed", {}),
    ],
)
def test_an_error_of_the_callers_has_a_code_a_message_and_its_values(client, capfd, arguments, code, values):
    with pytest.raises(AppError) as caught:
        client.predict(**arguments, api_name="/analyze")
    error = caught.value.message
    assert error["code"] == code and len(error["message"]) > 20
    assert values.items() <= error["values"].items()
    assert "Traceback" not in "".join(capfd.readouterr())


def test_no_call_goes_past_the_queue(url):
    asked = {"data": [None, None, "I love it.", "lmf", ["text"]]}
    assert httpx.post(f"{url}gradio_api/run/analyze", json=asked).status_code == 404


def test_past_the_limit_of_the_queue_one_is_told_to_come_back(url, analyst, client, monkeypatch):
    running, go_on, analyze = threading.Semaphore(0), threading.Event(), analyst.analyze

    def slowly(**question):
        running.release()
        go_on.wait(60)
        return analyze(**question)

    monkeypatch.setattr(analyst, "analyze", slowly)
    visitor = Visitor(url)
    visitor.set("words", "I love it.")
    visitor.set("input-tab", "text")
    clients = [Client(url, verbose=False) for _ in range(AT_ONCE + WAITING)]
    with ThreadPoolExecutor(len(clients)) as pool:
        asked = [pool.submit(c.predict, text="I love it.", api_name="/analyze") for c in clients]
        try:
            for _ in range(AT_ONCE):
                assert running.acquire(timeout=60)
            while httpx.get(f"{url}gradio_api/queue/status").json()["queue_size"] < WAITING:
                time.sleep(0.05)
            with pytest.raises(QueueError, match="full"):
                client.predict(text="I love it.", api_name="/analyze")
            visitor.fire("analyse", "click")
            assert "Many people are asking" in visitor.value("sentiment")
        finally:
            go_on.set()
        assert all(isinstance(answer.result()["score"], float) for answer in asked)
    visitor.fire("analyse", "click")
    assert visitor.score() > 0
