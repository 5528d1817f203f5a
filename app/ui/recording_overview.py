"""A recording drawn as one figure: who speaks, the score, how sure each modality is, and the words below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.service.query import Query
from app.service.recordings.segment import Segment, Summary, summarise
from app.ui import charts, words
from app.ui.tabs.timeline_lanes import LEAST_ZOOMS, Axis
from app.ui.templates import fill


@dataclass(frozen=True)
class Recording:
    """What was read of a recording so far.

    query : what was asked of each utterance; segments : with their speakers
    read, whole : seconds; None for a file that does not say how long it is
    """

    query: Query
    segments: tuple[Segment, ...]
    read: float
    whole: float | None

    @property
    def axis(self) -> Axis:
        """Of all that there is of it."""
        return Axis(max(self.whole or 0.0, self.read, 1.0))


def draw(recording: Recording, reading: bool, language: str) -> str:
    """The figure as HTML. reading : more is to come."""
    segments, told, axis = recording.segments, _told(recording, reading, language), recording.axis
    summary = summarise(segments)
    return fill(
        "recording.overview",
        language,
        utterances=[Utterance(n, segment, axis, language) for n, segment in enumerate(segments)],
        summary=summary,
        marked=marked(summary, language),
        turns=sorted(summary.turns),
        portraits=portraits(segments),
        corrigible=not reading,
        told=told,
        share=recording.read / recording.whole if reading and recording.whole else None,
        seconds=_ticks(axis),
        group=charts.group_of(words.say("recording_title", language)),
        zooms=(*LEAST_ZOOMS, 8, 16) if axis.length > 120 else LEAST_ZOOMS,
        player="clip" if recording.query.video else "recording",
        length=axis.length,
    )


class Utterance:
    """One utterance as the templates need it; left and width in percent."""

    def __init__(self, number: int, segment: Segment, axis: Axis, language: str):
        self.number, self.segment, self.analysis = number, segment, segment.analysis
        self.time = words.clock(segment.start)
        self.left = axis.share(segment.start)
        self.width = axis.share(segment.end) - self.left
        self.speaker = segment.speaker_name
        self.text = segment.transcript.text
        self.has_face = segment.face is not None and segment.whole is not None
        parts = self.analysis.modalities if self.analysis else {}
        self.weights = {m: part.weight for m, part in parts.items() if part.weight is not None}
        self.spoken = words.say(
            "recording_one",
            language,
            time=self.time,
            speaker=self.speaker or words.say("recording_nobody", language),
            score=words.signed(self.analysis.score)
            if self.analysis
            else words.say("recording_no_score", language),
            text=self.text,
        )


def marked(summary: Summary, language: str) -> list[tuple[str, int]]:
    """(what, number of the utterance) of the most positive and the most negative one, where they are two."""
    if summary.highest == summary.lowest:
        return []
    best = [("highest", summary.highest), ("lowest", summary.lowest)]
    return [(words.say(f"recording_{key}", language), n) for key, n in best if n is not None]


def portraits(segments: Sequence[Segment]) -> dict[str, np.ndarray]:
    """{speaker: the face that is mostly seen while they speak}."""
    seen: dict[str, Counter[int]] = {}
    for part in segments:
        if part.face is not None and not part.off_screen and part.speaker_name:
            seen.setdefault(part.speaker_name, Counter())[part.face] += 1
    first = {part.face: part.portrait for part in reversed(segments) if part.portrait is not None}
    return {name: first[faces.most_common(1)[0][0]] for name, faces in seen.items()}


def _told(recording: Recording, reading: bool, language: str) -> str:
    done = words.clock(recording.read)
    if reading and recording.whole:
        return words.say("recording_progress", language, done=done, whole=words.clock(recording.whole))
    if reading:
        return words.say("recording_progress_open", language, done=done)
    if recording.whole and recording.read < recording.whole - 1:
        return words.say("recording_stopped", language, done=done)
    return ""


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    step = next(step for step in (5, 10, 30, 60, 120, 300, 600, 1800) if axis.length / step <= 8)
    return [(axis.share(second), words.clock(second)) for second in range(0, int(axis.length) + 1, step)]
