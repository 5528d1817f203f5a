"""An example clip as a camera and a microphone would send it: the score comes while it is spoken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from app.service.analyst import Analyst
from app.service.live import reading as live_reading
from app.service.live import visitors as live_visitors
from app.service.live.block import Block
from app.service.live.reading import Live, LiveReading
from app.service.live.visitors import LiveVisitors
from app.service.live.window import MOST
from app.service.query import Query
from app.settings import Settings
from models.media.clip import SAMPLE_RATE, Clip
from models.media.decode import decode
from models.types import MODALITIES, Modality

EXAMPLES = Path(__file__).resolve().parents[4] / "assets" / "examples"


@pytest.fixture(scope="module")
def analyst() -> Analyst:
    return Analyst(Settings(checkpoints=EXAMPLES.parents[1] / "checkpoints"))


@pytest.fixture(scope="module")
def delight() -> Clip:
    return decode(EXAMPLES / "delight.mp4")


def blocks(clip: Clip, begin: float = 0.0) -> Iterator[Block]:
    """A block a second, from `begin` of the stream on."""
    assert clip.audio is not None and clip.frames is not None and clip.frame_times is not None
    for second in range(int(np.ceil(clip.duration))):
        now = (clip.frame_times >= second) & (clip.frame_times < second + 1)
        frames = zip(clip.frame_times[now] + begin, clip.frames[now], strict=True)
        sound = clip.audio[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE]
        yield Block(begin + second + len(sound) / SAMPLE_RATE, begin + second, sound, tuple(frames))


def play(stream: LiveReading, given: Iterator[Block], wanted=MODALITIES) -> list[Live]:
    lives = []
    for block in given:
        stream.give(block)
        lives.append(stream.tick("lmf", wanted))
    return lives


def test_score_and_words_become_those_of_the_clip(analyst, delight, monkeypatch):
    monkeypatch.setattr(live_reading, "WAIT", 60)
    stream = analyst.live()
    lives = play(stream, blocks(delight))
    alone = analyst.analyze(Query(EXAMPLES / "delight.mp4"))
    last = lives[-1].moments[-1]
    assert last.judged.score == pytest.approx(alone.score, abs=0.4) and last.judged.score > 1
    low, high = last.judged.interval
    assert low < last.judged.score < high
    assert sum(last.judged.weights.values()) == pytest.approx(1) and len(last.judged.weights) == 3
    counts = [len(live.words) for live in lives]
    assert counts == sorted(counts) and counts[0] < counts[-1]
    assert " ".join(word.text for word in lives[-1].words) == alone.transcript.text
    assert last.heard == pytest.approx(delight.duration, abs=0.1)

    only_face = stream.tick("lmf", (Modality.VISION,)).moments[-1].judged
    assert only_face.weights == {Modality.VISION: 1.0} and only_face.score != last.judged.score
    assert stream.tick("lmf", ()).moments[-1].judged is None
    other = stream.tick("tfn", MODALITIES).moments[-1].judged
    assert other.score != last.judged.score
    stream.end()


def test_a_score_does_not_wait_for_what_is_being_read(analyst, delight, monkeypatch):
    monkeypatch.setattr(live_reading, "WAIT", 0)
    stream = analyst.live()
    start = perf_counter()
    first = play(stream, blocks(delight))[0]
    assert first.moments[0].judged is None and first.words == ()
    until = perf_counter() + 120
    while not (live := stream.tick("lmf", MODALITIES)).words and perf_counter() < until:
        live_reading.wait(stream._running.values(), 1)
    assert live.words and live.moments[-1].judged is not None
    assert live.delay <= perf_counter() - start + delight.duration
    stream.end()


def test_camera_or_microphone_alone(analyst, delight, monkeypatch):
    monkeypatch.setattr(live_reading, "WAIT", 60)
    for lacking, used in (("frames", {Modality.TEXT, Modality.AUDIO}), ("sound", {Modality.VISION})):
        nothing = () if lacking == "frames" else np.zeros(0, np.float32)
        stream = analyst.live()
        given = [Block(**{**vars(block), lacking: nothing}) for block in blocks(delight)]
        judged = play(stream, iter(given))[-1].moments[-1].judged
        assert set(judged.weights) == used
        stream.end()


def test_the_window_slides_what_is_said_stays_and_memory_is_bounded(analyst, delight, monkeypatch):
    monkeypatch.setattr(live_reading, "WAIT", 60)
    stream = analyst.live()
    pause = Clip(delight.frames[:5], delight.frame_times[:5], np.zeros(SAMPLE_RATE, np.float32), 1.0)
    begin, lives = 0.0, []
    for part in (delight, pause, delight, pause, delight):
        part_blocks = list(blocks(part, begin))
        lives += play(stream, iter(part_blocks))
        begin = part_blocks[-1].at
        assert len(stream._window.sound) <= MOST * SAMPLE_RATE and len(stream._window.frames) <= 5 * MOST + 1
    said = " ".join(word.text.lower().strip(".,") for word in lives[-1].words)
    assert said.count("love this film") == 3
    assert lives[-1].settled > 4.5
    starts = [word.start for word in lives[-1].words]
    assert starts == sorted(starts) and len(lives[-1].moments) == len(lives)
    stream.give(Block(begin + 100, begin + 100, np.zeros(SAMPLE_RATE, np.float32), ()))
    assert [moment.at for moment in stream.tick("lmf", MODALITIES).moments] == [begin + 100]
    stream.end()
    assert not stream._window.frames and not len(stream._window.sound)


def test_more_than_a_few_at_once_are_refused_and_whoever_left_makes_room(analyst, monkeypatch):
    visitors = LiveVisitors(analyst.live)
    assert [visitors.begin(session) for session in ("a", "b", "c", "a")] == [True, True, False, True]
    visitors.end("b")
    assert visitors.reading("b") is None and visitors.begin("c")
    assert not visitors.begin("d")
    monkeypatch.setattr(live_visitors, "LEFT", 0.0)
    assert visitors.begin("d") and visitors.reading("a") is None


def test_a_stream_is_over_after_five_minutes(analyst, monkeypatch):
    stream = analyst.live()
    assert not stream.over
    began = stream._began
    monkeypatch.setattr(live_reading, "monotonic", lambda: began + 300)
    assert stream.over
    stream.end()
