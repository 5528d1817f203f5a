"""What an operator sees: whether it is ready, how calls end, and logs without words."""

from __future__ import annotations

import io
import json
import logging
import sys
from dataclasses import replace

import gradio as gr
import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import doctor
from app.logs import set_up
from app.rest.admission import Places
from app.rest.service import routes
from app.service.analyst import Analyst
from app.service.cache import Cancelled
from app.service.query import AnalysisError, Query
from app.settings import Settings
from app.ui.controller import in_plain_words

SAID = "an unmistakable sentence"
NAME = "/uploads/a-name-that-tells.mp4"


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def cancel(stage: str) -> None:
    raise Cancelled


def test_ready_is_said_once_a_real_answer_was_given(profile, analyst):
    fresh = Analyst(analyst.settings, profile)
    client = TestClient(Starlette(routes=routes(fresh, Places(10, 1))))
    before = client.get("/healthz")
    assert (before.status_code, before.json()) == (503, {"status": "starting"})
    answered = count("fusebox_calls_total", call="analyze", outcome="ok")
    fresh.prepare()
    after = client.get("/healthz")
    assert (after.status_code, after.json()) == (200, {"status": "ready"})
    assert count("fusebox_calls_total", call="analyze", outcome="ok") == answered + 1


def test_calls_are_counted_by_how_they_ended_and_stages_timed(analyst):
    outcomes = ("ok", "nothing_given", "cancelled")
    before = [count("fusebox_calls_total", call="analyze", outcome=outcome) for outcome in outcomes]
    fused = count("fusebox_stage_seconds_count", stage="fusion")
    analyst.analyze(Query(text=SAID))
    with pytest.raises(AnalysisError):
        analyst.analyze(Query(text=" "))
    with pytest.raises(Cancelled):
        analyst.analyze(Query(text=SAID + " more"), progress=cancel)
    after = [count("fusebox_calls_total", call="analyze", outcome=outcome) for outcome in outcomes]
    assert after == [number + 1 for number in before]
    assert count("fusebox_stage_seconds_count", stage="fusion") == fused + 1
    assert count("fusebox_calls_running", call="analyze") == 0
    page = TestClient(Starlette(routes=routes(analyst, Places(10, 1)))).get("/metrics").text
    assert 'fusebox_calls_total{call="analyze",outcome="nothing_given"}' in page and SAID not in page


def test_the_self_test_reads_two_clips_and_tells_them_apart(monkeypatch):
    found = next(doctor.answers(Settings(device="cpu")))
    assert found.ok and found.subject == "LMF" and found.state.startswith("delighted +")
    swapped = {"delight.mp4": "letdown.mp4", "letdown.mp4": "delight.mp4"}
    analyze = Analyst.analyze

    def misread(analyst, query, **how):
        return analyze(analyst, replace(query, video=query.video.with_name(swapped[query.video.name])), **how)

    monkeypatch.setattr(Analyst, "analyze", misread)
    assert not next(doctor.answers(Settings(device="cpu"))).ok


@pytest.fixture
def written(monkeypatch):
    """What is logged from now on, and nothing is set up for that; afterwards all is as it was."""
    root, own, factory = logging.getLogger(), logging.getLogger("app"), logging.getLogRecordFactory()
    kept, text = (root.handlers[:], own.level), io.StringIO()
    root.handlers.clear()
    monkeypatch.setattr(sys, "stderr", text)
    yield text
    root.handlers[:] = kept[0]
    own.setLevel(kept[1])
    logging.setLogRecordFactory(factory)


@pytest.fixture
def json_log(written):
    """json_log() -> the objects logged since FUSEBOX_LOG=json."""
    set_up("json")
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_logs_are_objects_without_words_names_and_addresses(analyst, json_log):
    analyst.analyze(Query(text=SAID))
    client = TestClient(Starlette(routes=routes(analyst, Places(10, 1))), client=("203.0.113.9", 1))
    client.post("/v1/analyze", files={"clip": ("secret-name.mp4", b"no clip")})
    lines = json_log()
    calls = [(line["call"], line["outcome"]) for line in lines if line["message"] == "call"]
    assert calls == [("analyze", "ok"), ("analyze", "not_media")]
    assert all(line["level"] and line["timestamp"] for line in lines)
    told = json.dumps(lines)
    assert not any(secret in told for secret in (SAID, "secret-name", "203.0.113.9"))


def fail(*arguments, **values):
    try:
        raise OSError(f"cannot open {NAME} of {SAID}")
    except OSError as error:
        raise ZeroDivisionError(SAID) from error


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_fault_is_logged_with_its_way_and_kind_and_without_its_message(
    form, analyst, written, monkeypatch, caplog
):
    set_up(form)
    monkeypatch.setattr(analyst, "analyze", fail)
    client = TestClient(Starlette(routes=routes(analyst, Places(10, 1))), raise_server_exceptions=False)
    assert client.post("/v1/analyze", json={"text": SAID}).status_code == 500
    with pytest.raises(gr.Error), in_plain_words("en"):
        fail()
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=ValueError(SAID))
    told = written.getvalue() + caplog.text  # pytest has taken over the handlers
    assert "builtins.ZeroDivisionError" in told and "builtins.OSError" in told and "in fail" in told
    assert "builtins.ValueError" in told
    assert SAID not in told and NAME not in told
