"""Hostile files on their way through the service: what became of each, and what nobody may notice of it.

REST takes the upload and a real child decodes it; the extractors are tiny, so that thousands can be tried.
"""

from __future__ import annotations

import io
import logging
import os
import re
import select
import socket
import tempfile
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from httpx import Response
from starlette.testclient import TestClient

from app.media import guard
from app.media.guard import DecodeLimits, decode_guarded
from app.rest import schema
from app.rest.admission import Places
from app.rest.service import create
from app.service import reader
from app.service.analyst import Analyst
from app.settings import Settings
from app.ui.phrases.chinese import ERRORS_CHINESE
from models.media.clip import Clip
from tests.app.conftest import TinyProfile, untrained
from tests.hostile_media.mutations import Hostile, World, hostile

AT_ONCE = 2
DECODE_SECONDS = 30.0  # the limit of one file
SLACK = 30.0  # s beyond it, for all the rest on a busy machine
SECRET = b"of another visitor, never to be seen. "  # an even number of bytes: 16-bit samples
UNCLEAR = re.compile(r"Traceback|Errno|Exception|/tmp|\bav\b|0x[0-9a-f]+|None")
LONGEST = 400  # characters of an error


@dataclass(frozen=True)
class Outcome:
    """What became of one file: "analysis", or the code of an error; `fault` where that is no way to end."""

    seed: int
    kind: str
    ended: str
    seconds: float
    fault: str = ""


@dataclass
class Watch:
    """What is seen beside the answers."""

    touched: list[str] = field(default_factory=list)  # that the canary was read, or somebody called
    blunders: list[str] = field(default_factory=list)  # exceptions of our own code in a decoding child


class Trials:
    """Tries files, from any thread, each by the seed that makes it."""

    def __init__(self, rest: TestClient, world: World, watch: Watch):
        self._rest, self.world, self.watch = rest, world, watch

    def run(self, seed: int) -> Outcome:
        """Uploads the seed's file and judges what comes back."""
        given = hostile(seed, self.world)
        start = time.monotonic()
        response = self.post(given)
        return judged(seed, given.kind, response, time.monotonic() - start)

    def post(self, given: Hostile) -> Response:
        """The answer to a file."""
        form = {"clip": (given.name, io.BytesIO(given.content), "video/mp4")}
        return self._rest.post("/analyze", files=form, data={"text": "i like it"})


def judged(seed: int, kind: str, response: Response, seconds: float) -> Outcome:
    """An outcome, with what is wrong about the answer."""
    fault = ""
    if SECRET in response.content:
        fault = "the canary stands in the answer"
    if seconds > DECODE_SECONDS + SLACK:
        fault = f"took {seconds:.0f} s"
    if response.status_code == 200:
        schema.Analysis.model_validate(response.json())
        return Outcome(seed, kind, "analysis", seconds, fault)
    error = schema.Error.model_validate(response.json())
    if response.status_code >= 500 or error.code not in ERRORS_CHINESE:
        fault = f"{response.status_code} {error.code}: {error.message}"
    elif UNCLEAR.search(error.message) or not 20 < len(error.message) < LONGEST or error.message[-1] != ".":
        fault = f"no clear sentence: {error.message}"
    return Outcome(seed, kind, error.code, seconds, fault)


@contextmanager
def trials(folder: Path) -> Iterator[Trials]:
    """A service of its own in `folder`, with a canary where uploads lie, and an address that listens."""
    watch, uploads = Watch(), folder / "uploads"
    uploads.mkdir()
    canary = write_canary(uploads)
    settings = Settings(
        device="cpu", checkpoints=untrained(folder / "checkpoints"), decode_seconds=DECODE_SECONDS
    )
    service = create(Analyst(settings, TinyProfile()), Places(100, AT_ONCE))
    with called(watch) as address, decoding_watched(watch), uploads_in(uploads):
        yield Trials(TestClient(service, raise_server_exceptions=False), World(canary, address), watch)
    if canary.stat().st_atime:
        watch.touched.append("the canary was read")
    watch.touched += [f"left behind: {path.name}" for path in uploads.iterdir() if path != canary]


def write_canary(folder: Path) -> Path:
    """A sound whose samples are SECRET, again and again; accessed in 1970, until somebody reads it."""
    path = folder / "canary.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(SECRET * 500)
    os.utime(path, (0, time.time()))
    return path


def holds_secret(clip: Clip) -> bool:
    """Whether the canary can be heard in a clip."""
    return clip.audio is not None and SECRET in np.round(clip.audio * 32768).astype(np.int16).tobytes()


@contextmanager
def called(watch: Watch) -> Iterator[str]:
    """The host:port of a TCP and a UDP socket; whoever calls them is noted."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        host, port = tcp.getsockname()
        udp.bind((host, port))
        ended, listener = threading.Event(), threading.Thread(target=lambda: listen())

        def listen() -> None:
            while not ended.is_set():
                for ready in select.select([tcp, udp], [], [], 0.1)[0]:
                    if ready is tcp:
                        tcp.accept()[0].close()
                    else:
                        udp.recv(2000)
                    watch.touched.append("somebody was called")

        listener.start()
        try:
            yield f"{host}:{port}"
        finally:
            ended.set()
            listener.join()


@contextmanager
def decoding_watched(watch: Watch) -> Iterator[None]:
    """Looks for the canary in every decoded clip, and notes exceptions of our own code in a child."""

    class Blunders(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            watch.blunders.append(record.getMessage())

    def decoded(path: Path, limits: DecodeLimits, **options: Any) -> Clip:
        clip = decode_guarded(path, limits, **options)
        if holds_secret(clip):
            watch.touched.append(f"the canary was decoded from {path.name}")
        return clip

    log, noting = logging.getLogger(guard.__name__), Blunders(logging.ERROR)
    log.addHandler(noting)
    reader.decode_guarded = decoded
    try:
        yield
    finally:
        reader.decode_guarded = decode_guarded
        log.removeHandler(noting)


@contextmanager
def uploads_in(folder: Path) -> Iterator[None]:
    """Temporary files lie in a folder of the test's."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
