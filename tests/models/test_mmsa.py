"""MMSA's pickles: what is in them, and that reading one runs nothing that is in it."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.training.datasets import SIMS_SCORES, DataError, load_features, save_features
from models.training.mmsa import load_pickle
from models.types import MODALITIES
from tests.models.feature_sets import AUDIO, DIMS, TEXT, VISION, feature_set, mmsa_content, same_items


@pytest.fixture
def write(tmp_path):
    """write(content, protocol=4) -> path of a pickle."""

    def write(content, protocol: int = 4) -> Path:
        path = tmp_path / "unaligned_50.pkl"
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        return path

    return write


def test_unaligned_features_are_cut_to_their_lengths(write):
    content = mmsa_content()
    dataset = load_features(write(content))
    table = content["train"]
    assert dataset.dims == DIMS
    assert (len(dataset.train), len(dataset.valid), len(dataset.test)) == (96, 32, 32)
    for i, item in enumerate(dataset.train):
        words, frames = 3 + i % 3, 4 + i % 4
        assert [len(item.states[m]) for m in MODALITIES] == [words, frames, frames]
        np.testing.assert_array_equal(item.states[AUDIO], table["audio"][i, :frames])
        np.testing.assert_array_equal(item.states[TEXT], table["text"][i, :words])
        assert item.target == pytest.approx(table["regression_labels"][i])
        assert item.group == f"video{i // 2}"
        assert item.ids.tolist() == [2000] * words
    assert dataset.names["train"][3] == "video1$_$3"
    assert dataset.transcripts["test"][5] == "sentence 5"


def test_lengths_that_miss_the_data_are_not_believed(write):
    """Left padding, and a count that stops at the first zero row, as some releases have it."""

    def left(values):
        return values[:, ::-1].copy()

    dataset = load_features(write(mmsa_content(audio=left, audio_lengths=lambda lengths: [1] * len(lengths))))
    table = mmsa_content()["train"]
    for i, item in enumerate(dataset.train):
        frames = 4 + i % 4
        np.testing.assert_array_equal(item.states[AUDIO], table["audio"][i, :frames][::-1])


def test_a_silent_frame_within_its_length_is_kept(write):
    content = mmsa_content()
    content["train"]["vision"][5, 2:] = 0  # row 5 has 5 frames
    assert len(load_features(write(content)).train[5].states[VISION]) == 5


def test_aligned_features_keep_their_steps_together(write):
    content = mmsa_content()
    for table in content.values():
        del table["audio_lengths"], table["vision_lengths"]
        for modality in ("audio", "vision"):
            table[modality] = table[modality][:, :8]
            table[modality][:, 0] = 0  # [CLS] has no voice and no face
    for i, item in enumerate(load_features(write(content)).train):
        assert {len(states) for states in item.states.values()} == {max(3 + i % 3, 4 + i % 4)}
        np.testing.assert_array_equal(item.states[AUDIO][0], np.zeros(6))
        np.testing.assert_array_equal(item.states[AUDIO][1], content["train"]["audio"][i, 1])
        assert len(item.ids) == len(item.states[TEXT])


def test_without_token_ids_the_words_end_where_the_zeros_start(write):
    content = mmsa_content()
    for table in content.values():
        table["text"][table.pop("text_bert")[:, 1] == 0] = 0
    item = load_features(write(content)).train[4]
    assert len(item.states[TEXT]) == 4
    assert item.ids is None


def test_a_modality_of_zeros_is_absent(write):
    content = mmsa_content()
    content["test"]["vision"][2] = 0
    assert set(load_features(write(content)).test[2].states) == {TEXT, AUDIO}


def test_infinities_become_zero_and_are_counted(write):
    content = mmsa_content()
    content["train"]["audio"][0, 1, 2:4] = -np.inf, np.nan
    dataset = load_features(write(content))
    assert dataset.train[0].states[AUDIO][1, 2:4].tolist() == [0, 0]
    assert dataset.notes == ("2 values that were no finite numbers became 0",)


def test_ch_sims_is_recognised_and_scaled(write):
    content = mmsa_content(
        regression_labels=lambda labels: labels / 3,
        raw_text=lambda texts: np.array(["这部电影很好看"] * len(texts)),
    )
    dataset = load_features(write(content))
    assert dataset.label_range == SIMS_SCORES
    expected = 3 * content["train"]["regression_labels"][:5]
    assert [item.target for item in dataset.train[:5]] == pytest.approx(expected.tolist())
    assert dataset.train[0].ids is None  # another BERT's tokens
    assert load_features(write(content), (-3.0, 3.0)).label_range == (-3, 3)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol_is_read(write, protocol):
    content = mmsa_content()
    content["train"]["id"] = content["train"]["id"].astype(object)
    content["train"]["extra"] = {"mean": np.float32(0.5), "list": [np.arange(3), None, True]}
    found = load_pickle(write(content, protocol))
    np.testing.assert_array_equal(found["train"]["audio"], content["train"]["audio"])
    assert found["train"]["extra"]["mean"] == np.float32(0.5)
    assert found["train"]["id"].tolist() == content["train"]["id"].tolist()


def test_numpy_1_called_its_modules_otherwise(write):
    path = write(mmsa_content(), protocol=2)
    path.write_bytes(path.read_bytes().replace(b"numpy._core.", b"numpy.core."))
    assert len(load_features(path).train) == 96


class Malicious:
    """Unpickled by the standard library, this makes a folder."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_with_code_is_refused_by_name_and_not_run(write, tmp_path, protocol):
    target = tmp_path / "ran"
    path = write({**mmsa_content(), "surprise": Malicious(target)}, protocol)
    with pytest.raises(DataError, match=r"refers to (posix|nt)\.mkdir") as error:
        load_features(path)
    assert path.name in str(error.value)
    assert not target.exists()


@pytest.mark.parametrize(
    "value", [sys.exit, getattr, torch.zeros(2), np.load], ids=["exit", "getattr", "tensor", "numpy.load"]
)
def test_other_globals_are_refused(write, value):
    with pytest.raises(DataError, match="it refers to"):
        load_pickle(write({"train": value}))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04", b"\x80\x04]", b"cnumpy\nndarray\n(tR."])
def test_damaged_pickles_are_explained(tmp_path, content):
    path = tmp_path / "features.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"features\.pkl"):
        load_features(path)


def test_a_truncated_pickle_is_explained(write):
    path = write(mmsa_content())
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match=r"is not read|damaged"):
        load_features(path)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda c: c.pop("valid"), "must be a dict with the splits train, valid, test"),
        (lambda c: c["valid"].pop("vision"), "valid/vision is missing"),
        (lambda c: c["test"].pop("regression_labels"), "test/regression_labels is missing"),
        (lambda c: c["train"].update(audio=c["train"]["audio"][1:]), "train/audio has 95 rows for 96"),
        (lambda c: c["train"].update(text=c["train"]["text"][:, 0]), "train/text must be .* 3 axes"),
        (lambda c: c["train"].update(text=np.array(["a"])), "train/text must be an array of numbers"),
        (
            lambda c: c["test"].update(vision=c["test"]["vision"][:, :, :4]),
            "test/vision is 4 wide, and that of 'train' 5; all splits must have one width",
        ),
        (lambda c: c["train"].update(text_bert=c["train"]["text_bert"][:, :2]), "train/text_bert is"),
        (lambda c: c["train"].update(audio_lengths=[1]), "train/audio_lengths must be 96"),
        (lambda c: c["train"].update(id=["a"]), "train/id has 1 entries for 96"),
        (lambda c: c["train"]["regression_labels"].__setitem__(0, 5), r"label 5.0 is outside \[-3, 3\]"),
    ],
)
def test_a_file_that_does_not_fit_is_explained(write, damage, complaint):
    content = mmsa_content()
    damage(content)
    with pytest.raises(DataError, match=complaint):
        load_features(write(content))


def test_something_else_in_a_pickle_is_explained(write):
    with pytest.raises(DataError, match="no MMSA file"):
        load_features(write([1, 2, 3]))


@pytest.mark.parametrize("tokens", [False, True])
def test_what_is_written_for_mmsa_comes_back(tmp_path, tokens):
    dataset = feature_set(tokens=tokens)
    path = tmp_path / "features.pkl"
    save_features(path, dataset)
    content = pickle.loads(path.read_bytes())
    table = content["valid"]
    assert ("text_bert" in table) == tokens
    assert table["text"].shape == (32, 6, 12) and table["audio"].dtype == np.float32
    assert table["audio_lengths"] == [len(item.states[AUDIO]) for item in dataset.valid]
    assert set(table["annotations"]) <= {"Negative", "Neutral", "Positive"}
    assert (table["annotations"] == "Positive").tolist() == [item.target > 0 for item in dataset.valid]
    found = load_features(path)
    for split, items in dataset:
        assert [item.target for item in found[split]] == pytest.approx([item.target for item in items])
        expected = [item.states for item in items]
        for item, states in zip(found[split], expected, strict=True):
            assert all(torch.equal(item.states[m], states[m]) for m in MODALITIES)
            assert (item.ids is not None) == tokens


def test_a_pickle_read_and_written_says_the_same(write, tmp_path):
    first = load_features(write(mmsa_content()))
    save_features(tmp_path / "again.pkl", first)
    second = load_features(tmp_path / "again.pkl")
    assert second.names == first.names and second.transcripts == first.transcripts
    for split, items in first:
        assert same_items(second[split], items, MODALITIES)


def test_equal_steps_are_written_as_aligned(tmp_path):
    dataset = feature_set()
    for _, items in dataset:
        for item in items:
            item.states.update({m: states[:2] for m, states in item.states.items()})
    save_features(tmp_path / "features.pkl", dataset)
    content = pickle.loads((tmp_path / "features.pkl").read_bytes())
    assert "audio_lengths" not in content["train"]
    assert {content["train"][m].shape[1] for m in ("text", "audio", "vision")} == {2}
