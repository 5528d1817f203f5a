"""Features on disk: what is written comes back, and a file that does not fit is explained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.features.feature_set import SCORES, SIMS_SCORES, SPLITS, DataError, FeatureSet, renamed, scaled
from models.features.files import load_features, save_features
from models.features.utterances import Utterance
from models.types import MODALITIES
from tests.models.feature_sets import AUDIO, DIMS, TEXT, VISION, feature_set, same_items


@pytest.mark.parametrize("tokens", [False, True])
def test_npz_comes_back_as_it_was_written(tmp_path, tokens):
    texts = {split: [f"{split} {i}" for i in range(96)][: 96 if split == "train" else 32] for split in SPLITS}
    dataset = feature_set(
        tokens=tokens, profile="local", fingerprints={"text": "aa"}, transcripts=texts, names=texts
    )
    save_features(tmp_path / "features.npz", dataset)
    found = load_features(tmp_path / "features.npz")
    for split, items in dataset:
        assert same_items(found[split], items, MODALITIES)
    for name in ("dims", "label_range", "profile", "fingerprints", "names", "transcripts"):
        assert getattr(found, name) == getattr(dataset, name), name


def test_an_absent_modality_stays_absent(tmp_path):
    dataset = feature_set()
    words = Utterance({TEXT: torch.ones(3, 12)}, 1.0, "made", "a")
    face = Utterance({VISION: torch.ones(2, 5), AUDIO: torch.ones(1, 6)}, -1.0, "made", "b")
    save_features(tmp_path / "features.npz", replace(dataset, test=[words, face]))
    found = load_features(tmp_path / "features.npz").test
    assert [set(item.states) for item in found] == [{TEXT}, {VISION, AUDIO}]


def test_labels_are_scaled_and_come_back(tmp_path):
    dataset = feature_set(label_range=SIMS_SCORES)
    path = tmp_path / "features.npz"
    save_features(path, dataset)
    with np.load(path) as file:
        stored = file["score"]
    assert np.abs(stored).max() <= 1
    np.testing.assert_allclose(stored[:96] * 3, [item.target for item in dataset.train], atol=1e-12)
    found = load_features(path)
    assert found.label_range == SIMS_SCORES
    assert [round(item.target, 9) for item in found.train] == [item.target for item in dataset.train]


@pytest.mark.parametrize("source", [SIMS_SCORES, (0.0, 10.0), SCORES])
def test_scaling_there_and_back(source):
    scores = np.linspace(*source, 7)
    there = scaled(scores, source, SCORES)
    np.testing.assert_allclose(there, np.linspace(-3, 3, 7), atol=1e-12)
    np.testing.assert_allclose(scaled(there, SCORES, source), scores, atol=1e-12)
    assert scaled(0.0, SIMS_SCORES, SCORES) == 0  # neutral stays exactly neutral


def test_tells_which_videos_are_in_two_splits():
    dataset = feature_set()
    assert dataset.shared_groups() == []
    assert replace(dataset, test=dataset.train[:6]).shared_groups() == ["video0-0", "video0-1"]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda a: a.pop("score"), "has no array 'score'"),
        (lambda a: a.pop("audio_values"), "has no array 'audio_values'"),
        (
            lambda a: a.update(split=a["split"][:-1]),
            r"split has the shape \(159,\); one for each",
        ),
        (lambda a: a.update(notes=a["id"][:-1]), r"notes has the shape \(159,\)"),
        (lambda a: a.update(id=np.array([b"\xff"] * 160)), "id, row 1: .* no UTF-8 text"),
        (lambda a: a.update(profile=np.array(["a", "b"])), "profile must be one text; it has 2"),
        (lambda a: a.update(audio_values=a["audio_values"].astype(str)), "numbers; they are <U32 of shape"),
        (
            lambda a: a.update(audio_values=a["audio_values"] * np.float64(1e300)),
            "audio_values has .* float32",
        ),
        (lambda a: a.update(id=a["id"][:-1]), r"id has the shape \(159,\); one for each score is \(160,\)"),
        (lambda a: a["split"].__setitem__(3, "dev"), "a split is 'dev'; known are train, valid, test"),
        (lambda a: a["score"].__setitem__(0, 4), r"the label 4.0 is outside \[-3, 3\].*--label-range"),
        (lambda a: a["score"].__setitem__(0, np.nan), "the label nan is outside"),
        (
            lambda a: a.update(score=a["score"].astype(str)),
            "score must be a number for each .* <U32",
        ),
        (lambda a: a.update(score=a["score"][:, None]), r"score must be .* shape \(160, 1\)"),
        (lambda a: a.update(score=np.array(1.0)), r"score must be .* shape \(\)"),
        (lambda a: a.update(split=a["split"][:, None]), r"split has the shape \(160, 1\)"),
        (lambda a: a.update(label_range=np.array(3.0)), "label_range must be two numbers"),
        (lambda a: a.update(label_range=np.array([1.0, 2.0, 3.0])), "label_range must be two numbers"),
        (lambda a: a.update(label_range=np.array(["low", "high"])), "label_range must be two numbers"),
        (lambda a: a.update(label_range=np.array([-3.0, np.nan])), "label_range must be two numbers"),
        (lambda a: a.update(label_range=np.array([3.0, -3.0])), "from a lower to a higher number"),
        (lambda a: a.update(fingerprints=np.array("[1]")), "fingerprints must be a JSON object"),
        (lambda a: a["vision_values"].__setitem__((0, 0), np.inf), "vision_values has values that are no"),
        (lambda a: a["text_lengths"].__setitem__(0, 99), "text_lengths add up to"),
        (lambda a: a.update(text_lengths=a["text_lengths"][:-1]), "text_lengths must be 160 whole numbers"),
        (lambda a: a.update(text_values=a["text_values"][0]), r"text_values must be \(steps, width\)"),
        (lambda a: a.update(text_ids=np.arange(3)), "text_ids must be"),
        (lambda a: a.update(fingerprints=np.array("{")), "fingerprints cannot be read"),
        (lambda a: a.update(profile=np.array("../elsewhere")), "letters, digits, dots and dashes"),
    ],
)
def test_a_file_that_does_not_fit_is_explained(tmp_path, damage, complaint):
    path = tmp_path / "features.npz"
    save_features(path, feature_set())
    with np.load(path) as file:
        arrays = dict(file)
    damage(arrays)
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=complaint) as error:
        load_features(path)
    assert path.name in str(error.value)


def test_bytes_and_numbers_in_a_npz_are_texts(tmp_path):
    path = tmp_path / "features.npz"
    words = {split: [f"{split} {i}" for i in range(32)] for split in ("valid", "test")}
    save_features(path, feature_set(names={**words, "train": [f"é{i}" for i in range(96)]}, profile="mine"))
    expected = load_features(path)
    with np.load(path) as file:
        arrays = dict(file)
    for name in ("id", "transcript", "group", "split", "profile", "fingerprints"):
        arrays[name] = np.char.encode(arrays[name], "utf-8")
    arrays["transcript"] = np.arange(160)
    np.savez(path, **arrays)
    found = load_features(path)
    for name in ("names", "profile", "fingerprints"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.transcripts["train"][:2] == ["0", "1"]
    for split, items in expected:
        assert same_items(found[split], items, MODALITIES)


def test_what_was_not_read_of_utterances_is_told_when_they_are_read(tmp_path):
    cut = [f"cut{'; odd' if i == 3 else ''}" if i < 7 else "" for i in range(32)]
    path = tmp_path / "features.npz"
    save_features(
        path, feature_set(utterance_notes={"test": cut}, names={"test": [f"t{i}" for i in range(32)]})
    )
    found = load_features(path)
    assert found.utterance_notes["test"] == cut and not any(found.utterance_notes["train"])
    assert found.notes == ("t0, t1, t2, t3, t4 and 2 more: cut", "t3: odd")


def test_objects_in_a_npz_are_not_unpickled(tmp_path):
    path = tmp_path / "features.npz"
    np.savez(path, score=np.array([print], dtype=object))
    with pytest.raises(DataError, match=r"damaged or no \.npz of plain arrays.*texts as str"):
        load_features(path)


def test_one_array_under_the_ending_of_several_is_explained(tmp_path):
    path = tmp_path / "features.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match=r"features\.npz is a \.npy of one array"):
        load_features(path)


@pytest.mark.parametrize("kept", [0, 30, 3000])
def test_a_truncated_file_is_explained(tmp_path, kept):
    path = tmp_path / "features.npz"
    save_features(path, feature_set())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="damaged"):
        load_features(path)


def test_an_absent_file_and_an_unknown_ending(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        load_features(tmp_path / "features.npz")
    (tmp_path / "features.csv").touch()
    with pytest.raises(DataError, match=r"neither a \.npz nor a \.pkl"):
        load_features(tmp_path / "features.csv")
    with pytest.raises(DataError, match=r"must end in \.npz"):
        save_features(tmp_path / "features.csv", feature_set())


def test_an_empty_split_is_named():
    dataset = FeatureSet(train=[], valid=[], test=feature_set().test, dims=DIMS)
    dataset.needed("test")
    with pytest.raises(DataError, match="no utterance of the split 'train'"):
        dataset.needed("train", "valid")


def test_only_unnamed_features_take_a_name():
    assert renamed(feature_set(), "mosi-bert").profile == "mosi-bert"
    assert renamed(feature_set(), None).profile == "features"
    assert renamed(feature_set(profile="local"), "local").profile == "local"
    with pytest.raises(DataError, match="do not come from the extractors of 'local'"):
        renamed(feature_set(), "local")
    with pytest.raises(DataError, match="of the profile 'local', not of 'mosi'"):
        renamed(feature_set(profile="local"), "mosi")
    with pytest.raises(DataError, match="letters, digits, dots and dashes"):
        renamed(feature_set(), "../elsewhere")
