"""What a visitor in front of camera and microphone is told, without a browser."""

from __future__ import annotations

import json
from types import SimpleNamespace

import gradio as gr
import pytest

from app.service.live import reading as live_reading
from app.ui import words
from app.ui.events.live import LiveEvents
from app.ui.tabs import live

BOTH = json.dumps({"camera": True, "microphone": True, "error": ""})
SILENCE = json.dumps({"at": 1.0, "start": 0.0, "rate": 16000, "sound": "", "frames": []})


@pytest.fixture
def events(analyst) -> LiveEvents:
    with gr.Blocks():
        tab = live.build()
    tabs, controller = SimpleNamespace(live=tab), SimpleNamespace(analyst=analyst)
    return LiveEvents(SimpleNamespace(tabs=tabs, controller=controller))  # pyright: ignore[reportArgumentType]


def of(session: str) -> SimpleNamespace:
    return SimpleNamespace(session_hash=session)


def tick(events: LiveEvents, session: str, sent: str = SILENCE, **off: bool) -> dict:
    on = {"text": True, "audio": True, "vision": True, **off}
    return events.tick(sent, "lmf", words.ENGLISH, **on, request=of(session))


def told(events: LiveEvents, painted: dict) -> tuple[str, str]:
    """The overview, and whether more is wanted."""
    return painted[events.tab.overview], painted[events.tab.going]


def test_only_some_are_live_at_once_and_each_stops_alone(events):
    begun = [told(events, events.begin(BOTH, words.ENGLISH, of(session))) for session in "abc"]
    assert [going for _, going in begun] == ["on", "on", "off"]
    assert "As many visitors are live" in begun[2][0]
    assert "Nobody is heard or seen yet" in told(events, tick(events, "a"))[0]
    off = {"text": False, "audio": False, "vision": False}
    assert "All three switches are off" in told(events, tick(events, "b", **off))[0]
    overview, going = told(events, events.stop(words.ENGLISH, of("a")))
    assert "Stopped." in overview and going == "off"
    assert told(events, tick(events, "a"))[1] == "off" and told(events, tick(events, "b"))[1] == "on"
    assert "已停止" in events.translate(words.CHINESE, of("a"))
    events.forget("b")
    assert told(events, events.begin(BOTH, words.ENGLISH, of("c")))[1] == "on"


def test_it_stops_by_itself(events, monkeypatch):
    events.begin(BOTH, words.ENGLISH, of("a"))
    assert told(events, tick(events, "a"))[1] == "on"
    monkeypatch.setattr(live_reading, "LIMIT", 0)
    overview, going = told(events, tick(events, "a"))
    assert "after five minutes" in overview and going == "off"
    assert events.visitors.reading("a") is None


def test_what_is_no_block_is_said_in_the_visitors_language(events):
    events.begin(BOTH, words.CHINESE, of("a"))
    with pytest.raises(gr.Error, match="重新加载页面"):
        events.tick("?", "lmf", words.CHINESE, True, True, True, request=of("a"))


@pytest.mark.parametrize(
    ("error", "said"),
    [("NotAllowedError", "does not allow"), ("insecure", "https://"), ("Strange", "could not be started")],
)
def test_without_camera_and_microphone_it_says_what_to_do(events, error, said):
    nothing = json.dumps({"camera": False, "microphone": False, "error": error})
    overview, going = told(events, events.begin(nothing, words.ENGLISH, of("a")))
    assert said in overview and going == "off"
