"""The tools for models, asked by the protocol's reference client."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from anyio import CapacityLimiter
from mcp import Client
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.mcp_server import create, mounted
from app.rest.admission import Places
from app.service.analyst import Analyst
from app.service.query import Query
from models.registry import FUSION_MODELS
from tests.asynchronous import finished

SAID = "i really liked it"


def call(analyst, tool: str, **arguments):
    """What a tool gives to the reference client."""

    async def asked():
        async with Client(create(analyst, CapacityLimiter(2))) as client:
            return await client.call_tool(tool, arguments)

    return finished(asked())


def as_data(path: Path, kind: str = "video/mp4") -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def test_every_tool_has_a_description_and_a_schema_of_what_goes_in_and_out(analyst):
    async def listed():
        async with Client(create(analyst, CapacityLimiter(1))) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in finished(listed())}
    listening = {"analyze_clip", "analyze_recording", "transcribe"}
    assert listening | {"analyze_words", "compare_methods", "list_methods"} == tools.keys()
    for tool in tools.values():
        assert tool.description and tool.output_schema
        assert all("description" in about for about in tool.input_schema["properties"].values())


@pytest.mark.parametrize("given", [str, as_data])
def test_a_clip_has_the_score_that_it_has_in_python(analyst, write_clip, given):
    clip = write_clip()
    wanted = analyst.analyze(Query(clip, None, SAID, "mla"))
    found = call(analyst, "analyze_clip", clip=given(clip), method="mla", text=SAID)
    assert not found.is_error, found.content
    assert found.structured_content["score"] == pytest.approx(wanted.score, abs=1e-4)


def test_words_have_the_score_that_they_have_in_python(analyst):
    found = call(analyst, "analyze_words", text=SAID, method="tfn")
    assert found.structured_content["score"] == pytest.approx(
        analyst.analyze(Query(text=SAID, method="tfn")).score, abs=1e-4
    )


def test_every_method_is_compared(analyst, write_clip):
    found = call(analyst, "compare_methods", clip=str(write_clip()), text=SAID, modalities=["text", "audio"])
    scores = {each["method"]: each["score"] for each in found.structured_content["result"]}
    assert scores.keys() == FUSION_MODELS.keys()


def test_methods_are_listed_and_words_heard(analyst, write_clip):
    listed = call(analyst, "list_methods").structured_content["result"]
    assert [each["name"] for each in listed] == list(FUSION_MODELS)
    heard = call(analyst, "transcribe", clip=str(write_clip()))
    assert "text" in heard.structured_content["transcript"]


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("analyze_words", {"text": SAID, "method": "nope"}, "unknown_method"),
        ("analyze_words", {"text": " "}, "nothing_given"),
        ("analyze_clip", {"clip": "/no/such.mp4"}, "missing"),
        ("analyze_clip", {"clip": "data:video/mp4;base64,***"}, "not base64"),
        ("analyze_clip", {"clip": "data:video/mp4;base64,AAAA"}, "not_media"),
        ("analyze_clip", {"clip": "x.mp4", "modalities": ["smell"]}, "modalities"),
        ("compare_methods", {}, "nothing_given"),
    ],
)
def test_an_error_says_what_was_wrong(analyst, tool, arguments, told):
    found = call(analyst, tool, **arguments)
    assert found.is_error
    assert told in found.content[0].text and "Traceback" not in found.content[0].text


@pytest.fixture
def posted(analyst):
    """posted(headers) -> the answer over HTTP to a call that gives a path; and the places of the server."""
    places = Places(4, 1)
    routes, lifespan = mounted(analyst, places)
    call = {"name": "transcribe", "arguments": {"clip": "/no/such.mp4"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    accepted = {"accept": "application/json, text/event-stream"}
    with TestClient(Starlette(routes=routes, lifespan=lifespan), base_url="http://127.0.0.1:7860") as client:
        yield lambda headers: client.post("/mcp", json=body, headers={**accepted, **headers}), places


def test_paths_are_opened_for_callers_on_the_same_machine_alone(posted):
    ask, _ = posted
    assert "there is no file" in ask({}).text
    assert "opens no paths" in ask({"x-forwarded-for": "203.0.113.7"}).text


def test_tools_wait_in_the_same_queue_as_rest(posted):
    ask, places = posted
    with places.place("testclient"):
        assert (ask({}).status_code, ask({}).json()["code"]) == (429, "too_many_requests")
    assert ask({}).status_code == 200


def test_a_server_on_the_network_opens_no_paths(analyst):
    settings = replace(analyst.settings, host="0.0.0.0")
    found = call(Analyst(settings, analyst.profile), "transcribe", clip="/etc/hostname")
    assert found.is_error and "data:video" in found.content[0].text
