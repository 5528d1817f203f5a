"""One split of an MMSA file: its arrays checked, their padding cut off, in hardly more memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.features.feature_set import (
    SCORES,
    DataError,
    scaled,
    strings,
)
from models.features.utterances import Utterance
from models.types import MODALITIES, Modality

ID_SEPARATOR = "$_$"
IDEOGRAPHS = "\u2e80"  # from this character on


def is_listed(values: Any) -> bool:
    """True for one object an utterance, False for one array of numbers."""
    if isinstance(values, np.ndarray):
        return values.dtype.kind == "O" and values.ndim > 0
    return isinstance(values, list | tuple)


class Table:
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
            tokens = self.tokens if Modality.TEXT in states else None
            ids = None if tokens is None else torch.from_numpy(tokens[i])
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
        listed = is_listed(values)
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
        if not is_listed(content):
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
