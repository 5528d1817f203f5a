"""2,000 hostile files: each ends in an analysis or a clear sentence, and nobody but its sender notices.

`python -m tests.hostile_media --count 10000` tries more.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from av.error import FFmpegError

from models.media.clip import Clip
from tests.hostile_media.bases import base
from tests.hostile_media.mutations import KINDS, Hostile, World, hostile
from tests.hostile_media.playlists import PLAYLISTS
from tests.hostile_media.trial import (
    AT_ONCE,
    Outcome,
    Trials,
    Watch,
    called,
    holds_secret,
    trials,
    write_canary,
)
from tests.hostile_media.whole import through_all
from tests.serving import serving

COUNT = 2000
WHOLE = 20  # of those that are analysed, through a server with all its weights
CARELESS = {  # options of FFmpeg, of whoever wants to open all that a list names
    "m3u8": {"protocol_whitelist": "file,crypto,data", "allowed_extensions": "ALL", "extension_picky": "0"},
    "ffconcat": {"protocol_whitelist": "file,http,tcp", "safe": "0"},
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Trials]:
    folder = tmp_path_factory.mktemp("hostile")
    with trials(folder) as running:
        yield running
    assert not running.watch.touched


@pytest.fixture(scope="module")
def outcomes(service) -> list[Outcome]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(service.run, range(COUNT)))


def test_each_ends_in_an_analysis_or_a_clear_sentence(outcomes, service):
    assert not [outcome for outcome in outcomes if outcome.fault]
    assert not service.watch.blunders  # exceptions of our own code in the child


def test_nothing_is_read_and_nobody_called(outcomes, service):
    assert not service.watch.touched


def test_they_are_what_they_should_be(outcomes):
    """Mutations that are all refused at the door would try nothing."""
    ended = {kind: {outcome.ended for outcome in outcomes if outcome.kind == kind} for kind in KINDS}
    assert ended["honest"] == {"analysis"} and ended["playlists"] <= {"not_media", "analysis", "damaged"}
    for kind in ("bits flipped", "cut", "spliced", "boxes rearranged", "numbers changed", "stamps jumping"):
        assert "analysis" in ended[kind] and len(ended[kind]) > 1
    assert "frame_too_large" in ended["really large"]


def test_the_service_lives_and_answers_as_before(outcomes, service):
    answers = [
        service.post(Hostile("honest", "clip.mp4", base("mp4"))).json() | {"timings_ms": 0} for _ in range(2)
    ]
    assert answers[0] == answers[1] and -3 <= answers[0]["score"] <= 3


def test_some_go_through_a_server_with_all_its_weights(outcomes, service, tmp_path, example_clip):
    analysed = [outcome.seed for outcome in outcomes if outcome.ended == "analysis"]
    with serving(tmp_path) as served:
        ended = through_all(served.url, analysed[:: len(analysed) // WHOLE], service.world, tmp_path)
        assert served.process.poll() is None
        assert "Traceback" not in served.log.read_text()
    assert not [outcome for outcome in ended if outcome.fault]
    assert {outcome.ended for outcome in ended} >= {"analysis"}


def test_a_seed_repeats_its_file(tmp_path):
    world = World(tmp_path / "canary.wav", "127.0.0.1:9")
    assert all(hostile(seed, world) == hostile(seed, world) for seed in range(100))
    assert {hostile(seed, world).kind for seed in range(300)} == set(KINDS)


@pytest.mark.parametrize("kind", CARELESS)
def test_a_decoder_without_the_lists_would_read_the_canary(tmp_path, kind):
    """What the tests above look for is there to be seen."""
    canary, path = write_canary(tmp_path), tmp_path / f"list.{kind}"
    path.write_text(PLAYLISTS[kind].format(to=canary, host="", port=""))
    with av.open(str(path), options=CARELESS[kind]) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert holds_secret(Clip(None, None, sound.astype(np.float32) / 32768, 1.0))
    assert canary.stat().st_atime > 0


def test_a_decoder_without_the_lists_would_call(tmp_path):
    watch = Watch()
    with called(watch) as address:
        path = tmp_path / "list.ffconcat"
        path.write_text(PLAYLISTS["ffconcat"].format(to=f"http://{address}/a"))
        with pytest.raises(FFmpegError):
            av.open(str(path), options=CARELESS["ffconcat"])
        deadline = time.monotonic() + 5
        while not watch.touched and time.monotonic() < deadline:
            time.sleep(0.01)
    assert watch.touched


def test_a_datagram_is_noted():
    watch = Watch()
    with called(watch) as address, socket.socket(type=socket.SOCK_DGRAM) as sender:
        host, port = address.split(":")
        sender.sendto(b"hello", (host, int(port)))
        time.sleep(0.3)
    assert watch.touched
