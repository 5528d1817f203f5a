"""`python -m app segments`: the utterances of a recording on the terminal and in files."""

from __future__ import annotations

import csv
import io
import json

from app.__main__ import main
from app.service.recordings.export import COLUMNS


def test_a_recording_is_printed_or_written_in_the_form_that_is_asked_for(example_clip, tmp_path, capsys):
    assert main(["segments", str(example_clip), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert tuple(rows[0]) == COLUMNS
    assert float(rows[0]["score"]) > 0 and rows[0]["speaker"] == "A" and "film" in rows[0]["text"]

    out = tmp_path / "talk.json"
    assert main(["segments", str(example_clip), "--json", "--modalities", "text", "--out", str(out)]) == 0
    told = json.loads(out.read_text(encoding="utf-8"))
    assert told["summary"]["mean"] > 0 and told["segments"][0]["audio_weight"] is None
    assert f"written to {out}" in capsys.readouterr().err

    assert main(["segments", str(example_clip)]) == 0
    assert "most positive at" in capsys.readouterr().out


def test_a_table_of_recordings_gets_a_line_an_utterance(example_clip, tmp_path, capsys):
    table, out = tmp_path / "talks.csv", tmp_path / "utterances.csv"
    table.write_text(f"id,file,score\n1,{example_clip},7\n2,gone.mp4,8\n", encoding="utf-8")
    assert main(["segments", "--manifest", str(table), "--out", str(out)]) == 0
    found, gone = csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))
    assert tuple(found) == ("id", "file", "given_score", *COLUMNS, "error")
    assert found["given_score"] == "7" and float(found["score"]) > 0 and not found["error"]
    assert gone["id"] == "2" and not gone["score"] and "no file gone.mp4" in gone["error"]
    assert "1 of 2 rows read" in capsys.readouterr().err


def test_what_is_no_recording_is_said(tmp_path, capsys):
    notes = tmp_path / "notes.mp4"
    notes.write_text("these are my notes")
    assert main(["segments", str(notes)]) == 2
    assert "not video or sound" in capsys.readouterr().err
