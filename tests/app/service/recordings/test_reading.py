"""Real recordings, joined from the example clips: what is found in them, by the extractors that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from prometheus_client import REGISTRY

from app.service.analyst import Analyst
from app.service.cache import Cancelled
from app.service.query import AnalysisError, Query
from app.service.recordings import reading
from app.service.recordings.speakers import with_speakers
from app.service.utterance import EVERYTHING
from app.settings import Settings
from models.media.clip import MediaError
from tests.joined import join

EXAMPLES = Path(__file__).resolve().parents[4] / "assets" / "examples"
TURNS = ("delight", "letdown", "plain", "sarcasm")


@pytest.fixture(scope="module")
def analyst() -> Analyst:
    return Analyst(Settings(checkpoints=EXAMPLES.parents[1] / "checkpoints"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> tuple[Path, list]:
    path = tmp_path_factory.mktemp("recording") / "talk.mp4"
    return path, join([(name, EXAMPLES / f"{name}.mp4") for name in TURNS], path)


@pytest.fixture(scope="module")
def read(analyst, recording) -> list:
    return with_speakers(analyst.segments(Query(recording[0]), session="read"))


def test_every_join_is_a_cut_and_every_clip_scores_as_it_does_alone(analyst, recording, read):
    starts = np.array([segment.start for segment in read])
    alone = {said.file: analyst.analyze(Query(said.file)).score for said in recording[1]}
    differences = []
    for said in recording[1]:
        assert np.abs(starts - said.start).min() <= 0.5
        for segment in read:
            if abs(segment.start - said.start) <= 0.5 and abs(segment.end - said.end) <= 0.5:
                differences.append(abs(segment.analysis.score - alone[said.file]))
    assert len(differences) >= 2 and np.mean(differences) <= 0.25


def test_a_part_is_read_as_the_whole_is(analyst, recording, read, monkeypatch):
    monkeypatch.setattr(reading, "PART", 8.0)
    parts = list(analyst.segments(Query(recording[0]), session="parts"))
    joins = [said.start for said in recording[1]]
    for found in (read, parts):
        assert all(min(abs(segment.start - join) for segment in found) <= 0.5 for join in joins)
    assert parts[-1].end == pytest.approx(read[-1].end, abs=0.1)


def test_an_utterance_that_is_opened_alone_has_the_score_that_the_recording_gave(recording, read):
    fresh = Analyst(Settings(checkpoints=EXAMPLES.parents[1] / "checkpoints"))
    segment = read[1]
    again = fresh.analyze(segment.analysis.query)
    assert again.score == pytest.approx(segment.analysis.score, abs=0.1)
    assert again.transcript.text.split()[:3] == segment.transcript.text.split()[:3]


def test_a_reading_can_be_cancelled_and_tells_how_far_it_is(analyst, recording):
    told, found = [], []

    def stop(seconds: float, whole: float | None) -> None:
        told.append((seconds, whole))
        raise Cancelled

    with pytest.raises(Cancelled):
        found += list(analyst.segments(Query(recording[0]), progress=stop))
    assert len(told) == 1 and told[0][1] == pytest.approx(recording[1][-1].end, abs=0.2)


def test_recordings_are_counted_by_how_they_ended(analyst, recording):
    def ended() -> list[float]:
        how = [{"call": "segments", "outcome": outcome} for outcome in ("ok", "cancelled", "nothing_given")]
        return [REGISTRY.get_sample_value("fusebox_calls_total", labels) or 0.0 for labels in how]

    before = ended()
    list(analyst.segments(Query(recording[0], end=3.0), only_asked=True))
    left = analyst.segments(Query(recording[0]), only_asked=True)
    next(left)
    left.close()  # by a caller who has gone
    with pytest.raises(AnalysisError):
        next(analyst.segments(Query()))
    assert ended() == [number + 1 for number in before]


def test_what_is_not_there_is_said(analyst, recording):
    for start in (500.0, 1e300):  # the second is more than FFmpeg can count
        with pytest.raises(MediaError, match="over before"):
            analyst.analyze(Query(recording[0], start=start))
    with pytest.raises(AnalysisError, match="behind its start"):
        Query(recording[0], start=5.0, end=5.0)
    only_face = list(analyst.segments(Query(EXAMPLES / "silent.mp4", modalities=("text",)), only_asked=True))
    assert [(segment.analysis, bool(segment.why)) for segment in only_face] == [(None, True)] * len(only_face)


def test_frames_and_sound_of_a_span_are_those_of_the_whole(analyst, recording):
    reader = analyst._reader
    whole = reader._decode(Query(recording[0]), EVERYTHING)
    span = reader._decode(Query(recording[0], start=3.0, end=5.0), EVERYTHING)
    inside = reading.stretch(whole, 3.0, 5.0)
    assert not span.truncated and span.duration == pytest.approx(2.0, abs=0.05)
    assert np.allclose(span.frame_times, inside.frame_times, atol=0.05)
    assert np.abs(span.frames.astype(int) - inside.frames).mean() < 1
    both = min(len(span.audio), len(inside.audio))
    assert np.corrcoef(span.audio[:both], inside.audio[:both])[0, 1] > 0.95
