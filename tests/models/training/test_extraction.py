"""Manifests: every fault is named; real clips become features, also after an interruption."""

from __future__ import annotations

import csv
import wave
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.extractors.local_profile import LocalProfile
from models.features.feature_set import SIMS_SCORES, DataError
from models.features.files import load_features
from models.manifest import ManifestError
from models.training import extraction
from models.training.extraction import extract_features, listed_clips
from tests.models.feature_sets import AUDIO, TEXT, VISION

NEEDED = ["file", "text", "score"]
HEADINGS = [*NEEDED, "split"]


def write_manifest(folder: Path, rows: list[list], headings: list[str] = HEADINGS) -> Path:
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([headings, *rows])
    return path


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_column_is_named(tmp_path, missing):
    headings = [heading for heading in HEADINGS if heading != missing]
    path = write_manifest(tmp_path, [["x"] * 3], headings)
    with pytest.raises(ManifestError, match=f"no column {missing}; it must have file, text, score"):
        listed_clips(path)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (["", "fine", "good", "test"], "row 2: the score 'good' is no number"),
        (["", "fine", "4", "test"], r"row 2: the score 4 is outside \[-3, 3\].*--label-range"),
        (["", "fine", "nan", "test"], "row 2: the score nan is outside"),
        (["", "fine", "1", "dev"], "row 2: the split 'dev' is none of train, valid, test"),
        (["", "well", " fine", "1", "test"], "row 2: it has 5 cells, the header 4; put .* double quotes"),
        (["", " ", "1", "test"], "row 2: it has neither a file nor a text"),
        (["gone.mp4", "fine", "1", "test"], "row 2: there is no file .*gone.mp4"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path, row, complaint):
    path = write_manifest(tmp_path, [["", "words", "1", "train"], row])
    with pytest.raises(ManifestError, match=complaint):
        listed_clips(path)


def test_a_manifest_without_rows_and_a_range_that_is_none(tmp_path):
    path = write_manifest(tmp_path, [])
    with pytest.raises(ManifestError, match="has no rows"):
        listed_clips(path)
    with pytest.raises(
        DataError, match=r"--label-range must go from a lower to a higher number; got 3 to -3"
    ):
        listed_clips(path, (3.0, -3.0))


def test_without_a_split_whole_groups_are_divided(tmp_path):
    rows = [["", f"{person} says {n}", "1", person] for person in "abcdefgh" for n in range(5)]
    path = write_manifest(tmp_path, rows, [*NEEDED, "group"])
    clips = listed_clips(path)
    groups = {split: {c.group for c in clips if c.split == split} for split in ("train", "valid", "test")}
    assert [len(groups[split]) for split in groups] == [5, 1, 2]  # 20 % to test, 10 % to valid, at least
    assert not groups["train"] & groups["test"] and not groups["valid"] & (groups["train"] | groups["test"])
    assert listed_clips(path) == clips
    few = write_manifest(tmp_path, [["", "fine", "1", person] for person in "abc"], [*NEEDED, "group"])
    assert sorted(clip.split for clip in listed_clips(few)) == ["test", "train", "valid"]


@pytest.mark.parametrize("groups", [["a", "a", "b"], ["a", "b", "c", ""]])
def test_without_a_split_and_with_too_few_groups_it_is_said(tmp_path, groups):
    path = write_manifest(tmp_path, [["", "fine", "1", group] for group in groups], [*NEEDED, "group"])
    with pytest.raises(ManifestError, match=r"a column split .*, or in every row a group .* at least 3"):
        listed_clips(path)


def test_kept_rows_are_not_read_again(tmp_path):
    rows = [["", f"words {n}", "1", "train"] for n in range(3)]
    out, parts = tmp_path / "features.npz", tmp_path / "features.npz.parts"
    extract_features(write_manifest(tmp_path, rows), out, keep=True)
    before = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    manifest = write_manifest(tmp_path, [["", "another", "0", "test"], *rows, rows[0]])
    dataset = extract_features(manifest, out, keep=True)
    after = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    assert after.items() >= before.items() and len(after) == 4
    assert [len(items) for _, items in dataset] == [4, 0, 1]


def test_words_are_taken_as_they_are_and_ids_from_the_files(tmp_path):
    (tmp_path / "clip.mp4").touch()
    rows = [["clip.mp4", "NA", "-1", "train"], ["", "null", "0.5", "test"]]
    clips = listed_clips(write_manifest(tmp_path, rows))
    assert [clip.text for clip in clips] == ["NA", "null"]
    assert [clip.id for clip in clips] == ["clip", "row2"]
    assert [clip.score for clip in clips] == [-1.0, 0.5]
    assert [clip.path for clip in clips] == [tmp_path / "clip.mp4", None]


@pytest.fixture
def manifest(tmp_path, example_clip) -> Path:
    (tmp_path / example_clip.name).symlink_to(example_clip)
    rows = [
        [example_clip.name, "what a lovely day", "0.8", "train", "anna"],
        ["", "it was terrible", "-0.6", "valid", "ben"],
        ["", "???", "0", "test", "cleo"],
    ]
    return write_manifest(tmp_path, rows, [*HEADINGS, "group"])


def test_a_clip_and_words_become_features(manifest, tmp_path):
    out = tmp_path / "features.npz"
    extract_features(manifest, out, label_range=SIMS_SCORES)
    dataset = load_features(out)
    profile = LocalProfile.load()
    assert dataset.profile == "local"
    assert dataset.dims == profile.dims
    assert dataset.fingerprints == profile.fingerprints
    assert set(dataset.train[0].states) == {TEXT, AUDIO, VISION}
    assert set(dataset.valid[0].states) == {TEXT}
    assert dataset.test[0].states == {}
    assert dataset.train[0].target == pytest.approx(2.4)
    assert [dataset[s][0].group for s in ("train", "valid", "test")] == ["anna", "ben", "cleo"]
    expected = profile.embed_text(["it was terrible"])[0]
    torch.testing.assert_close(dataset.valid[0].states[TEXT], expected, atol=1e-4, rtol=1e-4)
    assert len(dataset.valid[0].ids) == len(expected)
    assert sorted(path.name for path in tmp_path.iterdir() if "features" in path.name) == ["features.npz"]


def test_rows_extracted_at_once_keep_their_order(tmp_path):
    texts = [" ".join(["word"] * length) for length in (400, 2, 300, 1, 200, 3)]
    path = write_manifest(tmp_path, [["", text, "1", "train"] for text in texts])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        dataset = extract_features(path, tmp_path / "features.npz")
    finally:
        torch.set_num_threads(before)
    assert dataset.transcripts["train"] == texts
    lengths = [len(item.states[TEXT]) for item in dataset.train]
    assert lengths == [len(text.split()) + 2 for text in texts]  # with [CLS] and [SEP]


def test_an_interrupted_extraction_continues(manifest, tmp_path, monkeypatch):
    out, decode, decoded = tmp_path / "features.npz", extraction.decode, []

    def counting(path, **options):
        decoded.append(path)
        return decode(path, **options)

    monkeypatch.setattr(extraction, "decode", counting)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(extraction, "save_features", interrupt)
        extract_features(manifest, out)
    dataset = extract_features(manifest, out)
    assert len(decoded) == 1
    assert dataset.notes == ("row 3: no words, voice or face found",)

    # other words are other features, whatever was kept
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(extraction, "save_features", interrupt)
        extract_features(manifest, out)
    manifest.write_text(manifest.read_text().replace("it was terrible", "it was not so terrible"))
    changed = extract_features(manifest, out)
    assert len(changed.valid[0].ids) == len(dataset.valid[0].ids) + 2


def test_rows_that_are_cut_are_named_and_their_notes_kept(tmp_path, example_clip, monkeypatch):
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(bytes([128]) * 8000 * 121)
    (tmp_path / example_clip.name).symlink_to(example_clip)
    rows = [
        ["long.wav", "hello there", "1", "train"],
        ["", "word " * 510, "1", "train"],  # with [CLS] and [SEP] as many as the encoder reads
        [example_clip.name, "word " * 511, "1", "valid"],
        ["", "word " * 600, "1", "test"],
    ]
    path, out, decode = write_manifest(tmp_path, rows), tmp_path / "features.npz", extraction.decode

    def decode_damaged(path, **options):
        clip = decode(path, **options)
        return clip if path.suffix == ".wav" else replace(clip, damaged=True)

    monkeypatch.setattr(extraction, "decode", decode_damaged)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(extraction, "save_features", interrupt)
        extract_features(path, out)
    monkeypatch.setattr(extraction, "decode", interrupt)  # an interrupted extraction knows its notes
    assert extract_features(path, out).notes == (
        "row 1: only the first 120 s of the clip were read",
        "row 3: parts of the file are damaged and were not read",
        "row 3, 4: only the first 510 words were read",
    )
    found = load_features(out)
    assert found.utterance_notes == {
        "train": ["only the first 120 s of the clip were read", ""],
        "valid": ["parts of the file are damaged and were not read; only the first 510 words were read"],
        "test": ["only the first 510 words were read"],
    }
    assert "long: only the first 120 s of the clip were read" in found.notes


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_clip_that_cannot_be_decoded_is_named(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    path = write_manifest(tmp_path, [["broken.mp4", "", "1", "train"]])
    with pytest.raises(ManifestError, match=r"row 1: .*broken.mp4 cannot be decoded"):
        extract_features(path, tmp_path / "features.npz")


def test_another_ending_is_refused_before_any_work(tmp_path):
    path = write_manifest(tmp_path, [["", "words", "1", "train"]])
    with pytest.raises(DataError, match=r"must end in \.npz"):
        extract_features(path, tmp_path / "features.csv")
