"""A recording's utterances in every form, and what they come to."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime

import pytest

from app.service.analysis import Analysis, ModalityAnalysis, Notice, Transcript
from app.service.query import Query
from app.service.recordings.export import COLUMNS, FORMATS, to_csv, to_json, to_srt, to_tsv, to_vtt
from app.service.recordings.segment import Segment, summarise
from app.ui import words
from app.ui.recording_overview import Recording
from app.ui.recording_report import recording_report
from models.catalogue import describe_methods


def segment(
    start: float, end: float, score: float | None, text: str = "well", speaker: int | None = 1
) -> Segment:
    """One utterance; no score where nothing is in it."""
    said = Transcript(text, "whisper")
    if score is None:
        return Segment(start, end, said, None, "The input has no face.", speaker)
    analysis = Analysis(
        score=score,
        label="positive" if score > 0 else "negative",
        interval=(score - 1, score + 1),
        query=Query("film.mp4", start=start, end=end),
        weights_kind=None,
        transcript=said,
        modalities={m: ModalityAnalysis(True, True, weight=1 / 3) for m in ("text", "audio", "vision")},
        subsets={},
        timings_ms={},
        notices=(Notice("no_face", "No face was found in the picture."),),
    )
    return Segment(start, end, said, analysis, speaker=speaker)


RECORDING = [
    segment(0.0, 4.0, -1.25, 'So "dull",\nand < slow & long', 1),
    segment(4.0, 65.5, 2.0, "I liked it", 2),
    segment(65.5, 3671.25, None, "", None),
]


def test_the_table_has_a_line_an_utterance_and_every_column():
    rows = list(csv.DictReader(io.StringIO(to_csv(RECORDING))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0] | {"text": None} == {
        "start": "0.0",
        "end": "4.0",
        "speaker": "A",
        "text": None,
        "original": "",
        "score": "-1.25",
        "lo": "-2.25",
        "hi": "-0.25",
        "label": "negative",
        "text_weight": "0.3333",
        "audio_weight": "0.3333",
        "vision_weight": "0.3333",
        "notes": "No face was found in the picture.",
    }
    assert rows[0]["text"] == 'So "dull",\nand < slow & long'
    assert (rows[2]["score"], rows[2]["speaker"], rows[2]["notes"]) == ("", "", "The input has no face.")


def test_what_was_said_before_it_was_translated_has_a_column():
    said = Transcript("I loved it", "whisper", language="de", original="Ich fand es toll")
    (row,) = csv.DictReader(io.StringIO(to_csv([replace(RECORDING[0], transcript=said)])))
    assert (row["text"], row["original"]) == ("I loved it", "Ich fand es toll")


def test_json_tells_what_a_recording_comes_to():
    told = json.loads(to_json(RECORDING))
    assert [part["speaker"] for part in told["segments"]] == ["A", "B", ""]
    assert told["summary"]["mean"] == pytest.approx((4 * -1.25 + 61.5 * 2) / 65.5)
    assert told["summary"]["by_speaker"] == {"A": -1.25, "B": 2.0}
    assert (told["summary"]["highest"], told["summary"]["lowest"]) == (1, 0)


def test_subtitles_have_clocks_scores_and_words():
    assert to_srt(RECORDING[1:2]) == "1\n00:00:04,000 --> 00:01:05,500\nB: +2.0 positive\nI liked it\n"
    assert "00:01:05,500 --> 01:01:11,250" in to_srt(RECORDING)
    assert to_vtt(RECORDING).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:04.000\nA: -1.3 negative\n")
    assert "and &lt; slow &amp; long" in to_vtt(RECORDING)


def test_elan_gets_two_tiers_a_speaker():
    rows = list(csv.DictReader(io.StringIO(to_tsv(RECORDING)), delimiter="\t"))
    assert [row["tier"] for row in rows] == ["A words", "A score", "B words", "B score", "nobody words"]
    assert rows[3] == {"tier": "B score", "begin": "4.000", "end": "65.500", "value": "2.0000"}


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_written_of_an_empty_recording_but_its_frame(form):
    assert FORMATS[form]([]).count("\n") <= 15
    assert summarise([]).mean is None


def test_the_score_turns_where_three_utterances_before_and_after_differ():
    scores = [1, 1.5, 1, -1, -1.5, -1, -1.2, -0.9]
    found = summarise([segment(n, n + 1, score) for n, score in enumerate(scores)])
    assert found.turns == (3,)


@pytest.mark.parametrize("language", words.BOTH)
def test_the_report_tells_every_utterance_and_runs_nothing(language):
    talk = Recording(Query("my film.mp4", modalities=("text", "vision")), tuple(RECORDING), 3671.25, 3671.25)
    method = next(info for info in describe_methods() if info.spec.name == "lmf")
    report = recording_report(talk, method, datetime(2026, 1, 2), language)
    assert "So &#34;dull&#34;,\nand &lt; slow &amp; long" in report and "I liked it" in report
    assert report.count("<tr>") == 1 + len(RECORDING)
    assert (
        "python -m app segments &#39;my film.mp4&#39; --method lmf --modalities text,vision --csv" in report
    )
    assert "default-src &#39;none&#39;" in report and "<script" not in report
