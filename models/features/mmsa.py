"""MMSA's feature files (`aligned_50.pkl`, `unaligned_50.pkl`, `unaligned_39.pkl`): read safely, and written.

A file is {"train", "valid", "test"} of {raw_text (N,), id (N,), text (N, Tt, dt), text_bert (N, 3, Tt): token
ids, mask, segments, audio (N, Ta, da), vision (N, Tv, dv), audio_lengths and vision_lengths (N,) unless
aligned, regression_labels (N,), classification_labels (N,), annotations (N,)}. Ids are `video$_$clip`.
Mao et al., M-SENA: An Integrated Platform for Multimodal Sentiment Analysis, ACL 2022 (demo).
"""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.features.feature_set import (
    SCORES,
    SIMS_SCORES,
    SPLITS,
    DataError,
    FeatureSet,
    check_labels,
    has_notes,
    names,
    note_lines,
    scaled,
    strings,
    transcripts,
    utterance_notes,
)
from models.features.mmsa_table import Table, is_listed
from models.features.pickles import load_pickle
from models.features.utterances import Utterance
from models.types import MODALITIES, Modality

BERT_PADDING = 0  # token id, in the vocabularies of all BERTs
ANNOTATIONS = np.array(["Negative", "Neutral", "Positive"])  # classification_labels 0, 1, 2


def read_mmsa(path: Path, label_range: tuple[float, float] | None = None) -> FeatureSet:
    """The features of an MMSA file; DataError names what is missing or does not fit.

    Padding, left or right, is cut off: text by its mask, audio and vision by their lengths, or by their rows
    of zeros. In an aligned file all three keep the same steps. A modality may also be a list of unpadded
    arrays (T, d), one an utterance. A modality without a single non-zero row is absent. -inf and NaN become
    0, as MMSA does. The words are the states in `text`; the token ids beside them are kept for methods that
    run an English BERT themselves, unless the transcripts are Chinese. Groups are those of `group` (N,),
    which `write_mmsa` adds, else the videos that the ids name; an id without "$_$" names none.

    Memory: little more than the file's size, since the states lie where the arrays were, padding included,
    unless most of an array is padding. What has less than 4 bytes a value grows to float32.
    """
    path = Path(path)
    content, tables = _splits(path, load_pickle(path)), {}
    shared = _shared_arrays(content)
    small = path.stat().st_size / 4  # bytes that may stand beside the arrays for a while
    for split in SPLITS:
        tables[split] = Table(path, split, content.pop(split), shared, small)
    dims = {m: _width(path, m, list(tables.values())) for m in MODALITIES}
    labels = np.concatenate([table.labels for table in tables.values()])
    if label_range is None:
        label_range = SIMS_SCORES if len(labels) and np.abs(labels).max() <= 1 else SCORES
    for table in tables.values():
        check_labels(table.key("regression_labels"), table.labels, label_range)
    cleaned = sum(table.cleaned for table in tables.values())
    dataset = FeatureSet(
        **{split: table.utterances(label_range) for split, table in tables.items()},
        dims=dims,
        label_range=label_range,
        names={split: table.names for split, table in tables.items()},
        transcripts={split: table.texts for split, table in tables.items()},
        utterance_notes={split: table.notes for split, table in tables.items() if any(table.notes)},
    )
    zeroed = (f"{cleaned} values that were no finite numbers became 0",) if cleaned else ()
    return replace(dataset, notes=(*zeroed, *note_lines(dataset)))


def write_mmsa(path: Path, dataset: FeatureSet) -> None:
    """Write features so that MMSA reads them, right-padded, labels in the dataset's own range.

    Aligned (without lengths) where in every utterance all modalities have as many steps. An absent modality
    is one row of zeros, since MMSA knows no other way to say it. Without all ids, no `text_bert`. MMSA does
    not read `group` (N,), speaker or video, and `notes` (N,); they come back with `read_mmsa`.
    """
    items = [item for _, split in dataset for item in split]
    aligned = all(len({len(states) for states in item.states.values()}) == 1 for item in items)
    longest = {m: max((len(i.states[m]) for i in items if m in i.states), default=1) for m in MODALITIES}
    if aligned:
        longest = dict.fromkeys(MODALITIES, max(longest.values()))
    content = {}
    for split, part in dataset:
        labels = scaled(np.array([item.target for item in part]), SCORES, dataset.label_range)
        classes = np.sign(labels).astype(int) + 1
        table: dict[str, Any] = {
            "raw_text": np.array(transcripts(dataset, split), dtype=np.str_),
            "id": np.array(names(dataset, split), dtype=np.str_),
            "group": np.array([item.group for item in part], dtype=np.str_),
            "regression_labels": labels.astype(np.float32),
            "classification_labels": classes.astype(np.float32),
            "annotations": ANNOTATIONS[classes],
        }
        if has_notes(dataset):
            table["notes"] = np.array(utterance_notes(dataset, split), dtype=np.str_)
        for modality in MODALITIES:
            padded = np.zeros((len(part), longest[modality], dataset.dims[modality]), np.float32)
            lengths = [len(item.states.get(modality, (0,))) for item in part]
            for row, item in zip(padded, part, strict=True):
                if modality in item.states:
                    row[: len(item.states[modality])] = item.states[modality]
            table[str(modality)] = padded
            if not aligned and modality is not Modality.TEXT:
                table[f"{modality}_lengths"] = lengths
        if all(item.ids is not None for item in items if Modality.TEXT in item.states):
            table["text_bert"] = _text_bert(part, longest[Modality.TEXT])
        content[split] = table
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        pickle.dump(content, file, protocol=4)
    partial.replace(path)


def _text_bert(items: list[Utterance], steps: int) -> np.ndarray:
    """Token ids, mask and segments (N, 3, steps) float32."""
    content = np.zeros((len(items), 3, steps), np.float32)
    content[:, 0] = BERT_PADDING
    for row, item in zip(content, items, strict=True):
        if Modality.TEXT in item.states and item.ids is not None:
            row[0, : len(item.ids)] = item.ids
            row[1, : len(item.ids)] = 1
    return content


def _splits(path: Path, content: Any) -> dict[str, dict[str, Any]]:
    """{split: {key: value}} of a pickle's content; each split is a dict of its own, to be emptied."""
    tables = {}
    for split in SPLITS:
        table = content.get(split, content.get(split.encode())) if isinstance(content, dict) else None
        if not isinstance(table, dict):
            raise DataError(f"{path} is no MMSA file: it must be a dict with the splits {', '.join(SPLITS)}")
        names = strings(f"{path}: the keys of {split!r}", list(table))
        tables[split] = dict(zip(names, table.values(), strict=True))
    return tables


def _shared_arrays(content: dict[str, dict[str, Any]]) -> set[int]:
    """Ids of arrays that stand in more than one place, so that none may be changed for one of them."""
    counts: Counter[int] = Counter()
    for table in content.values():
        for modality in MODALITIES:
            value = table.get(str(modality), ())
            arrays = value if is_listed(value) else (value,)
            counts.update(id(array) for array in arrays if isinstance(array, np.ndarray))
    return {identity for identity, count in counts.items() if count > 1}


def _width(path: Path, modality: Modality, tables: list[Table]) -> int:
    """The one width of a modality's states in all splits."""
    known = [table for table in tables if table.dims[modality] and len(table.labels)]
    known = known or [table for table in tables if table.dims[modality]]
    if not known:
        raise DataError(
            f"{path}: {modality} has no value in any split; where it is missing, give zeros of the shape "
            "(utterances, 1, width)"
        )
    width = known[0].dims[modality]
    for table in known:
        if table.dims[modality] != width:
            raise DataError(
                f"{table.key(str(modality))} is {table.dims[modality]} wide, and that of {known[0].split!r} "
                f"{width}; all splits must have one width"
            )
    return width
