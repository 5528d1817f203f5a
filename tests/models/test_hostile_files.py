"""Files of weights and of features that somebody made or broke: they run nothing and exhaust nothing.

`DAMAGED_FILES=1000 python -m pytest tests/models/test_hostile_files.py` breaks so many of each kind.
"""

from __future__ import annotations

import json
import os
import random
import resource
import time
import zipfile
from pathlib import Path

import pytest

from models.checkpoint import CheckpointMeta, fusion_path, load_fusion, save_fusion
from models.features.feature_set import DataError
from models.features.files import load_features, save_features
from models.registry import spec
from models.tensors import CheckpointError, load_tensors, read_meta
from models.types import MODALITIES
from tests.models.feature_sets import feature_set

DAMAGED = int(os.environ.get("DAMAGED_FILES", "60"))  # of each kind
MOST_MB = 300.0
MOST_SECONDS = 20.0
GIGANTIC = 100 << 30  # bytes


class Cost:
    """Memory and time that a block took; fails where that is much for a file of some kilobytes."""

    def __enter__(self) -> None:
        self._start, self._before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def __exit__(self, *raised: object) -> None:
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._before) / 1000
        assert grown < MOST_MB, f"{grown:.0f} MB"
        assert time.perf_counter() - self._start < MOST_SECONDS


def shares(depth: int, kind: bytes) -> bytes:
    """A pickle of a tuple of the same tuple twice, and so on: to hash or to print it takes 2^depth steps."""
    return b"\x80\x02K\x01" + (b"2" + kind) * depth


FEATURES = {
    "a list of 200,000,000 places": b"\x80\x02]r\xff\xe0\xf5\x05.",
    "bytes that are not there": b"\x80\x04\x8e" + GIGANTIC.to_bytes(8, "little") + b"abc.",
    "a bytearray that is not there": b"\x80\x05\x96" + GIGANTIC.to_bytes(8, "little") + b"abc.",
    "a text that is not there": b"\x80\x04\x8d" + GIGANTIC.to_bytes(8, "little") + b"abc.",
    "a frame that is not there": b"\x80\x04\x95" + GIGANTIC.to_bytes(8, "little") + b"abc.",
    "a number of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "a key that is never hashed": b"\x80\x02}" + shares(60, b"\x86")[2:] + b"K\x01s.",
    "a member that is never hashed": b"\x80\x04\x8f(" + shares(60, b"\x86")[2:] + b"\x90.",
    "lists without end": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "a program": b"cos\nsystem\n(S'touch ran'\ntR.",
    "a program by another way": b"(S'touch ran'\nios\nsystem\n.",
    "an object": b"\x80\x02cbuiltins\neval\n)\x81.",
    "something outside": b"\x80\x02K\x01Q.",
}


@pytest.mark.parametrize("name", FEATURES)
def test_a_hostile_pickle_is_refused_at_once(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "features.pkl").write_bytes(FEATURES[name])
    with Cost(), pytest.raises(DataError, match=r"features\.pkl"):
        load_features(tmp_path / "features.pkl")
    assert not (tmp_path / "ran").exists()


def npy(descr: str, shape: tuple, header: bytes | None = None) -> bytes:
    """An array's file whose header claims what follows it does not hold."""
    told = header or repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x02\x00" + len(told).to_bytes(4, "little") + told + b"abc"


ARRAYS = {
    "100 GB that are not there": npy("<f4", (GIGANTIC // 4,)),
    "a shape beyond all numbers": npy("<f4", (1 << 62, 1 << 62)),
    "a text of 100 GB": npy(f"<U{GIGANTIC // 4}", (1,)),
    "objects": npy("|O", (1,)),
    "a header without end": npy("", (), b"(" * 9000),
    "a header that is a program": npy("", (), b"__import__('os').system('touch ran')"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_hostile_npz_is_refused_at_once(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(tmp_path / "features.npz", "w") as file:
        file.writestr("score.npy", ARRAYS[name])
    with Cost(), pytest.raises(DataError, match=r"features\.npz"):
        load_features(tmp_path / "features.npz")
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def shipped(tmp_path, dims) -> Path:
    """An LMF checkpoint."""
    meta = CheckpointMeta(
        method="lmf",
        config=spec("lmf").config,
        profile="local",
        fingerprints={str(m): "x" for m in MODALITIES},
        dims={str(m): d for m, d in dims.items()},
        residual_quantiles={},
    )
    save_fusion(fusion_path("lmf", root=tmp_path), spec("lmf").build(dims), meta)
    return fusion_path("lmf", root=tmp_path)


def header_of(path: Path) -> tuple[dict, bytes]:
    """The header of a safetensors file, and what follows it."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def written(path: Path, header: dict, rest: bytes) -> None:
    told = json.dumps(header).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + rest)


def a_long_header(header, rest, path):
    path.write_bytes(GIGANTIC.to_bytes(8, "little") + path.read_bytes()[8:])


def a_large_tensor(header, rest, path):
    name = next(key for key in header if key != "__metadata__")
    header[name] |= {"shape": [GIGANTIC // 4], "data_offsets": [0, GIGANTIC]}
    written(path, header, rest)


def settings_of_a_large_network(header, rest, path):
    meta = json.loads(header["__metadata__"]["meta"])
    meta["config"]["rank"] = 2_000_000
    header["__metadata__"]["meta"] = json.dumps(meta)
    written(path, header, rest)


def states_of_a_large_width(header, rest, path):
    meta = json.loads(header["__metadata__"]["meta"])
    meta["dims"]["text"] = 2_000_000
    header["__metadata__"]["meta"] = json.dumps(meta)
    written(path, header, rest)


def metadata_without_end(header, rest, path):
    header["__metadata__"]["meta"] = "[" * 200_000
    written(path, header, rest)


HOSTILE = (
    a_long_header,
    a_large_tensor,
    settings_of_a_large_network,
    states_of_a_large_width,
    metadata_without_end,
)


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_hostile_weights_are_refused_at_once(make, shipped, tmp_path):
    make(*header_of(shipped), shipped)
    with Cost(), pytest.raises(CheckpointError, match="lmf"):
        load_fusion("lmf", root=tmp_path)


def damaged(content: bytes, seed: int) -> bytes:
    """The bytes with some of them changed, cut out, doubled or set to the largest number."""
    draw, changed = random.Random(seed), bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 8))):
        changed = changed or bytearray(1)
        at = draw.randrange(min(len(changed), draw.choice((64, 512, len(changed)))))
        length = draw.choice((1, 1, 4, 8))
        kind = draw.choice(("change", "cut", "double", "fill", "end"))
        if kind == "change":
            changed[at : at + length] = draw.randbytes(length)
        elif kind == "cut":
            del changed[at : at + length]
        elif kind == "double":
            changed[at:at] = changed[at : at + length]
        elif kind == "fill":
            changed[at : at + length] = b"\xff" * (length - 1) + b"\x7f"
        else:
            del changed[max(at, 1) :]
    return bytes(changed)


def test_damaged_weights_are_explained(shipped, tmp_path):
    content = shipped.read_bytes()
    for seed in range(DAMAGED):
        shipped.write_bytes(damaged(content, seed))
        with Cost():
            for read in (load_tensors, read_meta, lambda _: load_fusion("lmf", root=tmp_path)):
                try:
                    read(shipped)
                except CheckpointError as error:
                    assert len(str(error)) > 20


@pytest.mark.parametrize("ending", [".npz", ".pkl"])
def test_damaged_features_are_explained(ending, tmp_path):
    path = tmp_path / f"features{ending}"
    save_features(path, feature_set())
    content = path.read_bytes()
    for seed in range(DAMAGED):
        path.write_bytes(damaged(content, seed))
        with Cost():
            try:
                load_features(path)
            except DataError as error:
                assert len(str(error)) > 20
