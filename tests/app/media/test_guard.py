"""Guarded decoding: children that really crash, hang and hoard, and a parent that goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import perf_counter, sleep

import av
import numpy as np
import pytest

from app.media import guard
from app.media.guard import DecodeLimits, decode_guarded
from models.media.clip import MediaError
from models.media.decode import decode
from tests.processes import lineage

CLIPS = Path(__file__).resolve().parents[4] / "shared" / "data" / "clips" / "video"

HOSTILE = """
import ctypes, os, signal, sys, time
import numpy as np
from models.media.clip import Clip, MediaError

def crash(path, max_seconds, max_frames):
    ctypes.string_at(0)

def abort(path, max_seconds, max_frames):
    os.abort()

def leave(path, max_seconds, max_frames):
    os._exit(0)

def hang(path, max_seconds, max_frames):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)

def burn(path, max_seconds, max_frames):
    while True:
        pass

def hoard(path, max_seconds, max_frames):
    blocks = []
    while True:
        blocks.append(np.ones(2**26, np.uint8))

def shout(path, max_seconds, max_frames):
    for _ in range(200):
        sys.stdout.write("{]" * 2**19)
        sys.stderr.write("{]" * 2**19)
    return Clip(None, None, np.zeros(16000, np.float32), 1.0)

def flood(path, max_seconds, max_frames):
    return Clip(None, None, np.zeros(2**28, np.float32), 1.0)

def lie(path, max_seconds, max_frames):
    return Clip(None, None, np.array(["not", "sound"]), 1.0)

def not_a_number(path, max_seconds, max_frames):
    return Clip(None, None, np.full(16000, np.nan, np.float32), 1.0)

def blunder(path, max_seconds, max_frames):
    raise KeyError("secret detail")

def tell(path, max_seconds, max_frames):
    raise MediaError("told", ",".join(sorted(os.environ)) + f"|{'torch' in sys.modules}")
"""


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "upload.mp4"
    path.write_bytes(b"whatever")
    return path


@pytest.fixture
def hostile(tmp_path, monkeypatch) -> None:
    """Makes module `hostile` importable in the child."""
    (tmp_path / "hostile.py").write_text(HOSTILE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def children() -> set[int]:
    """Process numbers of this process's children, those that ended and were not waited for too."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if int(entry.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(entry.parent.name))
    return found


def started_for(folder: Path) -> list[str]:
    """Processes whose environment names a test's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in entry.read_bytes():
                found.append(entry.parent.name)
    return found


@pytest.fixture(
    autouse=True,
    params=[
        pytest.param(True, marks=pytest.mark.skipif(not guard.AVAILABLE, reason="this system cannot fork")),
        False,
    ],
    ids=["forked", "started"],
)
def way(request, monkeypatch):
    """Both ways of getting a child."""
    monkeypatch.setattr(guard, "AVAILABLE", request.param)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(way, tmp_path, monkeypatch):
    """After every test here: no temporary folder and no child process but the fork server's own."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = children()  # a page that other tests of this worker opened may be one
    yield
    guard.fork_server.close()
    deadline = perf_counter() + 20
    while (left := started_for(tmp_path)) and perf_counter() < deadline:
        sleep(0.01)
    assert not left
    assert list(scratch.iterdir()) == []
    assert children() <= before


@pytest.fixture
def clip_file(tmp_path) -> Path:
    """One second of picture."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        for n in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * n, np.uint8), "rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


PATIENT = DecodeLimits(decode_seconds=200)  # also on a machine that is busy with something else


def refusal(path: Path, target: str, limits: DecodeLimits | None = None) -> MediaError:
    with pytest.raises(MediaError) as refused:
        decode_guarded(path, limits or PATIENT, target=f"hostile:{target}")
    assert "Traceback" not in str(refused.value) and "secret" not in str(refused.value)
    return refused.value


def test_gives_what_decode_gives(clip_file):
    guarded, plain = decode_guarded(clip_file), decode(clip_file)
    np.testing.assert_array_equal(guarded.frames, plain.frames)
    np.testing.assert_array_equal(guarded.frame_times, plain.frame_times)
    assert guarded.audio is None
    assert (guarded.duration, guarded.truncated) == (plain.duration, plain.truncated)


def test_the_same_upload_may_come_again_meanwhile(clip_file, tmp_path):
    """Gradio moves it to the path of the first, which is another file from then on."""
    content, again, over = clip_file.read_bytes(), tmp_path / "again.mp4", threading.Event()

    def upload() -> None:
        while not over.is_set():
            again.write_bytes(content)
            again.replace(clip_file)

    with ThreadPoolExecutor(1) as uploading:
        uploading.submit(upload)
        try:
            for _ in range(5):
                assert decode_guarded(clip_file, PATIENT).frames is not None
        finally:
            over.set()


def test_limits_reach_the_decoder(clip_file):
    clip = decode_guarded(clip_file, DecodeLimits(max_seconds=0.5))
    assert clip.truncated and clip.duration == 0.5
    with pytest.raises(MediaError, match="more than 7 frames"):
        decode_guarded(clip_file, DecodeLimits(max_frames=7))


def test_a_refusal_keeps_its_words(file):
    with pytest.raises(MediaError, match=r"named \.mp4") as refused:
        decode_guarded(file)
    assert (refused.value.code, refused.value.values) == ("not_media", {"suffix": ".mp4"})


def test_a_missing_file(tmp_path):
    with pytest.raises(MediaError, match="no file"):
        decode_guarded(tmp_path / "absent.mp4")


def test_a_large_file_is_refused_unopened(file):
    file.write_bytes(bytes(2_500_000))
    error = refusal(file, "hang", DecodeLimits(max_mb=2))
    assert error.code == "too_large"
    assert "2.5 MB" in str(error) and "2 MB" in str(error)


@pytest.mark.parametrize("way", ["crash", "abort", "leave", "lie", "not_a_number", "blunder"])
def test_a_child_that_fails(hostile, file, way):
    assert refusal(file, way).code == "decoder_crashed"


def test_a_child_that_hangs_is_ended(hostile, file):
    start = perf_counter()
    error = refusal(file, "hang", DecodeLimits(decode_seconds=1.5))
    assert error.code == "too_slow" and "1.5 seconds" in str(error)
    assert perf_counter() - start < 20


def test_processor_time_is_limited(hostile, file, monkeypatch):
    monkeypatch.setattr(DecodeLimits, "cpu_seconds", 1)
    assert refusal(file, "burn", PATIENT).code == "too_slow"


def test_memory_is_limited(hostile, file):
    error = refusal(file, "hoard", replace(PATIENT, decode_memory_mb=1000))
    assert error.code == "too_much_memory" and "1000 MB" in str(error)


def test_output_on_the_console_is_ignored(hostile, file):
    assert len(decode_guarded(file, PATIENT, target="hostile:shout").audio) == 16_000


def test_a_giant_result_is_not_written(hostile, file):
    assert refusal(file, "flood", replace(PATIENT, max_seconds=10)).code == "decoder_crashed"


def test_the_child_knows_no_secrets_and_loads_no_torch(hostile, file, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    names, torch = str(refusal(file, "tell")).split("|")
    assert "HF_TOKEN" not in names.split(",")
    assert torch == "False"


@pytest.mark.skipif(not guard.AVAILABLE, reason="this system cannot fork")
def test_a_killed_fork_server_starts_again(clip_file, monkeypatch):
    monkeypatch.setattr(guard, "AVAILABLE", True)
    guard.prepare_decoding()
    [server] = (pid for pid in children() if b"fork_server" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(server, signal.SIGKILL)
    assert len(decode_guarded(clip_file).frames) == 5


@pytest.mark.skipif(not guard.AVAILABLE, reason="this system cannot fork")
def test_a_decoder_does_not_outlive_the_process_that_limits_its_time(hostile, file):
    if not guard.AVAILABLE:
        pytest.skip("this process itself limits the time")
    guard.prepare_decoding()
    [server] = (pid for pid in children() if b"fork_server" in Path(f"/proc/{pid}/cmdline").read_bytes())
    killed: set[int] = set()
    with ThreadPoolExecutor(1) as pool:
        refused = pool.submit(refusal, file, "hang")
        while not refused.done():  # the file is tried twice
            waiting = set(lineage(server, 1)) - killed
            if waiting and lineage(*waiting, 1):
                os.kill(*waiting, signal.SIGKILL)
                killed |= waiting
            sleep(0.01)
    assert refused.result().code == "too_much_memory" and len(killed) == 2


def test_several_clips_at_once(clip_file):
    clips = []
    threads = [threading.Thread(target=lambda: clips.append(decode_guarded(clip_file))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(clip.frames) for clip in clips] == [5] * 4


@pytest.mark.shared
@pytest.mark.skipif(not CLIPS.exists(), reason="the labelled clips are not in ../shared/data")
@pytest.mark.parametrize("name", ["03bSnISJMiM_1", "03bSnISJMiM_10", "03bSnISJMiM_11"])
def test_real_clips(name):
    clip = decode_guarded(CLIPS / f"{name}.mp4")
    assert len(clip.frames) == len(clip.frame_times) > 3
    assert len(clip.audio) > 16_000
