"""Many callers at once, at every door of a server, each with a mixture of requests of its own.

A page's visitor speaks to the server as a browser does, from what the page's configuration says of its
events; what only a browser can show is tested in one.
"""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Protocol

import httpx
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError

SCORE = re.compile(r'class="fb-score">([^<]*)<')
METHODS = ("lmf", "mla", "tfn", "mfm", "concat")
SUBSETS = (("text", "audio", "vision"), ("text",), ("audio", "vision"), ("text", "vision"))
SENTENCES = ("I love it.", "A waste of time.", "So they say.", "Not bad, but far too long for me. " * 4)
TABS = ("imagined", "why", "timeline", "compare", "take_away")
PATIENCE = 900  # s
AWAY = (429, 503)  # statuses of a full queue
OFFERED = {"FUSEBOX_MCP": "1"}  # what a server's environment must say for all doors to be open


@dataclass(frozen=True)
class Question:
    """What decides a score: the clip that was asked about, or the words without one."""

    clip: Path | None
    text: str | None
    method: str = "lmf"
    modalities: tuple[str, ...] = SUBSETS[0]


@dataclass
class Outcome:
    """Scores as they came, each with its precision, and what failed."""

    scores: list[tuple[Question, float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    requests: int = 0
    turned_away: int = 0  # by a full queue, and come again


def as_new(clip: Path, folder: Path) -> Path:
    """The same film in other bytes: nobody has asked about this file before."""
    ignored = uuid.uuid4().bytes  # a box that every reader of mp4 leaves out
    copy = folder / f"{uuid.uuid4().hex}.mp4"
    copy.write_bytes(clip.read_bytes() + (8 + len(ignored)).to_bytes(4, "big") + b"free" + ignored)
    return copy


def patient_client(url: str) -> Client:
    """Gradio's own client, which by itself gives up after five seconds."""
    return Client(url, verbose=False, httpx_kwargs={"timeout": PATIENCE})


class Door(Protocol):
    """A way to ask about one clip, or about words."""

    def score(self, question: Question, file: Path | None) -> float:
        """The score of `file`, which holds the question's clip."""
        ...


class Caller:
    """Asks the page's `/analyze` as a program does."""

    def __init__(self, url: str, outcome: Outcome | None = None):
        # by itself it waits for 5 s, which an upload beside 63 others may take
        self._client = patient_client(url)

    def score(self, question: Question, file: Path | None) -> float:
        given = {"clip": handle_file(file)} if file else {}
        if question.text is not None:
            given["text"] = question.text
        return self._client.predict(
            **given, method=question.method, modalities=list(question.modalities), api_name="/analyze"
        )["score"]


class RestCaller:
    """Asks `/v1/analyze`."""

    def __init__(self, url: str, outcome: Outcome | None = None):
        self._url, self._outcome = url, outcome or Outcome()

    def score(self, question: Question, file: Path | None) -> float:
        asked = {"method": question.method, "modalities": ",".join(question.modalities)}
        if question.text is not None:
            asked["text"] = question.text
        if file is None:
            return self._post(json={**asked, "modalities": list(question.modalities)})["score"]
        return self._post(files={"clip": (file.name, file.read_bytes())}, data=asked)["score"]

    def _post(self, path: str = "v1/analyze", **sent: object) -> dict:
        """The answer; asked again, as a full queue tells one to."""
        while (response := httpx.post(f"{self._url}{path}", timeout=PATIENCE, **sent)).status_code in AWAY:
            self._outcome.turned_away += 1
            time.sleep(float(response.headers["retry-after"]))
        return response.raise_for_status().json()


class ToolCaller(RestCaller):
    """Calls the tools at `/mcp`."""

    def score(self, question: Question, file: Path | None) -> float:
        tool, asked = "analyze_words", {"method": question.method}
        if question.text is not None:
            asked["text"] = question.text
        if file is not None:
            tool, asked = "analyze_clip", {**asked, "clip": str(file), "modalities": question.modalities}
        call = {"name": tool, "arguments": asked}
        told = self._post(
            "mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
            headers={"accept": "application/json, text/event-stream"},
        )["result"]
        if told.get("isError"):
            raise RuntimeError(told["content"])
        return told["structuredContent"]["score"]


class Visitor:
    """Acts on the page: sets components, fires their events, and reads what is painted."""

    def __init__(self, url: str):
        self._http = httpx.Client(base_url=url, timeout=PATIENCE)
        config = self._http.get("/config").raise_for_status().json()
        self._events = [event for event in config["dependencies"] if event["backend_fn"]]
        self._ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        self._values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self._session = uuid.uuid4().hex
        self._there = ExitStack()
        self._come()

    def _come(self) -> None:
        self._there.enter_context(self._http.stream("GET", f"/gradio_api/heartbeat/{self._session}"))

    def leave(self) -> None:
        """Closes the page."""
        self._there.close()

    @contextmanager
    def away(self) -> Iterator[None]:
        """The page's connection is lost for as long as the block lasts."""
        self.leave()
        yield
        self._come()

    def set(self, name: str, value: object) -> None:
        """What the visitor types, chooses or uploads."""
        self._values[self._ids[name]] = value

    def value(self, name: str) -> object:
        """What a component shows."""
        return self._values[self._ids[name]]

    def upload(self, file: Path) -> dict:
        """The server's own name of a file given to it."""
        with file.open("rb") as stream:
            answer = self._http.post("/gradio_api/upload", files={"files": stream}).raise_for_status()
        return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}

    def fire(self, name: str, event: str) -> None:
        """An event of a component, and all that follows from it; QueueError where the queue takes no more."""
        self._run([e for e in self._events if [self._ids[name], event] in e["targets"]])

    def score(self) -> float:
        """The score that the page shows, with one decimal."""
        return float(SCORE.search(self.value("sentiment"))[1].replace("−", "-"))

    def _run(self, events: list[dict]) -> None:
        for event in events:
            changed = self._painted(event, self._answer(event))
            follows = [e for e in self._events if e["trigger_after"] == event["id"]]
            self._run([e for e in follows if [None, "failure"] not in e["targets"]])
            self._run([e for e in self._events if any([c, "change"] in e["targets"] for c in changed)])

    def _answer(self, event: dict) -> list:
        question = {
            "data": [self._values[i] for i in event["inputs"]],
            "fn_index": event["id"],
            "session_hash": self._session,
        }
        if not event["queue"]:
            return self._http.post("/gradio_api/run/predict", json=question).raise_for_status().json()["data"]
        answer = self._http.post("/gradio_api/queue/join", json=question)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise QueueError(answer.json()["detail"])
        joined = answer.raise_for_status().json()
        parameters = {"session_hash": self._session}
        with self._http.stream("GET", "/gradio_api/queue/data", params=parameters) as messages:
            for line in messages.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line else {}
                if message.get("msg") == "process_completed" and message["event_id"] == joined["event_id"]:
                    if not message["success"]:
                        raise RuntimeError(message["output"]["error"])
                    return message["output"]["data"]
        raise RuntimeError("the server ended the conversation")

    def _painted(self, event: dict, values: list) -> list[int]:
        """Components whose value changed."""
        before = dict(self._values)
        for part, value in zip(event["outputs"], values, strict=True):
            if not isinstance(value, dict) or value.get("__type__") != "update":
                self._values[part] = value
            elif "value" in value:
                self._values[part] = value["value"]
        return [part for part in event["outputs"] if self._values[part] != before[part]]


DOORS = (Caller, RestCaller, ToolCaller)


def crowd(
    url: str, clips: list[Path], callers: int, requests: int, folder: Path, minutes: float = inf
) -> Outcome:
    """So many callers at once, as many at each of DOORS as on the page; `folder` takes the clips made new.

    requests : of each caller; minutes : after which none of them asks again
    """
    outcome, end = Outcome(), time.monotonic() + 60 * minutes

    def turns() -> Iterator[None]:
        for _ in range(requests):
            if time.monotonic() > end:
                return
            yield

    def come(number: int) -> None:
        door = (None, *DOORS)[number % (1 + len(DOORS))]
        draw = random.Random(number)
        try:
            if door is None:
                _visit(url, clips, turns(), folder, draw, outcome)
            else:
                _call(door(url, outcome), clips, turns(), folder, draw, outcome)
        except Exception as error:
            who = door.__name__ if door else "Visitor"
            outcome.failures.append(f"{who} {number}: {type(error).__name__}: {error}")

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(come, range(callers)))
    return outcome


def _call(
    door: Door, clips: list[Path], turns: Iterator[None], folder: Path, draw: random.Random, out: Outcome
) -> None:
    for _ in turns:
        clip = draw.choice([None, *clips])
        method, modalities = draw.choice(METHODS), draw.choice(SUBSETS)
        question = Question(clip, None, method, modalities)
        if clip is None:
            question = Question(None, draw.choice(SENTENCES), method)
        file = as_new(clip, folder) if clip and draw.random() < 0.3 else clip
        out.scores.append((question, door.score(question, file), 1e-3))
        out.requests += 1


def _visit(
    url: str, clips: list[Path], turns: Iterator[None], folder: Path, draw: random.Random, out: Outcome
) -> None:
    visitor = Visitor(url)
    clip, method, on = None, "lmf", SUBSETS[0]
    for _ in turns:
        action = "clip" if clip is None else draw.choice(["clip", "switch", "method", "tab", "words"])
        if action == "clip":
            clip, on = draw.choice(clips), SUBSETS[0]
            visitor.set("clip", visitor.upload(as_new(clip, folder) if draw.random() < 0.3 else clip))
            visitor.set("words", "")
            visitor.fire("clip", "upload")
            visitor.fire("analyse", "click")
        elif action == "switch":
            on = draw.choice(SUBSETS)
            for modality in SUBSETS[0]:
                visitor.set(f"switch-{modality}", modality in on)
            visitor.fire("switch-text", "input")
        elif action == "method":
            method = draw.choice(METHODS)
            visitor.set("method", method)
            visitor.fire("method", "input")
        elif action == "tab":
            tab = draw.choice(TABS)
            visitor.fire(f"depth-{tab}", "select")
        else:
            text = draw.choice(SENTENCES)
            visitor.set("words", text)
            visitor.fire("analyse", "click")
            out.scores.append((Question(clip, text.strip(), method, on), visitor.score(), 0.051))
            visitor.set("words", "")
            visitor.fire("analyse", "click")
        out.scores.append((Question(clip, None, method, on), visitor.score(), 0.051))
        out.requests += 1
    visitor.leave()


def differing(outcome: Outcome, url: str) -> list[str]:
    """Scores that are not those which the same question gets alone, from a server that nobody else asks."""
    caller, alone, wrong = Caller(url), {}, []
    for question, score, precision in outcome.scores:
        if question not in alone:
            alone[question] = caller.score(question, question.clip)
        if abs(score - alone[question]) > precision:
            wrong.append(f"{score:+.4f} instead of {alone[question]:+.4f}: {question}")
    return wrong
