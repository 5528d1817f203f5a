"""A recording's utterances as a table, JSON, subtitles, and tiers for ELAN."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from app.service.analysis import as_displayed
from app.service.recordings.segment import Segment, row, summarise

COLUMNS = (
    "start",
    "end",
    "speaker",
    "text",
    "original",
    "score",
    "lo",
    "hi",
    "label",
    "text_weight",
    "audio_weight",
    "vision_weight",
    "notes",
)


def to_csv(segments: Sequence[Segment]) -> str:
    """COLUMNS, a line an utterance."""
    return _table(COLUMNS, [row(segment) for segment in segments], ",")


def as_object(segments: Sequence[Segment]) -> dict:
    """{"segments": [COLUMNS as an object], "summary": `Summary`, its utterances counted from 0}."""
    return {"segments": [row(segment) for segment in segments], "summary": asdict(summarise(segments))}


def to_json(segments: Sequence[Segment]) -> str:
    """`as_object`, written."""
    return json.dumps(as_object(segments), indent=2)


def to_srt(segments: Sequence[Segment]) -> str:
    """SubRip subtitles: the speaker, score and label, and the words."""
    cues = enumerate(segments, start=1)
    return "\n".join(f"{n}\n{_span(part, ',')}\n{caption(part)}\n" for n, part in cues)


def to_vtt(segments: Sequence[Segment]) -> str:
    """The same as WebVTT, whose text is escaped."""
    escape = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    return "WEBVTT\n\n" + "\n".join(
        f"{_span(part, '.')}\n{caption(part).translate(escape)}\n" for part in segments
    )


def to_tsv(segments: Sequence[Segment]) -> str:
    """Tab-delimited annotations as ELAN imports them: tier, begin and end in seconds, value.

    Two tiers a speaker: the words, and the score.
    """
    annotations = []
    for part in segments:
        times = {"begin": f"{part.start:.3f}", "end": f"{part.end:.3f}"}
        tier = part.speaker_name or "nobody"
        annotations.append({"tier": f"{tier} words", **times, "value": part.transcript.text})
        if part.analysis:
            annotations.append({"tier": f"{tier} score", **times, "value": f"{part.analysis.score:.4f}"})
    return _table(("tier", "begin", "end", "value"), annotations, "\t")


def caption(segment: Segment) -> str:
    """The speaker, score and label of an utterance, and its words below."""
    score = segment.analysis and f"{as_displayed(segment.analysis.score):+.1f} {segment.analysis.label}"
    about = ": ".join(filter(None, (segment.speaker_name, score)))
    return "\n".join(filter(None, (about, segment.transcript.text)))


FORMATS: dict[str, Callable[[Sequence[Segment]], str]] = {
    "csv": to_csv,
    "json": to_json,
    "srt": to_srt,
    "vtt": to_vtt,
    "tsv": to_tsv,
}


def _span(segment: Segment, mark: str) -> str:
    return f"{_clock(segment.start, mark)} --> {_clock(segment.end, mark)}"


def _clock(seconds: float, mark: str) -> str:
    """00:01:02,345 with `mark` before the milliseconds."""
    whole, milliseconds = divmod(round(1000 * seconds), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{mark}{milliseconds:03d}"


def _table(columns: Sequence[str], rows: Sequence[dict], delimiter: str) -> str:
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()
