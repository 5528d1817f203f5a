"""MMSA's feature files (`aligned_50.pkl`, `unaligned_50.pkl`, `unaligned_39.pkl`): read safely, and written.

A file is {"train", "valid", "test"} of {raw_text (N,), id (N,), text (N, Tt, dt), text_bert (N, 3, Tt): token
ids, mask, segments, audio (N, Ta, da), vision (N, Tv, dv), audio_lengths and vision_lengths (N,) unless
aligned, regression_labels (N,), classification_labels (N,), annotations (N,)}. Ids are `video$_$clip`.
Mao et al., M-SENA: An Integrated Platform for Multimodal Sentiment Analysis, ACL 2022 (demo).
"""

from __future__ import annotations

import io
import pickle
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
    names,
    scaled,
    transcripts,
)
from models.training.utterances import Utterance
from models.types import MODALITIES, Modality

ID_SEPARATOR = "$_$"
BERT_PADDING = 0  # token id, in the vocabularies of all BERTs
IDEOGRAPHS = "\u2e80"  # from this character on
ANNOTATIONS = np.array(["Negative", "Neutral", "Positive"])  # classification_labels 0, 1, 2


def _latin1(text: str, encoding: str) -> bytes:
    """What protocol 2 calls to rebuild bytes; the one encoding it uses."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


def _array_globals() -> dict[tuple[str, str], Any]:
    """All that a pickle of plain containers and numpy arrays refers to, under numpy 1's and 2's names."""
    reduced = {np.zeros(1).__reduce__()[0], np.float32(1).__reduce__()[0], np.zeros(1).__reduce_ex__(5)[0]}
    allowed: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _latin1,
    }
    for function in reduced:  # _reconstruct, scalar and _frombuffer
        for package in ("numpy.core", "numpy._core"):
            module = function.__module__.replace("numpy._core", package)
            allowed[module, function.__name__] = function
    return allowed


class NumpyUnpickler(pickle.Unpickler):
    """Reads containers, numbers, strings and numpy arrays; any other global is refused by name."""

    allowed = _array_globals()

    def find_class(self, module: str, name: str) -> Any:
        """The function or class a pickle asks for; UnpicklingError for all but numpy's own."""
        try:
            return self.allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it refers to {module}.{name}, which only a pickle with code in it needs; features are "
                "numpy arrays, strings and numbers in dicts and lists"
            ) from None


def load_pickle(path: Path) -> Any:
    """The content of a pickle of numpy arrays; DataError for any other, naming what it refers to."""
    try:
        # latin1: how numpy arrays from Python 2 are read
        return NumpyUnpickler(io.BytesIO(Path(path).read_bytes()), encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise DataError(f"{path} is not read: {error}") from error
    except (EOFError, IndexError, KeyError, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path} is damaged or no pickle: {error}") from error
    except MemoryError as error:
        raise DataError(f"{path} is damaged or larger than this machine's memory") from error


def read_mmsa(path: Path, label_range: tuple[float, float] | None = None) -> FeatureSet:
    """The features of an MMSA file; DataError names what is missing or does not fit.

    Padding, left or right, is cut off: text by its mask, audio and vision by their lengths, or by their rows
    of zeros. In an aligned file all three keep the same steps. A modality without a single non-zero row is
    absent. -inf and NaN become 0, as MMSA does. The words are the states in `text`; the token ids beside them
    are kept for methods that run an English BERT themselves, unless the transcripts are Chinese.
    """
    content = load_pickle(path)
    if not isinstance(content, dict) or not all(isinstance(content.get(s), dict) for s in SPLITS):
        raise DataError(f"{path} is no MMSA file: it must be a dict with the splits {', '.join(SPLITS)}")
    tables = {split: _Table(path, split, content[split]) for split in SPLITS}
    dims = tables["train"].dims
    for table in tables.values():
        if len(table.labels) and table.dims != dims:
            raise DataError(f"{path}: the widths of {table.split!r} are not those of 'train'")
    labels = np.concatenate([table.labels for table in tables.values()])
    if label_range is None:
        label_range = SIMS_SCORES if len(labels) and np.abs(labels).max() <= 1 else SCORES
    check_labels(path, labels, label_range)
    parts = {split: table.utterances(label_range) for split, table in tables.items()}
    cleaned = sum(table.cleaned for table in tables.values())
    return FeatureSet(
        **parts,
        dims=dims,
        label_range=label_range,
        names={split: table.names for split, table in tables.items()},
        transcripts={split: table.texts for split, table in tables.items()},
        notes=(f"{cleaned} values that were no finite numbers became 0",) if cleaned else (),
    )


class _Table:
    """One split of an MMSA file, checked."""

    def __init__(self, path: Path, split: str, table: dict[str, Any]):
        self.path, self.split, self.table = path, split, table
        self.labels = self._numbers("regression_labels", 1)
        rows = len(self.labels)
        self.values = {m: self._numbers(str(m), 3) for m in MODALITIES}
        self.cleaned = 0
        for modality, values in self.values.items():
            if len(values) != rows:
                raise DataError(f"{self._key(modality)} has {len(values)} rows for {rows} labels")
            finite = np.isfinite(values)
            self.cleaned += int((~finite).sum())
            self.values[modality] = np.where(finite, values, np.float32(0))
        self.dims = {m: values.shape[2] for m, values in self.values.items()}
        self.names = self._strings("id", [f"{split}_{i}" for i in range(rows)])
        self.texts = self._strings("raw_text", [""] * rows)
        steps = {values.shape[1] for values in self.values.values()}
        self.aligned = len(steps) == 1 and "audio_lengths" not in table
        self.tokens, self.token_mask = self._tokens()
        self.spans = {m: self._spans(m) for m in MODALITIES}

    def utterances(self, label_range: tuple[float, float]) -> list[Utterance]:
        """The split's utterances, in the file's order."""
        targets = scaled(self.labels.astype(np.float64), label_range, SCORES)
        items = []
        for i, target in enumerate(targets):
            spans = {m: spans[i] for m, spans in self.spans.items() if spans[i, 1] > spans[i, 0]}
            states, ids = {}, None
            for modality, (start, end) in spans.items():
                rows = self.values[modality][i].copy()
                rows[:start] = rows[end:] = 0  # what a language model left in its padding
                if self.aligned:
                    start = min(s for s, _ in spans.values())
                    end = max(e for _, e in spans.values())
                states[modality] = torch.from_numpy(rows[start:end].copy())
                if modality is Modality.TEXT and self.tokens is not None:
                    ids = torch.from_numpy(self.tokens[i, start:end])
            group = self.names[i].split(ID_SEPARATOR)[0]
            items.append(Utterance(states, float(target), self.path.stem, group, ids))
        return items

    def _spans(self, modality: Modality) -> np.ndarray:
        """(N, 2) first and past-the-last valid step; equal where the modality is absent."""
        values = self.values[modality]
        used = (values != 0).any(2)
        steps = values.shape[1]
        if modality is Modality.TEXT and self.token_mask is not None:
            used &= self.token_mask
        # a zero row within the speech is a value, not padding: only the ends are cut
        first = np.where(used.any(1), used.argmax(1), 0)
        last = np.where(used.any(1), steps - used[:, ::-1].argmax(1), 0)
        lengths = self.table.get(f"{modality}_lengths")
        if lengths is not None:
            lengths = np.asarray(lengths).reshape(-1)
            if len(lengths) != len(values) or lengths.dtype.kind not in "iuf":
                raise DataError(f"{self._key(f'{modality}_lengths')} must be {len(values)} whole numbers")
            # believed where nothing stands past them: some releases pad on the left and count wrongly
            believed = used.any(1) & (last <= lengths) & (lengths <= steps)
            first = np.where(believed, 0, first)
            last = np.where(believed, lengths, last).astype(int)
        return np.stack([first, last], axis=1)

    def _tokens(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Token ids (N, Tt) int64 where they are an English BERT's, and which steps (N, Tt) are tokens."""
        if "text_bert" not in self.table:
            return None, None
        content, (rows, steps, _) = self._numbers("text_bert", 3), self.values[Modality.TEXT].shape
        if content.shape != (rows, 3, steps):
            raise DataError(
                f"{self._key('text_bert')} is {content.shape}; for this text it must be {(rows, 3, steps)}"
            )
        english = not any(character >= IDEOGRAPHS for text in self.texts for character in text)
        return content[:, 0].astype(np.int64) if english else None, content[:, 1] > 0

    def _numbers(self, name: str, dimensions: int) -> np.ndarray:
        if name not in self.table:
            raise DataError(f"{self._key(name)} is missing; an MMSA file has it")
        values = np.asarray(self.table[name])
        if values.ndim == 2 and dimensions == 1 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != dimensions or values.dtype.kind not in "fiu":
            raise DataError(
                f"{self._key(name)} must be an array of numbers with {dimensions} axes; it is "
                f"{values.dtype} of shape {values.shape}"
            )
        return values.astype(np.float32, copy=False)

    def _strings(self, name: str, otherwise: list[str]) -> list[str]:
        if name not in self.table:
            return otherwise
        strings = [str(entry) for entry in np.asarray(self.table[name]).reshape(-1)]
        if len(strings) != len(otherwise):
            raise DataError(f"{self._key(name)} has {len(strings)} entries for {len(otherwise)} labels")
        return strings

    def _key(self, name: str) -> str:
        return f"{self.path}: {self.split}/{name}"


def write_mmsa(path: Path, dataset: FeatureSet) -> None:
    """Write features so that MMSA reads them, right-padded, labels in the dataset's own range.

    Aligned (without lengths) where in every utterance all modalities have as many steps. An absent modality
    is one row of zeros, since MMSA knows no other way to say it. Without all ids, no `text_bert`.
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
            "regression_labels": labels.astype(np.float32),
            "classification_labels": classes.astype(np.float32),
            "annotations": ANNOTATIONS[classes],
        }
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
    partial.write_bytes(pickle.dumps(content, protocol=4))
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
