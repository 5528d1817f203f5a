"""What is taken home can be used there: JSON, features, and calls that give the same analysis again."""

from __future__ import annotations

import ast
import io
import json
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

from app.__main__ import build_parser
from app.service.calls import Call
from app.service.query import Query
from app.service.take_away import analysis_json, features_npz, features_pkl, name_of, versions
from models.extractors.local_profile import LocalProfile
from models.features.files import load_features
from models.features.pickles import load_pickle
from models.types import MODALITIES, Modality

HOSTILE = """It's "great", $HOME `id` \\n 100 % {sure}; <b>no</b>\nnew line — 真好 'ok' -- --method mla"""
SUBSETS = Modality.subsets()


def again(analyst, call: Call, folder: Path):
    """The analysis that the command line gives, from the line as it would be pasted."""
    words = shlex.split(call.command())
    assert words[:3] == ["python", "-m", "app"]
    args = build_parser().parse_args(words[3:])
    assert args.json
    return analyst.analyze(
        Query(
            video=args.clip and folder / args.clip,
            audio=args.audio and folder / args.audio,
            text=args.text,
            method=args.method,
            modalities=args.modalities,
        )
    )


def without_times(text: str) -> dict:
    return {key: value for key, value in json.loads(text).items() if key != "timings_ms"}


@pytest.mark.parametrize(
    ("text", "subset"),
    [
        *((text, MODALITIES) for text in (HOSTILE, "-3 stars", "", None)),
        *(("good", subset) for subset in SUBSETS[3:]),
    ],
)
def test_the_command_gives_the_same_analysis(analyst, write_clip, text, subset):
    clip = write_clip()
    analysis = analyst.analyze(Query(video=clip, text=text, method="mla", modalities=subset))
    repeated = again(analyst, Call(analysis.query), clip.parent)
    assert without_times(analysis_json(repeated)) == without_times(analysis_json(analysis))


def test_words_alone_and_a_voice_alone_are_repeated_too(analyst, write_clip):
    sound = write_clip(brightness=None)
    for video, audio, text in (
        (None, None, "good"),
        (None, str(sound), "good"),
        (str(write_clip()), str(sound), ""),
    ):
        analysis = analyst.analyze(Query(video=video, audio=audio, text=text))
        repeated = again(analyst, Call(analysis.query), sound.parent)
        assert without_times(analysis_json(repeated)) == without_times(analysis_json(analysis))


def test_names_are_base_names_and_never_options():
    call = Call(Query("/srv/uploads/0a1b/-take 2's.mp4"))
    for snippet in (call.python(), call.curl(), call.command()):
        assert "uploads" not in snippet and "srv" not in snippet
    args = build_parser().parse_args(shlex.split(call.command())[3:])
    assert args.clip == "./-take 2's.mp4"


def test_python_snippet_holds_exactly_what_was_asked():
    call = Call(Query('my "clip".mp4', None, HOSTILE, "lmf", ("text", "audio")))
    predict = next(
        node
        for node in ast.walk(ast.parse(call.python("https://example.org/fusebox")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "predict"
    )
    given = {keyword.arg: keyword.value for keyword in predict.keywords}
    assert given["clip"].func.id == "handle_file" and given["clip"].args[0].value == 'my "clip".mp4'
    assert "audio" not in given
    plain = {name: ast.literal_eval(value) for name, value in given.items() if name != "clip"}
    assert plain == {
        "text": HOSTILE,
        "method": "lmf",
        "modalities": ["text", "audio"],
        "api_name": "/analyze",
    }


def test_curl_snippet_sends_exactly_what_was_asked(tmp_path):
    """Run by a real shell, with a curl that writes down what it is given and answers as the server does."""
    stub = tmp_path / "curl"
    stub.write_text(
        """#!/bin/sh
for word; do printf "%s\\0" "$word"; done >> "$LOG"
printf "\\n\\0" >> "$LOG"
case "$*" in
  *upload*) printf '["/srv/a b.mp4"]';;
  *analyze\\ *) printf '{"event_id":"e1"}';;
esac
"""
    )
    stub.chmod(0o755)
    call = Call(Query('my "clip"\'s.mp4', None, HOSTILE, "lmf", ("text",)))
    log = tmp_path / "log"
    subprocess.run(
        ["sh", "-c", call.curl("http://localhost:1/")],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(log)},
        check=True,
        timeout=30,
    )
    upload, asked, fetched = (
        entry.split("\0")[:-1] for entry in log.read_text(encoding="utf-8").split("\n\0")[:-1]
    )
    assert upload[-1] == 'files=@"my \\"clip\\"\'s.mp4"'
    assert json.loads(asked[-1]) == {
        "clip": {"path": "/srv/a b.mp4", "meta": {"_type": "gradio.FileData"}},
        "text": HOSTILE,
        "method": "lmf",
        "modalities": ["text"],
    }
    assert fetched[-1] == "http://localhost:1/gradio_api/call/v2/analyze/e1"


@pytest.mark.parametrize("parts", SUBSETS, ids="+".join)
def test_features_load_back_with_the_shapes_they_say(analyst, write_clip, tmp_path, parts):
    clip = write_clip(
        brightness=200 if Modality.VISION in parts else 0, loudness=0.5 if Modality.AUDIO in parts else None
    )
    opened = analyst.open(Query(video=clip, text="so very good" if Modality.TEXT in parts else ""))
    assert opened[0].present == parts
    for ending, content in (
        ("npz", features_npz(*opened, 1.25, "delight", LocalProfile.columns)),
        ("pkl", features_pkl(*opened, 1.25, "delight")),
    ):
        path = tmp_path / f"f.{ending}"
        path.write_bytes(content)
        dataset = load_features(path)
        (item,) = dataset.test
        assert not dataset.train and not dataset.valid
        assert item.target == pytest.approx(1.25)
        assert tuple(m for m in MODALITIES if m in item.states) == parts
        for modality, states in item.states.items():
            sequence = opened[0].features[modality]
            wanted = sequence.values[0, : int(sequence.lengths[0])]
            assert states.shape == wanted.shape and np.allclose(states, wanted), (ending, modality)


def test_npz_explains_itself(analyst, write_clip):
    opened = analyst.open(Query(video=write_clip(), text="so very good", modalities=["text", "audio"]))
    arrays = np.load(
        io.BytesIO(features_npz(*opened, -0.5, "delight", LocalProfile.columns)), allow_pickle=False
    )
    about = str(arrays["about"])
    for modality in MODALITIES:
        rows, width = arrays[f"{modality}_values"].shape
        assert f"{modality}_values ({rows}, {width})" in about
        assert arrays[f"{modality}_lengths"].tolist() == [rows]
    assert "lmf" in about and "text, audio" in about and "prediction" in about
    assert arrays["transcript"].tolist() == ["so very good"] and arrays["score"].tolist() == [-0.5]


def test_pkl_needs_no_code_to_be_read(analyst, write_clip, tmp_path):
    path = tmp_path / "f.pkl"
    path.write_bytes(features_pkl(*analyst.open(Query(video=write_clip(), text="good")), 0.5, "delight"))
    content = load_pickle(path)  # refuses everything but numpy's own
    assert content["test"]["id"].tolist() == ["delight$_$0"]
    assert content["test"]["annotations"].tolist() == ["Positive"]


def test_files_are_named_after_the_clip():
    assert name_of("/srv/0a1b/My clip.final.mp4", None) == "My clip.final"
    assert name_of(None, "voice.mp3") == "voice"
    assert name_of(None, None) == "words"
    assert versions()["torch"]
