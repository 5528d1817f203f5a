"""Blocks that come late, twice or not at all, and where a window is cut."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.media.voice import WINDOW as STEP
from app.media.voice import voice_probabilities
from app.service.live.block import Block, read_block
from app.service.live.window import KEPT, LONGEST, Window, cut_of
from app.service.query import AnalysisError
from models.media.clip import SAMPLE_RATE
from models.media.decode import decode

EXAMPLES = Path(__file__).resolve().parents[4] / "assets" / "examples"
PICTURE = np.zeros((4, 4, 3), np.uint8)


def block(second: int, *times: float) -> Block:
    """A second of sound whose samples say which second it is."""
    sound = np.full(SAMPLE_RATE, second + 1, np.float32)
    return Block(second + 1.0, float(second), sound, tuple((time, PICTURE) for time in times))


def test_late_and_repeated_blocks_stand_where_they_belong():
    window = Window()
    for part in (block(0, 0.5), block(2, 2.5), block(2, 2.5), block(1, 1.5), block(0, 0.5)):
        window.put(part)
    assert window.sound.tolist() == np.repeat([1, 2, 3], SAMPLE_RATE).tolist()
    assert [frame.time for frame in window.frames] == [0.5, 1.5, 2.5]


def test_what_never_comes_is_silence_and_what_is_too_late_is_left_out():
    window = Window()
    window.put(block(0))
    window.put(block(2))
    assert window.sound[SAMPLE_RATE : 2 * SAMPLE_RATE].max() == 0
    window.forget_before(2.5)
    window.put(block(1, 1.5))
    window.put(Block(3.0, 2.0, np.full(SAMPLE_RATE, 9, np.float32), ((2.2, PICTURE), (2.8, PICTURE))))
    assert window.sound.tolist() == [9.0] * (SAMPLE_RATE // 2)
    assert [frame.time for frame in window.frames] == [2.8]


def test_a_jump_of_hours_takes_no_memory():
    window = Window()
    window.put(block(0))
    window.put(block(100_000))
    assert window.sound.tolist() == [100_001.0] * SAMPLE_RATE
    assert window.sound_end == 100_001


def test_a_long_window_is_cut_in_its_pause():
    said = [decode(EXAMPLES / f"{name}.mp4").audio for name in ("delight", "plain", "delight")]
    sound = np.concatenate([said[0], np.zeros(SAMPLE_RATE // 2, np.float32), *said[1:]])
    sound = sound[: round((LONGEST + 1) * SAMPLE_RATE)]
    cut, step = cut_of(sound), STEP / SAMPLE_RATE
    likely = voice_probabilities(sound)[int((cut - 0.1) / step) : int((cut + 0.1) / step) + 1]
    assert 1 <= cut <= len(sound) / SAMPLE_RATE - KEPT and max(likely) < 0.2
    assert cut_of(sound[: round(LONGEST * SAMPLE_RATE)]) == 0
    silence = np.zeros(round((LONGEST + 1) * SAMPLE_RATE), np.float32)
    assert len(silence) / SAMPLE_RATE - cut_of(silence) == pytest.approx(KEPT, abs=0.1)


def written(**changed) -> str:
    sound = (8000 * np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000)).astype("<i2")
    given = {"at": 1.0, "start": 0.0, "rate": 48_000, "sound": base64.b64encode(sound).decode()}
    return json.dumps({**given, "frames": [[0.5, jpeg(320, 240)]], **changed})


def jpeg(width: int, height: int, form: str = "JPEG") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, form)
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_block_of_another_rate_is_brought_to_16_khz():
    read = read_block(written())
    assert read.sound.shape == (SAMPLE_RATE,) and read.sound.dtype == np.float32
    loudest = np.abs(np.fft.rfft(read.sound)).argmax()
    assert loudest == 440 and read.frames[0][1].shape == (240, 320, 3)


def test_a_block_that_waited_gives_its_latest_seconds():
    sound = base64.b64encode(np.arange(12 * 8000).astype("<i2")).decode()
    read = read_block(written(rate=8000, sound=sound, start=3.0, frames=[]))
    assert read.start == 5.0 and len(read.sound) == 10 * SAMPLE_RATE


@pytest.mark.parametrize(
    "given",
    [
        "",
        "[]",
        written(rate=1),
        written(at=float("nan")),
        written(sound="AAA"),
        written(frames=[[0.5, jpeg(4000, 10)]]),
        written(frames=[[0.5, jpeg(32, 32, "PNG")]]),
        written(frames=[[0.5, jpeg(32, 32)[:40]]]),
        written(sound="A" * 7_000_000),
    ],
    ids=["nothing", "a list", "1 Hz", "no time", "half a sample", "wide", "a PNG", "cut off", "too long"],
)
def test_what_is_no_block_is_refused(given):
    with pytest.raises(AnalysisError, match="load the page again"):
        read_block(given)
