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
import torch

from models.training.datasets import (
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
from models.training.pickles import load_pickle
from models.training.utterances import Utterance
from models.types import MODALITIES, Modality

ID_SEPARATOR = "$_$"
BERT_PADDING = 0  # token id, in the vocabularies of all BERTs
IDEOGRAPHS = "\u2e80"  # from this character on
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
        tables[split] = _Table(path, split, content.pop(split), shared, small)
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


def _listed(values: Any) -> bool:
    """True for one object an utterance, False for one array of numbers."""
    if isinstance(values, np.ndarray):
        return values.dtype.kind == "O" and values.ndim > 0
    return isinstance(values, list | tuple)


def _shared_arrays(content: dict[str, dict[str, Any]]) -> set[int]:
    """Ids of arrays that stand in more than one place, so that none may be changed for one of them."""
    counts: Counter[int] = Counter()
    for table in content.values():
        for modality in MODALITIES:
            value = table.get(str(modality))
            arrays = value if _listed(value) else (value,)
            counts.update(id(array) for array in arrays if isinstance(array, np.ndarray))
    return {identity for identity, count in counts.items() if count > 1}


def _width(path: Path, modality: Modality, tables: list[_Table]) -> int:
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


class _Table:
    """One split of an MMSA file, checked. It takes the modalities' arrays out of `table`, to free them.

    shared : ids of the arrays that may not be changed in place
    small : bytes of states that may be copied while the array that they come from is there
    """

    def __init__(self, path: Path, split: str, table: dict[str, Any], shared: set[int], small: float):
        self.path, self.split, self.table = path, split, table
        self.labels = self._labels()
        count = len(self.labels)
        names = self._strings("id") or [""] * count
        self.names = [name or f"{split}_{i}" for i, name in enumerate(names)]
        self.texts = self._strings("raw_text") or [""] * count
        self.groups = self._strings("group") or [_video(name) for name in self.names]
        self.notes = self._strings("notes") or [""] * count
        self.cleaned = 0
        self.dims: dict[Modality, int] = {}
        rows = {m: self._rows(m, shared) for m in MODALITIES}
        aligned = "audio_lengths" not in table and all(
            len({len(values) for values in each}) == 1 for each in zip(*rows.values(), strict=True)
        )
        self.tokens, masks = self._tokens([len(values) for values in rows[Modality.TEXT]])
        spans = {m: self._spans(m, values, masks) for m, values in rows.items()}
        self.present = {m: span[:, 1] > span[:, 0] for m, span in spans.items()}
        kept = _common_spans(spans, self.present) if aligned else spans
        if self.tokens is not None:
            cut = zip(self.tokens, kept[Modality.TEXT], strict=True)
            self.tokens = [ids[start:end] for ids, (start, end) in cut]
        self.states = {}
        for m in MODALITIES:
            self.states[m] = _cut(rows.pop(m), spans[m], kept[m], small)

    def utterances(self, label_range: tuple[float, float]) -> list[Utterance]:
        """The split's utterances, in the file's order."""
        targets = scaled(self.labels.astype(np.float64), label_range, SCORES)
        items = []
        for i, target in enumerate(targets):
            states = {m: torch.from_numpy(self.states[m][i]) for m in MODALITIES if self.present[m][i]}
            known = self.tokens is not None and Modality.TEXT in states
            ids = torch.from_numpy(self.tokens[i]) if known else None
            items.append(Utterance(states, float(target), self.path.stem, self.groups[i], ids))
        return items

    def key(self, name: str) -> str:
        """Where a value stands, for errors."""
        return f"{self.path}: {self.split}/{name}"

    def _rows(self, modality: Modality, shared: set[int]) -> list[np.ndarray]:
        """The states (T, d) of each utterance, with their padding; an empty array where it has none.

        float32 or smaller, in the place of the file's own values where that can be.
        """
        name = str(modality)
        values = self._take(name)
        listed = _listed(values)
        own_array = listed or id(values) not in shared
        if not listed:
            values = np.asarray(values)
            if (values.ndim != 3 and values.shape != (0,)) or values.dtype.kind not in "fiu":
                raise DataError(
                    f"{self.key(name)} must be an array of numbers with 3 axes, or a list of arrays (steps, "
                    f"width), one an utterance; it is {values.dtype} of shape {values.shape}"
                )
        self._check_count(name, len(values), "rows")
        rows, width = [], 0 if listed or values.ndim != 3 else values.shape[2]
        for number, value in enumerate(values, start=1):
            row = self._row(name, number, value)
            if row.size and width and row.shape[1] != width:
                raise DataError(
                    f"{self.key(name)}, row {number}, is {row.shape[1]} wide, and others {width}; all must "
                    "have one width"
                )
            width = width or row.shape[1]
            row = _as_float32(row, own_array and id(value) not in shared)
            finite = np.isfinite(row)
            if not finite.all():
                self.cleaned += int((~finite).sum())
                row[~finite] = 0
            rows.append(row)
        self.dims[modality] = width
        return rows

    def _row(self, name: str, number: int, value: Any) -> np.ndarray:
        """The states (T, d) of one utterance, as the file has them."""
        try:
            row = np.zeros((0, 0)) if value is None else np.asarray(value)
            if row.dtype == object:
                row = np.array(row.tolist(), dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{self.key(name)}, row {number}, must be an array (steps, width) of numbers: {error}"
            ) from error
        if not row.size:
            return np.zeros((0, row.shape[1] if row.ndim == 2 else 0), np.float32)
        if row.ndim != 2 or row.dtype.kind not in "fiu":
            raise DataError(
                f"{self.key(name)}, row {number}, must be an array (steps, width) of numbers; it is "
                f"{row.dtype} of shape {row.shape}"
            )
        return row

    def _spans(
        self, modality: Modality, rows: list[np.ndarray], masks: list[np.ndarray] | None
    ) -> np.ndarray:
        """(N, 2) first and past-the-last valid step; equal where the modality is absent."""
        lengths = self._lengths(f"{modality}_lengths")
        steps = [len(row) for row in rows]
        if lengths is None and len(set(steps)) > 1:
            lengths = steps  # nobody padded these
        spans = np.zeros((len(rows), 2), np.int64)
        for i, row in enumerate(rows):
            used = (row != 0).any(1)
            if modality is Modality.TEXT and masks is not None:
                used &= masks[i]
            steps_used = np.flatnonzero(used)
            if not len(steps_used):
                continue
            # a zero row within the speech is a value, not padding: only the ends are cut
            spans[i] = steps_used[0], steps_used[-1] + 1
            # believed where nothing stands past them: some releases pad on the left and count wrongly
            if lengths is not None and spans[i, 1] <= lengths[i] <= len(row):
                spans[i] = 0, lengths[i]
        return spans

    def _lengths(self, name: str) -> np.ndarray | None:
        """Steps (N,) that the file says an array has; None where it says nothing."""
        if self.table.get(name) is None:
            return None
        count = len(self.labels)
        try:
            lengths = np.asarray(self.table[name])
            lengths = np.array(lengths.tolist()) if lengths.dtype == object else lengths
        except ValueError:
            lengths = np.array("")
        if lengths.size != count or (count and lengths.dtype.kind not in "iuf"):
            raise DataError(f"{self.key(name)} must be {count} whole numbers, one an utterance")
        return lengths.reshape(-1)

    def _tokens(self, steps: list[int]) -> tuple[list[np.ndarray] | None, list[np.ndarray] | None]:
        """Token ids (T,) int64 where they are an English BERT's, and which steps (T,) are tokens.

        steps : T of each utterance
        """
        if self.table.get("text_bert") is None:
            return None, None
        content = self._take("text_bert")
        if not _listed(content):
            content = np.atleast_1d(np.asarray(content))
        self._check_count("text_bert", len(content), "rows")
        ids, masks = [], []
        for number, (value, length) in enumerate(zip(content, steps, strict=True), start=1):
            row = self._row("text_bert", number, value)
            whole = len(row) == 3 and np.isfinite(row).all()
            if whole and row.shape[1] != length and (row[1] > 0).sum() == length:  # only the text is unpadded
                row = row[:, row[1] > 0]
            if length and not (whole and row.shape[1] == length):
                raise DataError(
                    f"{self.key('text_bert')} is {row.shape} in row {number}; for this text it must be "
                    f"{(3, length)}: finite token ids, mask and segments"
                )
            ids.append(row[0].astype(np.int64) if length else np.zeros(0, np.int64))
            masks.append(row[1] > 0 if length else np.zeros(0, bool))
        english = not any(c >= IDEOGRAPHS and c.isalpha() for text in self.texts for c in text)
        return ids if english else None, masks

    def _labels(self) -> np.ndarray:
        """Labels (N,) float32; the file may have them as (N, 1)."""
        name = "regression_labels"
        content = self._take(name)
        try:
            labels = np.asarray(content)
            labels = np.array(labels.tolist()) if labels.dtype == object else labels
        except ValueError as error:
            raise DataError(f"{self.key(name)} must be one number for each utterance: {error}") from error
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "fiu"):
            raise DataError(
                f"{self.key(name)} must be one number for each utterance; it is {labels.dtype} of shape "
                f"{labels.shape}"
            )
        return labels.astype(np.float32)

    def _take(self, name: str) -> Any:
        """A value that the file must have; the table no longer holds it."""
        if name not in self.table:
            raise DataError(f"{self.key(name)} is missing; an MMSA file has it")
        return self.table.pop(name)

    def _strings(self, name: str) -> list[str]:
        """A text for each utterance; empty where the file has no such key."""
        if self.table.get(name) is None:
            return []
        found = strings(self.key(name), self.table[name])
        self._check_count(name, len(found), "entries")
        return found

    def _check_count(self, name: str, count: int, what: str) -> None:
        if count != len(self.labels):
            raise DataError(f"{self.key(name)} has {count} {what} for {len(self.labels)} labels")


def _video(name: str) -> str:
    """The video that an id names, "" for none."""
    video, separator, _ = name.partition(ID_SEPARATOR)
    return video if separator else ""


def _as_float32(row: np.ndarray, own: bool) -> np.ndarray:
    """The values in float32, or as they are if they take less; to be written to.

    own : True where the array may be changed; then its memory is that of the result, where that can be
    """
    own = own and row.flags.writeable
    if own and (row.dtype == np.float32 or row.itemsize < 4):
        return row
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and later 0
        if not own or not row.flags.c_contiguous:
            return row.astype(np.float32)
        flat = row.reshape(-1)
        narrow = flat.view(np.float32)[: flat.size]
        narrow[...] = flat  # numpy copies what overlaps: one row at most
        return narrow.reshape(row.shape)


def _common_spans(
    spans: dict[Modality, np.ndarray], present: dict[Modality, np.ndarray]
) -> dict[Modality, np.ndarray]:
    """Spans (N, 2) that hold those of all present modalities, the same for each."""
    there = np.stack([present[m] for m in MODALITIES])
    first, last = (np.stack([spans[m][:, end] for m in MODALITIES]) for end in (0, 1))
    far = np.iinfo(np.int64).max
    common = np.stack([np.where(there, first, far).min(0), last.max(0)], axis=1)
    common[~there.any(0)] = 0
    return dict.fromkeys(MODALITIES, common)


def _cut(rows: list[np.ndarray], spans: np.ndarray, kept: np.ndarray, small: float) -> list[np.ndarray]:
    """The kept steps (T, d) float32 of each utterance, zero outside its span.

    Views, which keep all of the file's array in memory, padding too; copies where they take less than
    `small` bytes and less than half of what they free.
    """
    cut = []
    for row, (start, end), (first, last) in zip(rows, spans, kept, strict=True):
        row[:start] = row[end:] = 0  # what a language model left in its padding
        cut.append(row[first:last].astype(np.float32, copy=False))
    needed = sum(values.nbytes for values in cut)
    if needed <= small and needed <= sum(row.nbytes for row in rows) / 2:
        return [values.copy() for values in cut]
    return cut


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
        if Modality.TEXT in item.states:
            row[0, : len(item.ids)] = item.ids
            row[1, : len(item.ids)] = 1
    return content
