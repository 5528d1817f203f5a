"""Features with labels and official splits: in memory, as `.npz`, and (see `mmsa`) as MMSA's `.pkl`."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.registry import EXTRACTORS
from models.training.utterances import Utterance
from models.types import MODALITIES, Modality

SPLITS = ("train", "valid", "test")
SCORES = (-3.0, 3.0)  # the range every method trains and predicts in
SIMS_SCORES = (-1.0, 1.0)  # CH-SIMS's labels
UNNAMED_PROFILE = "features"  # of features whose extractors are not the project's
NOTE_SEPARATOR = "; "  # between the notes of one utterance
NAMED = 5  # utterances that a note names when a file is read


class DataError(ValueError):
    """A features file that does not fit; says what is wrong with it and what would do."""


@dataclass(frozen=True)
class FeatureSet:
    """Labelled utterances by split, from one set of extractors.

    train, valid, test : utterances; targets are in [-3, 3], whatever the file's labels are
    dims : {modality: width of its states}
    label_range : (lowest, highest) label of the file; `scaled` takes scores there and back
    profile, fingerprints : whose states these are; a model trained on them is for that profile alone
    names, transcripts : {split: of each utterance}, empty where unknown
    utterance_notes : {split: of each utterance, what of it the extractors did not read, "" for nothing};
    several are joined by "; "; empty where unknown
    notes : what was changed or left out while reading, for people
    """

    train: list[Utterance]
    valid: list[Utterance]
    test: list[Utterance]
    dims: dict[Modality, int]
    label_range: tuple[float, float] = SCORES
    profile: str = UNNAMED_PROFILE
    fingerprints: dict[str, str] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    transcripts: dict[str, list[str]] = field(default_factory=dict)
    utterance_notes: dict[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __getitem__(self, split: str) -> list[Utterance]:
        return getattr(self, split)

    def __iter__(self) -> Iterator[tuple[str, list[Utterance]]]:
        return ((split, self[split]) for split in SPLITS)

    def shared_groups(self) -> list[str]:
        """Speakers or videos that are in more than one split: figures would not be of unseen ones."""
        parts = [{item.group for item in items} - {""} for _, items in self]
        return sorted(set().union(*(a & b for a, b in combinations(parts, 2))))

    def needed(self, *splits: str) -> None:
        """DataError where one of the splits has no utterance."""
        for split in splits:
            if not self[split]:
                raise DataError(f"there is no utterance of the split {split!r}, which this command needs")

    def describe(self) -> str:
        """One line for people: how many utterances, which widths, which labels."""
        counts = ", ".join(f"{len(items)} {split}" for split, items in self)
        widths = ", ".join(f"{m} {self.dims[m]}" for m in MODALITIES)
        low, high = self.label_range
        return f"{counts}; widths: {widths}; labels in [{low:g}, {high:g}]; profile {self.profile}"


def scaled(scores, source: tuple[float, float], target: tuple[float, float]):
    """Scores moved linearly from one range to another; a number, an array or a tensor."""
    if source[0] == -source[1] and target[0] == -target[1]:  # keeps 0 exactly 0
        return scores * (target[1] / source[1])
    return (scores - source[0]) * ((target[1] - target[0]) / (source[1] - source[0])) + target[0]


def renamed(dataset: FeatureSet, profile: str | None) -> FeatureSet:
    """The same features under a profile's name; None keeps the one that they have.

    DataError where they already are another profile's, or the name is the project's own or no file name.
    """
    if profile is None or profile == dataset.profile:
        return dataset
    if dataset.profile != UNNAMED_PROFILE:
        raise DataError(f"these features are of the profile {dataset.profile!r}, not of {profile!r}")
    if profile in EXTRACTORS:
        raise DataError(
            f"these features do not come from the extractors of {profile!r}; `python -m models extract "
            f"--profile {profile}` makes some that do, and --profile takes any other name"
        )
    return replace(dataset, profile=_profile_name(profile))


def _profile_name(name: str, where: str = "") -> str:
    """The name, which becomes a folder's; DataError, after `where`, where it is none of one."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise DataError(f"{where}a profile's name has letters, digits, dots and dashes; got {name!r}")
    return name


def load_features(path: Path, label_range: tuple[float, float] | None = None) -> FeatureSet:
    """The features in a `.npz` of this project or a `.pkl` of MMSA's.

    label_range : of the labels in the file; None for what a `.npz` says, and for a `.pkl` [-1, 1] where no
    label lies outside (CH-SIMS), else [-3, 3]
    Raises DataError for everything that is wrong with the file.
    """
    from models.training import mmsa  # which builds on this module

    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    if path.suffix == ".npz":
        return read_npz(path, label_range)
    if path.suffix in (".pkl", ".pickle"):
        return mmsa.read_mmsa(path, label_range)
    raise DataError(f"{path} is neither a .npz nor a .pkl; features come as one of these")


def save_features(path: Path, dataset: FeatureSet) -> None:
    """Write features as `.npz`, or as `.pkl` for MMSA, by the name's ending."""
    from models.training import mmsa  # which builds on this module

    path = Path(path)
    if path.suffix == ".npz":
        write_npz(path, dataset)
    elif path.suffix in (".pkl", ".pickle"):
        mmsa.write_mmsa(path, dataset)
    else:
        raise DataError(f"{path} must end in .npz, or in .pkl for MMSA")


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
        np.savez(file, **arrays)
    partial.replace(path)


def names(dataset: FeatureSet, split: str) -> list[str]:
    """An id for every utterance of a split: the file's, or split and number."""
    return dataset.names.get(split) or [f"{split}_{i}" for i in range(len(dataset[split]))]


def transcripts(dataset: FeatureSet, split: str) -> list[str]:
    """The words of every utterance of a split, "" where unknown."""
    return dataset.transcripts.get(split) or [""] * len(dataset[split])


def utterance_notes(dataset: FeatureSet, split: str) -> list[str]:
    """What of every utterance of a split was not read, "" for nothing."""
    return dataset.utterance_notes.get(split) or [""] * len(dataset[split])


def has_notes(dataset: FeatureSet) -> bool:
    """True where something is known that was not read of an utterance."""
    return any(note for notes in dataset.utterance_notes.values() for note in notes)


def by_note(notes: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """{note: names of the utterances that have it}, from each one's name and its joined notes."""
    found: dict[str, list[str]] = {}
    for name, joined in notes:
        for note in filter(None, joined.split(NOTE_SEPARATOR)):
            found.setdefault(note, []).append(name)
    return found


def note_lines(dataset: FeatureSet) -> tuple[str, ...]:
    """One line for people for each note; it names the first NAMED utterances that have it."""
    pairs = [
        pair
        for split, _ in dataset
        for pair in zip(names(dataset, split), utterance_notes(dataset, split), strict=True)
    ]
    lines = []
    for note, having in by_note(pairs).items():
        more = f" and {len(having) - NAMED} more" if len(having) > NAMED else ""
        lines.append(f"{', '.join(having[:NAMED])}{more}: {note}")
    return tuple(lines)


def strings(where: str, values: Any) -> list[str]:
    """The texts of an array or a list; DataError, which begins with `where`, names the row that is none.

    Bytes are read as UTF-8, whole numbers are written without a point, None and NaN are no text.
    """
    try:
        entries = np.asarray(values, dtype=object).reshape(-1).tolist()
    except ValueError as error:
        raise DataError(f"{where} must have one text for each utterance; it has lists") from error
    return [_string(where, row, entry) for row, entry in enumerate(entries, start=1)]


def _string(where: str, row: int, value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{where}, row {row}: the bytes {value[:40]!r} are no UTF-8 text; store texts as str, or as "
                "bytes in UTF-8"
            ) from error
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, str | int | float | np.generic):
        return str(value)
    raise DataError(f"{where}, row {row}: a {type(value).__name__} is no text; store each as one str")


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
    parts: dict[str, list[Utterance]] = {}
    for name in SPLITS:
        parts[name] = [
            Utterance(
                {m: states[m][i] for m in MODALITIES if states[m][i] is not None},
                float(target[i]),
                path.stem,
                group[i],
                ids[i],
            )
            for i in np.flatnonzero(split == name)
        ]
    text = {
        key: {name: arrays[array][split == name].tolist() for name in SPLITS} if array in arrays else {}
        for key, array in (("names", "id"), ("transcripts", "transcript"), ("utterance_notes", "notes"))
    }
    dataset = FeatureSet(
        **parts,
        dims={m: arrays[f"{m}_values"].shape[1] for m in MODALITIES},
        label_range=(low, high),
        profile=_profile_name(_text(path, arrays, "profile", UNNAMED_PROFILE), f"{path}: "),
        fingerprints=_fingerprints(path, arrays),
        **text,
    )
    return replace(dataset, notes=note_lines(dataset))


def check_labels(where: str, score: np.ndarray, label_range: tuple[float, float]) -> None:
    """DataError for a label that is no number or lies outside its range, and for a range that is none.

    where : file and key of the labels (n,), with which the error begins
    """
    check_range(f"{where}: the range of the labels", label_range)
    low, high = label_range
    wrong = np.flatnonzero(~((score >= low) & (score <= high)))
    if not len(wrong):
        return
    label = score[wrong[0]]
    remedy = (
        "leave out an utterance without a label"
        if np.isnan(label)
        else "if the labels have another range, give it with --label-range LOW HIGH"
    )
    raise DataError(
        f"{where}, row {wrong[0] + 1}: the label {label} is outside [{low:g}, {high:g}]; {remedy}"
    )


def check_range(what: str, label_range: tuple[float, float]) -> None:
    """DataError, which begins with `what`, for a range of labels whose end is not above its start."""
    low, high = label_range
    if not low < high:
        raise DataError(f"{what} must go from a lower to a higher number; got {low:g} to {high:g}")


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
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
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
