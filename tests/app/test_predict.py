"""The command line: a table of clips, one clip, and what is said when the input is wrong."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from app.media.speech import Recogniser
from app.predict import describe, gauge, predict_manifest, transcribe_manifest
from app.service.analysis import Transcript, as_displayed
from app.service.analyst import Analyst
from app.service.query import Query
from app.settings import Settings
from models.cluster import ClusterError
from models.manifest import ManifestError

ROOT = Path(__file__).resolve().parents[2]


def write_rows(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=280,  # a busy machine takes long to import torch
    )


def test_one_bad_clip_does_not_stop_the_rest(analyst, write_clip, tmp_path):
    (tmp_path / "notes.mp4").write_text("these are my notes")
    for name, brightness in (("a.mp4", 200), ("sub/b.mp4", 0)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(write_clip(brightness).read_bytes())
    rows = [
        ["id", "file", "text", "score"],
        ["007", "a.mp4", "i really liked it", "2.4"],
        ["", "notes.mp4", "never mind", ""],
        ["x, y", "sub/b.mp4", "it was\nboring", "-1"],
        ["4", "gone.mp4", "who knows", "0"],
        ["5", "", "words alone", "0"],
    ]
    out = tmp_path / "results.csv"
    manifest = write_rows(tmp_path / "clips.csv", rows)
    predict_manifest(analyst, manifest, out, Query())
    results = read_rows(out)
    columns = ["id", "file", "text", "given_score", "score", "label", "lo", "hi", "notes", "error"]
    assert list(results[0]) == columns
    assert [r["notes"] for r in results[:3]] == ["", "", "No face was found in the picture."]
    assert [[r["id"], r["file"], r["text"], r["given_score"]] for r in results] == rows[1:]
    assert [bool(r["error"]) for r in results] == [False, True, False, True, False]
    assert "named .mp4" in results[1]["error"] and "no file gone.mp4" in results[3]["error"]
    assert results[1]["score"] == results[1]["label"] == results[1]["lo"] == ""
    direct = analyst.analyze(Query(video=tmp_path / "a.mp4", text="i really liked it"))
    assert float(results[0]["score"]) == pytest.approx(direct.score, abs=1e-4)
    assert results[0]["label"] == direct.label
    assert float(results[0]["lo"]) <= float(results[0]["score"]) <= float(results[0]["hi"])


def test_a_table_is_transcribed(analyst, write_clip, tmp_path, monkeypatch):
    monkeypatch.setattr(Recogniser, "transcribe", lambda *_: Transcript("hello there", "whisper"))
    (tmp_path / "a.mp4").write_bytes(write_clip().read_bytes())
    rows = [["file", "words"], ["a.mp4", "hi"], ["gone.mp4", ""]]
    out = tmp_path / "heard.csv"
    transcribe_manifest(analyst, write_rows(tmp_path / "clips.csv", rows), out)
    results = read_rows(out)
    assert list(results[0]) == ["file", "given_words", "words", "notes", "error"]
    assert [row["words"] for row in results] == ["hello there", ""]
    assert [bool(row["error"]) for row in results] == [False, True]


def test_a_translation_stands_beside_what_was_said(analyst, write_clip, monkeypatch):
    said = Transcript("i liked it", "whisper", language="de", original="ich mochte es")
    monkeypatch.setattr(Recogniser, "transcribe", lambda *_: said)
    told = describe(analyst.analyze(Query(video=write_clip())))
    assert 'words (whisper): "i liked it"\ntranslated from German: "ich mochte es"' in told


def test_without_ray_nothing_is_written(analyst, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    manifest, out = write_rows(tmp_path / "in.csv", [["file", "text"], ["", "fine"]]), tmp_path / "out.csv"
    out.write_text("results of yesterday")
    with pytest.raises(ClusterError, match="Ray is not installed"):
        predict_manifest(analyst, manifest, out, Query(), ray=True)
    assert out.read_text() == "results of yesterday"


def test_a_header_may_be_written_in_capitals_and_with_spaces(analyst, tmp_path):
    manifest, out = tmp_path / "m.csv", tmp_path / "out.csv"
    manifest.write_text("\ufeffFile, Text, Score\n, i really liked it, 2\n", encoding="utf-8")
    predict_manifest(analyst, manifest, out, Query(modalities=["text"]))
    (result,) = read_rows(out)
    assert float(result["score"]) == pytest.approx(
        analyst.analyze(Query(text="i really liked it")).score, abs=1e-4
    )
    assert list(result)[:3] == ["File", "Text", "given_Score"]
    assert result["Text"] == "i really liked it"


def test_a_row_in_which_nothing_is_heard_says_why(analyst, write_clip, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Recogniser, "transcribe", lambda *_: Transcript("", "whisper"))
    for name, clip in (("mute.mp4", write_clip(200, None)), ("quiet.mp4", write_clip())):
        (tmp_path / name).write_bytes(clip.read_bytes())
    rows = [["id", "file"], ["1", "mute.mp4"], ["2", "quiet.mp4"], ["3", ""]]
    out = tmp_path / "heard.csv"
    transcribe_manifest(analyst, write_rows(tmp_path / "clips.csv", rows), out)
    results = read_rows(out)
    assert [row["words"] for row in results] == ["", "", ""]
    assert [row["error"] for row in results] == ["", "", "The row has no file."]
    assert "has no sound" in results[0]["notes"] and "No words were recognised" in results[1]["notes"]
    told = capsys.readouterr().err
    assert "mute.mp4: There is no sound." in told
    assert "quiet.mp4: No words were recognised in the sound." in told
    assert "2 of 3 rows transcribed" in told


def test_tables_tell_what_was_cut_off_and_what_is_missing(checkpoints, profile, write_clip, tmp_path):
    short = Analyst(Settings(device="cpu", checkpoints=checkpoints, max_seconds=1.0), profile)
    (tmp_path / "long.mp4").write_bytes(write_clip(0, 0.5, 2.0).read_bytes())
    sound = write_clip(None, 0.5, 1.0).read_bytes()
    (tmp_path / "cut.wav").write_bytes(sound[: len(sound) // 2])
    rows = [["file", "text"], ["long.mp4", "good"], ["cut.wav", "good " * 600]]
    manifest, out = write_rows(tmp_path / "m.csv", rows), tmp_path / "out.csv"
    predict_manifest(short, manifest, out, Query())
    long, cut = (row["notes"] for row in read_rows(out))
    assert "only the first 1 are used" in long and "No face was found in the first 1 seconds" in long
    assert "damaged or missing" in cut and "words or so are read" in cut
    transcribe_manifest(short, manifest, out)
    long, cut = (row["notes"] for row in read_rows(out))
    assert "only the first 1 are used" in long and "face" not in long
    assert "damaged or missing" in cut


def test_a_table_keeps_nothing_of_its_clips(analyst, decoded, write_clip, tmp_path):
    clip = write_clip()
    manifest = write_rows(tmp_path / "m.csv", [["file", "text"], [str(clip), "good"]])
    predict_manifest(analyst, manifest, tmp_path / "out.csv", Query(modalities=["text", "vision"]))
    analyst.analyze(Query(video=clip, text="good"))
    assert len(decoded) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,text\na.mp4,hello\n", "no column file.*path, text"),
        ("file,text,text\na.mp4,hello,hello\n", "more than one column text"),
    ],
)
def test_a_table_that_cannot_be_used_is_explained(analyst, tmp_path, content, message):
    manifest = tmp_path / "m.csv"
    manifest.write_text(content)
    with pytest.raises(ManifestError, match=message):
        predict_manifest(analyst, manifest, tmp_path / "out.csv", Query(modalities=["text"]))
    assert not (tmp_path / "out.csv").exists()


def test_a_table_is_never_overwritten(analyst, tmp_path):
    manifest = write_rows(tmp_path / "m.csv", [["file"], ["a.mp4"]])
    with pytest.raises(ManifestError, match="overwrite"):
        predict_manifest(analyst, manifest, tmp_path / "." / "m.csv", Query(modalities=["text"]))
    assert read_rows(manifest) == [{"file": "a.mp4"}]


def test_rows_of_uneven_length(analyst, tmp_path):
    manifest = tmp_path / "m.csv"
    manifest.write_text("file,text,note\n,good\n,good,a,b\n\n")
    predict_manifest(analyst, manifest, tmp_path / "out.csv", Query(modalities=["text"]))
    short, long = read_rows(tmp_path / "out.csv")
    assert short["score"] and not short["error"]
    assert long["error"] == "it has 4 cells, the header 3; put a text with commas in double quotes"


def test_a_person_can_read_the_answer(analyst, write_clip):
    analysis = analyst.analyze(Query(video=write_clip(200, None), text="i really liked it", method="late"))
    text = describe(analysis)
    assert text.startswith(f"{as_displayed(analysis.score):+.1f}  {analysis.label}")
    assert '"i really liked it"' in text and "note: The clip has no sound" in text
    assert "voice" in text and "absent" in text
    bar = gauge(analysis)
    assert len(bar) == 61 and bar.index("[") <= bar.index("o") <= bar.index("]")


def test_help_is_quick_and_needs_no_torch():
    code = (
        "import sys; from app.__main__ import main\n"
        "try: main(['predict', '--help'])\n"
        "except SystemExit: print('torch' in sys.modules, 'gradio' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--manifest" in answer.stdout
    assert answer.stdout.endswith("False False\n")


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["predict"], {}, "give a CLIP"),
        (["transcribe"], {}, "give a CLIP"),
        (["transcribe", "a.mp4", "--manifest", "a.csv", "--out", "b.csv"], {}, "goes with --out only"),
        (["predict", "a.mp4", "--out", "b.csv"], {}, "--out goes with --manifest"),
        (["predict", "--manifest", "a.csv"], {}, "needs --out"),
        (["predict", "--manifest", "a.csv", "--out", "b.csv"], {}, "no file a.csv"),
        (["predict", "--manifest", "requirements.txt", "--out", "b.csv"], {}, "no column file"),
        (["predict", "gone.mp4"], {}, "no file gone.mp4"),
        (["predict", "pyproject.toml", "--text", "hi"], {}, "not video or sound"),
        (["predict", "--text", "hi", "--method", "magic"], {}, "lmf"),
        (["predict", "--text", "hi", "--modalities", "smell"], {}, "text, audio, vision"),
        (["predict", "--text", "hi"], {"FUSEBOX_DEVICE": "gpu"}, "FUSEBOX_DEVICE is 'gpu'"),
        (["predict", "--text", "hi", "--modalities", "audio"], {}, "The input has no voice; switch on words"),
        (["dance"], {}, "dance"),
    ],
)
def test_bad_input_is_one_plain_line_and_exit_code_2(monkeypatch, capfd, arguments, environment, message):
    monkeypatch.chdir(ROOT)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    told = capfd.readouterr()
    assert (code, told.out) == (2, "")
    assert message in told.err
    assert told.err.count("\n") == 1 and "Traceback" not in told.err


def test_a_process_that_ends_with_bad_input_prints_nothing_else():
    answer = run("predict", "pyproject.toml", "--text", "hi")
    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("arguments", "help_of"),
    [(["dance"], "app"), (["predict"], "app predict"), (["transcribe", "a.mp4", "--json"], "app transcribe")],
)
def test_a_usage_error_points_to_the_help_of_its_command(capsys, arguments, help_of):
    with pytest.raises(SystemExit):
        main(arguments)
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"python -m {help_of}: ")
    assert complaint.endswith(f"; see `python -m {help_of} --help`\n")


def test_a_clip_in_which_nothing_is_heard_says_why(write_clip):
    answer = run("transcribe", str(write_clip(200, None)))
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "\n", "There is no sound.\n")


def test_missing_weights_are_named_with_exit_code_1(tmp_path):
    answer = run("predict", "--text", "good", FUSEBOX_CHECKPOINTS=str(tmp_path))
    assert answer.returncode == 1
    assert str(tmp_path) in answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.slow
def test_shipped_weights_answer_on_the_command_line(write_clip):
    if not (ROOT / "checkpoints/local/lmf.safetensors").exists():
        pytest.skip("the repository has no trained weights yet")
    good, bad = (
        run("predict", "--text", text, "--json") for text in ("it was wonderful", "it was a terrible waste")
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["score"] > 0.5
    assert json.loads(bad.stdout)["score"] < -0.5
    plain = run("predict", str(write_clip()), "--text", "it was wonderful")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert "No face was found" in plain.stdout


@pytest.mark.slow
def test_doctor_says_what_is_missing(tmp_path):
    answer = run("doctor", FUSEBOX_CHECKPOINTS=str(tmp_path), FUSEBOX_DEVIC="cpu")
    assert answer.returncode == 1
    assert "LMF" in answer.stdout and "MISSING" in answer.stdout
    assert "FUSEBOX_DEVIC " in answer.stdout  # a misspelt variable does not go unnoticed
    assert "Traceback" not in answer.stderr
