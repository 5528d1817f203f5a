"""MMSA's pickles: what is in them, and that reading one runs nothing that is in it."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
import torch

from models.features.feature_set import SIMS_SCORES, SPLITS, DataError
from models.features.files import load_features, save_features
from models.features.pickles import load_pickle
from models.types import MODALITIES
from tests.models.feature_sets import (
    AUDIO,
    DIMS,
    TEXT,
    VISION,
    feature_set,
    mmsa_content,
    mmsa_split,
    same_items,
)

ROOT = Path(__file__).resolve().parents[3]


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


def as_objects(values) -> np.ndarray:
    """An array of objects, one for each of the values."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


CHINESE = "我真的很喜欢这部电影"
BYTES = {
    "list": lambda texts: [str(text).encode() for text in texts],
    "objects": lambda texts: as_objects([str(text).encode() for text in texts]),
    "array": lambda texts: np.array([str(text).encode() for text in texts]),
}


@pytest.mark.parametrize("kind", BYTES)
def test_bytes_are_texts_in_utf_8(write, kind):
    told = [f"{CHINESE} {i}" for i in range(96)]
    content = mmsa_content(
        raw_text=lambda texts: BYTES[kind](told[: len(texts)]),
        id=BYTES[kind],
        annotations=BYTES[kind],
    )
    dataset = load_features(write(content))
    assert dataset.transcripts["train"] == told
    assert dataset.names["train"][:2] == ["video0$_$0", "video0$_$1"]
    assert dataset.train[0].group == "video0"
    assert dataset.train[0].ids is None  # Chinese, also in bytes


def test_bytes_that_are_no_text_are_named(write):
    content = mmsa_content(raw_text=lambda texts: [b"fine", "caf\u00e9".encode("latin1"), *texts[2:]])
    with pytest.raises(DataError, match=r"unaligned_50\.pkl: train/raw_text, row 2: the bytes b'caf.*UTF-8"):
        load_features(write(content))


class Python2Pickler(pickle._Pickler):
    """Writes every string as Python 2 wrote its `str`: as bytes that do not say what they are."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_string(self, value: str | bytes) -> None:
        stored = value.encode() if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(stored)) + stored)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string


def test_a_pickle_of_python_2_is_read(tmp_path):
    content = mmsa_content(
        raw_text=lambda texts: [CHINESE] * len(texts), text=lambda values: values.astype(">f4"), id=list
    )
    with (tmp_path / "features.pkl").open("wb") as file:
        Python2Pickler(file, 2).dump(content)
    dataset = load_features(tmp_path / "features.pkl")
    assert dataset.transcripts["valid"][0] == CHINESE
    assert dataset.names["train"][0] == "video0$_$0"
    np.testing.assert_array_equal(dataset.train[1].states[TEXT], content["train"]["text"][1, :4])


def test_a_smiley_is_not_chinese(write):
    dataset = load_features(write(mmsa_content(raw_text=lambda texts: [f"{text} 😀" for text in texts])))
    assert dataset.train[0].ids is not None


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (lambda count: [str(i) for i in range(count)], ["0", "1"]),
        (lambda count: np.arange(count), ["0", "1"]),
        (lambda count: np.arange(count, dtype=float), ["0", "1"]),
        (lambda count: [None] * count, ["train_0", "train_1"]),
        (lambda count: [float("nan")] * count, ["train_0", "train_1"]),
    ],
)
def test_ids_that_name_no_video_make_no_group(write, tmp_path, ids, names):
    dataset = load_features(write(mmsa_content(id=lambda given: ids(len(given)))))
    save_features(tmp_path / "features.npz", dataset)
    save_features(tmp_path / "again.pkl", load_features(tmp_path / "features.npz"))
    for found in (dataset, load_features(tmp_path / "again.pkl")):
        assert found.shared_groups() == []
        assert {item.group for item in found.train} == {""}
        assert found.names["train"][:2] == names


def test_groups_and_notes_survive_both_formats(tmp_path):
    dataset = feature_set(utterance_notes={"valid": ["cut; damaged", *[""] * 30, "cut"]})
    shared = replace(dataset.test[0], group=dataset.train[0].group)
    found = replace(dataset, test=[shared, *dataset.test[1:]])
    for ending in (".pkl", ".npz", ".pkl"):
        save_features(tmp_path / f"features{ending}", found)
        found = load_features(tmp_path / f"features{ending}")
        assert found.shared_groups() == [shared.group]
        assert found.utterance_notes["valid"] == dataset.utterance_notes["valid"]
        assert found.notes == ("valid_0, valid_31: cut", "valid_0: damaged")
    assert [item.group for item in found.valid] == [item.group for item in dataset.valid]


UNPADDED = {
    "list": list,
    "tuple": tuple,
    "objects": as_objects,
    "float64": lambda rows: [row.astype(np.float64) for row in rows],
    "lists": lambda rows: [row.tolist() for row in rows],
}


@pytest.mark.parametrize("kind", UNPADDED)
@pytest.mark.parametrize("lengths", [False, True])
def test_lists_of_unpadded_arrays_are_read(write, kind, lengths):
    content = mmsa_content()
    expected = load_features(write(content))
    for table in content.values():
        for modality in MODALITIES:
            steps = table.get(f"{modality}_lengths", [3 + i % 3 for i in range(len(table["id"]))])
            rows = [values[:count] for values, count in zip(table[modality], steps, strict=True)]
            table[str(modality)] = UNPADDED[kind](rows)
        if not lengths:
            del table["audio_lengths"], table["vision_lengths"]
    found = load_features(write(content))
    assert found.dims == DIMS
    for split, items in expected:
        assert same_items(found[split], items, MODALITIES)


def test_a_silent_end_of_an_unpadded_array_is_kept(write):
    content = mmsa_content(audio_lengths=lambda lengths: None)
    rows = [values[: 4 + i % 4] for i, values in enumerate(content["train"]["audio"])]
    rows[6][4:] = 0
    content["train"]["audio"] = rows
    assert len(load_features(write(content)).train[6].states[AUDIO]) == 6


def test_an_utterance_of_a_list_may_lack_the_modality(write):
    content = mmsa_content()
    content["train"]["vision"] = [None, [], *content["train"]["vision"][2:]]
    dataset = load_features(write(content))
    assert [set(item.states) for item in dataset.train[:3]] == [{TEXT, AUDIO}] * 2 + [{TEXT, AUDIO, VISION}]


NUMBERS = {
    "float64": lambda values: values.astype(np.float64),
    "big-endian": lambda values: values.astype(">f8"),
    "Fortran order": lambda values: np.asfortranarray(values.astype(np.float64)),
    "objects": lambda values: values.astype(object),
    "float16": lambda values: values.astype(np.float16),
    "whole": lambda values: np.round(values).astype(np.int16),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_any_kind_of_number_becomes_float32(write, kind):
    change = NUMBERS[kind]
    content = mmsa_content(text=change, audio=change, vision=change, regression_labels=lambda y: y[:, None])
    for split, items in load_features(write(content)):
        for i, item in enumerate(items):
            for modality, frames in zip(MODALITIES, (3 + i % 3, 4 + i % 4, 4 + i % 4), strict=True):
                wanted = content[split][modality][i, :frames].astype(np.float32)
                assert item.states[modality].dtype == torch.float32
                np.testing.assert_array_equal(item.states[modality], wanted)


def test_an_array_in_two_places_is_read_in_both(write):
    content = mmsa_content(audio=lambda values: [values[7].astype(np.float64)] * len(values))
    content["train"]["text"] = content["train"]["text"].astype(np.float64)
    content["test"] = content["valid"] = content["train"]
    dataset = load_features(write(content))
    frames = content["train"]["audio"][7][:7].astype(np.float32)
    for items in (dataset.train, dataset.test):
        np.testing.assert_array_equal(items[4].states[TEXT], content["train"]["text"][4, :4].astype("f4"))
        for item in items[:7]:
            np.testing.assert_array_equal(item.states[AUDIO][:4], frames[:4])


def test_an_empty_split_is_read(write):
    content = mmsa_content()
    content["test"] = {key: [] for key in content["test"]}
    dataset = load_features(write(content))
    assert (len(dataset.train), dataset.test, dataset.dims) == (96, [], DIMS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loading_takes_little_more_memory_than_the_file(tmp_path, dtype):
    path = tmp_path / "features.pkl"
    wide = {"text": 300, "audio": 40, "vision": 80}
    content = {split: mmsa_split(80 if split == "train" else 20, steps=(40, 60, 60)) for split in SPLITS}
    for table in content.values():
        for modality, width in wide.items():
            values = np.repeat(table[modality], width // table[modality].shape[2], axis=2)
            table[modality] = np.ascontiguousarray(values[:, :, :width], dtype)
    with path.open("wb") as file:
        pickle.dump(content, file)
    del content
    load_features(path)  # what is allocated once
    tracemalloc.start()
    try:
        dataset = load_features(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(dataset.train) == 80
    assert peak < 1.3 * path.stat().st_size


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


class State:
    """Unpickled, it is what `function` makes of the arguments, with the given state set."""

    def __init__(self, function, arguments: tuple, state: tuple | None = None):
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.reduced


RECONSTRUCT, SCALAR, FROMBUFFER = (
    np.zeros(1).__reduce__()[0],
    np.float32(1).__reduce__()[0],
    np.zeros(1).__reduce_ex__(5)[0],
)
JUNK = b"Fusebox!" * 4096
OBJECTS = State(np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0))  # denies its objects
COUNTED = State(np.dtype, ("f8", False, True), (3, "<", None, None, None, -1, -1, 63))  # claims objects


def stated(shape, dtype, values) -> State:
    return State(RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, shape, dtype, False, values))


UNSOUND = {
    "bytes as objects": stated((4096,), OBJECTS, JUNK),
    "a scalar of bytes as an object": State(SCALAR, (OBJECTS, JUNK[:8])),
    "a buffer of objects": State(FROMBUFFER, (JUNK, OBJECTS, (4096,), "C")),
    "a buffer of itself": State(FROMBUFFER, (np.zeros(3), np.dtype("f8"), (3,), "C")),
    "negative axes": stated((-64, -64), np.dtype("f8"), JUNK),
    "more values than bytes": stated((4096, 64), np.dtype("f8"), JUNK),
    "no dtype": stated((4096,), "f8", JUNK),
    "memory as it was found": State(np.ndarray, ((4096,),)),
}


READ_ALL = """
import sys
from models.features.feature_set import DataError
from models.features.pickles import load_pickle
for path in sys.argv[1:]:
    try:
        print(load_pickle(path)["unsound"])
    except DataError as error:
        print(f"refused: {error}", flush=True)
"""


def test_arrays_that_numpy_would_misread_are_refused(write, tmp_path):
    """In a process of its own: with numpy's own functions some of these end it."""
    paths = [
        write({**mmsa_content(), "unsound": unsound}).rename(tmp_path / f"{kind}.pkl")
        for kind, unsound in UNSOUND.items()
    ]
    run = subprocess.run(
        [sys.executable, "-c", READ_ALL, *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )
    for path, told in zip_longest(paths, run.stdout.splitlines()):
        assert told and told.startswith(f"refused: {path} is"), (path, told)
    assert run.returncode == 0


def test_flags_that_a_dtype_claims_are_not_believed(write):
    values = load_pickle(write([stated((4096,), COUNTED, JUNK)]))[0]
    assert not values.dtype.hasobject
    assert values.tobytes() == JUNK


KINDS = ["?", "i1", "u2", ">i4", "<i8", "f2", ">f4", "f8", ">f8", "c8"]
ARRAYS = {
    **{kind: np.arange(6).reshape(2, 3).astype(kind) for kind in KINDS},
    "text": np.array([["good", "bad"], ["真好", ""]]),
    "big-endian text": np.array(["good", "真好"]).astype(">U4"),
    "bytes": np.array([b"good", b"bad"]),
    "objects": np.array([["good", 1.5], [None, b"bad"]], object),
    "times": np.array(["2020-01-01T12:00", "2021-02-03"], "M8[s]"),
    "spans": np.array([1, 2]).astype("m8[25ms]"),
    "Fortran order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "transposed": np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
    "every second": np.arange(12.0)[::2],
    "empty": np.zeros((0, 3)),
    "one value": np.array(3.5),
    "float32 number": np.float32(0.5),
    "big number": np.int64(-(2**40)),
    "truth": np.bool_(True),
    "text number": np.str_("真好"),
}


@pytest.mark.parametrize("modules", [b"numpy._core.", b"numpy.core."])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_come_back_as_they_were(tmp_path, kind, protocol, modules):
    stored = pickle.dumps(ARRAYS[kind], protocol)
    if protocol < 4:  # later ones count the bytes of a name
        stored = stored.replace(b"numpy._core.", modules).replace(b"numpy.core.", modules)
    path = tmp_path / "features.pkl"
    path.write_bytes(stored)
    found = load_pickle(path)
    assert found.dtype.newbyteorder("=") == ARRAYS[kind].dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, ARRAYS[kind])


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
        (lambda c: c["train"].update(text_bert=5), "train/text_bert has 1 rows for 96"),
        (lambda c: c["train"].update(audio=[*c["train"]["audio"][1:], 5]), "train/audio, row 96, must be"),
        (
            lambda c: c["train"].update(audio=[v[:, 0] for v in c["train"]["audio"]]),
            r"audio, row 1, .*\(12,\)",
        ),
        (lambda c: c["valid"].update(audio=[[[1], [1, 2]]] * 32), "valid/audio, row 1, must be an array"),
        (
            lambda c: c["valid"].update(audio=[*c["valid"]["audio"][1:], np.ones((2, 5))]),
            "valid/audio, row 32, is 5 wide, and others 6",
        ),
        (lambda c: c["valid"].update(audio=[None] * 31), "valid/audio has 31 rows for 32"),
        (
            lambda c: [table.update(audio=[None] * len(table["id"])) for table in c.values()],
            "audio has no value in any split",
        ),
        (lambda c: c["train"].update(audio_lengths=[[1], [1, 2]]), "train/audio_lengths must be 96"),
        (lambda c: c["train"].update(audio_lengths=[1]), "train/audio_lengths must be 96"),
        (lambda c: c["train"].update(id=[[1], [2, 3]] * 48), "train/id, row 1: a list is no text"),
        (lambda c: c["train"].update(group=["a"]), "train/group has 1 entries for 96"),
        (
            lambda c: c["test"]["regression_labels"].__setitem__(2, np.nan),
            "test/regression_labels, row 3: .*nan",
        ),
        (lambda c: c["test"].update(regression_labels=[[1], [1, 2]]), "test/regression_labels must be one"),
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
