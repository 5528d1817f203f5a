"""A recording as one HTML file that opens anywhere, like the report of one answer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from app.service.calls import Call
from app.service.recordings.segment import summarise
from app.ui import words
from app.ui.recording_overview import Recording, Utterance, marked, portraits
from app.ui.report import asked_for, frame
from app.ui.templates import fill
from models.catalogue import MethodInfo


def recording_report(recording: Recording, method: MethodInfo, made: datetime, language: str) -> str:
    """The score over time, and every utterance."""
    query, segments = recording.query, recording.segments
    name, summary = Path(query.video or query.audio or "").name, summarise(segments)
    return fill(
        "recording_report.page",
        language,
        **frame(name, made),
        utterances=[Utterance(n, part, recording.axis, language) for n, part in enumerate(segments)],
        notices=[
            [words.notice(notice, language) for notice in part.analysis.notices] if part.analysis else []
            for part in segments
        ],
        summary=summary,
        marked=marked(summary, language),
        portraits=portraits(segments),
        settings=asked_for(name, method, query.modalities, language),
        command=Call(query).command("segments", "csv"),
    )
