"""Features as `.npz`, this project's own files."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from tokenize import TokenError

import numpy as np
import torch
from torch import Tensor

from models.features.feature_set import (
    SCORES,
    SPLITS,
    UNNAMED_PROFILE,
    DataError,
    FeatureSet,
    check_labels,
    has_notes,
    names,
    note_lines,
    profile_name,
    scaled,
    strings,
    transcripts,
    utterance_notes,
)
from models.features.utterances import Utterance
from models.types import MODALITIES, Modality

# of a zip file, of an array's header, of what that claims
DAMAGE = (
    *(ValueError, OSError, EOFError, MemoryError, OverflowError, RecursionError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError, struct.error, TokenError),
)


def write_npz(path: Path, dataset: FeatureSet) -> None:
    """Write features: states of all utterances one below the other, cut by `<modality>_lengths`.

    Arrays: id, transcript, group, split, score (n,), in the units of label_range (2,); notes (n,) where there
    are any; profile and fingerprints (JSON); per modality <modality>_values (sum of lengths, d) float32 and
    <modality>_lengths (n,), 0 where an utterance lacks it; text_ids (sum of text lengths,), -1 where the
    token is unknown.
    """
    items = [item for _, split in dataset for item in split]
    arrays: dict[str, np.ndarray] = {
        "split": np.array([split for split, part in dataset for _ in part], dtype="U5"),
        "score": scaled(np.array([item.target for item in items]), SCORES, dataset.label_range),
        "group": np.array([item.group for item in items], dtype=np.str_),
        "id": np.array([name for split, _ in dataset for name in names(dataset, split)], dtype=np.str_),
        "transcript": np.array(
            [text for split, _ in dataset for text in transcripts(dataset, split)], dtype=np.str_
        ),
        "label_range": np.array(dataset.label_range),
        "profile": np.array(dataset.profile),
        "fingerprints": np.array(json.dumps(dataset.fingerprints)),
    }
    if has_notes(dataset):
        arrays["notes"] = np.array(
            [note for split, _ in dataset for note in utterance_notes(dataset, split)], dtype=np.str_
        )
    for modality in MODALITIES:
        states = [item.states[modality] for item in items if modality in item.states]
        lengths = [len(item.states.get(modality, ())) for item in items]
        width = dataset.dims[modality]
        arrays[f"{modality}_values"] = torch.cat([torch.zeros(0, width), *states]).numpy()
        arrays[f"{modality}_lengths"] = np.array(lengths, dtype=np.int64)
    tokens = [_tokens(item) for item in items if Modality.TEXT in item.states]
    if any((ids >= 0).any() for ids in tokens):
        arrays["text_ids"] = torch.cat(tokens).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType] (none is called allow_pickle)
    partial.replace(path)


def read_npz(path: Path, label_range: tuple[float, float] | None = None) -> FeatureSet:
    """The features that `write_npz` wrote; DataError names what is missing or does not fit."""
    arrays = _arrays(path)
    _array(path, arrays, "split")
    score = _array(path, arrays, "score")
    low, high = label_range or _stored_range(path, arrays)
    if score.ndim != 1 or score.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: score must be a number for each utterance; it is {score.dtype} of shape {score.shape}"
        )
    rows = len(score)
    for name in ("split", "id", "transcript", "group", "notes"):
        if name not in arrays:
            continue
        if arrays[name].shape != (rows,):
            raise DataError(
                f"{path}: {name} has the shape {arrays[name].shape}; one for each score is ({rows},)"
            )
        arrays[name] = np.array(strings(f"{path}: {name}", arrays[name]), dtype=object)
    split = arrays["split"]
    unknown = sorted(set(split.tolist()) - set(SPLITS))
    if unknown:
        raise DataError(f"{path}: a split is {unknown[0]!r}; known are {', '.join(SPLITS)}")
    check_labels(f"{path}: score", score, (low, high))
    states = {m: _states(path, arrays, m, rows) for m in MODALITIES}
    ids = _ids(path, arrays, rows)
    target = scaled(score.astype(np.float64), (low, high), SCORES)
    group = arrays.get("group", [""] * rows)
    train, valid, test = (
        [
            Utterance(
                {m: own for m in MODALITIES if (own := states[m][i]) is not None},
                float(target[i]),
                path.stem,
                group[i],
                ids[i],
            )
            for i in np.flatnonzero(split == name)
        ]
        for name in SPLITS
    )

    def by_split(array: str) -> dict[str, list[str]]:
        return {name: arrays[array][split == name].tolist() for name in SPLITS} if array in arrays else {}

    dataset = FeatureSet(
        train,
        valid,
        test,
        dims={m: arrays[f"{m}_values"].shape[1] for m in MODALITIES},
        label_range=(low, high),
        profile=profile_name(_text(path, arrays, "profile", UNNAMED_PROFILE), f"{path}: "),
        fingerprints=_fingerprints(path, arrays),
        names=by_split("id"),
        transcripts=by_split("transcript"),
        utterance_notes=by_split("notes"),
    )
    return replace(dataset, notes=note_lines(dataset))


def _text(path: Path, arrays: dict[str, np.ndarray], name: str, otherwise: str) -> str:
    """The one text of an array; `otherwise` where the file has no such array."""
    found = strings(f"{path}: {name}", arrays.get(name, otherwise))
    if len(found) != 1:
        raise DataError(f"{path}: {name} must be one text; it has {len(found)}")
    return found[0]


def _stored_range(path: Path, arrays: dict[str, np.ndarray]) -> tuple[float, float]:
    stored = arrays.get("label_range", np.array(SCORES))
    if stored.shape != (2,) or stored.dtype.kind not in "fiu" or not np.isfinite(stored).all():
        raise DataError(f"{path}: label_range must be two numbers, the lowest and the highest label")
    return tuple(stored.tolist())


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except TypeError as error:  # a single array is no context
        raise DataError(f"{path} is a .npy of one array; features are a .npz of several") from error
    except DAMAGE as error:
        remedy = "; store texts as str, not as objects" if "Object arrays" in str(error) else ""
        raise DataError(f"{path} is damaged or no .npz of plain arrays: {error}{remedy}") from error


def _array(path: Path, arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in arrays:
        raise DataError(
            f"{path} has no array {name!r}; `python -m models extract` writes features that have it"
        )
    return arrays[name]


def _states(path: Path, arrays: dict[str, np.ndarray], modality: Modality, rows: int) -> list[Tensor | None]:
    """States (T, d) of each utterance, None where it lacks the modality."""
    values = _array(path, arrays, f"{modality}_values")
    lengths = _array(path, arrays, f"{modality}_lengths")
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: {modality}_values must be (steps, width) numbers; they are {values.dtype} of shape "
            f"{values.shape}"
        )
    if lengths.shape != (rows,) or lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise DataError(f"{path}: {modality}_lengths must be {rows} whole numbers, one for each score")
    if lengths.sum() != len(values):
        raise DataError(f"{path}: {modality}_lengths add up to {lengths.sum()}, not to {len(values)} steps")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        values = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"{path}: {modality}_values has values that are no finite numbers in float32")
    cut = torch.from_numpy(values).split(lengths.tolist())
    return [states if len(states) else None for states in cut]


def _ids(path: Path, arrays: dict[str, np.ndarray], rows: int) -> list[Tensor | None]:
    """Token ids (T,) of each utterance's text states, None where one is unknown."""
    if "text_ids" not in arrays:
        return [None] * rows
    ids, steps = arrays["text_ids"], len(arrays["text_values"])
    if ids.shape != (steps,) or ids.dtype.kind not in "iu":
        raise DataError(f"{path}: text_ids must be {steps} whole numbers, one for each row of text_values")
    cut = torch.from_numpy(ids.astype(np.int64)).split(arrays["text_lengths"].tolist())
    return [row if len(row) and (row >= 0).all() else None for row in cut]


def _tokens(item: Utterance) -> Tensor:
    """Its token ids (T,), -1 for each where they are unknown."""
    return torch.full((len(item.states[Modality.TEXT]),), -1) if item.ids is None else item.ids


def _fingerprints(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, str]:
    try:
        fingerprints = json.loads(_text(path, arrays, "fingerprints", "{}"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: the fingerprints cannot be read: {error}") from error
    if not isinstance(fingerprints, dict):
        raise DataError(f"{path}: the fingerprints must be a JSON object; they are {fingerprints!r}")
    return fingerprints
