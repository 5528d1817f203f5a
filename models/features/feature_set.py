"""Features with labels and official splits; `files` reads and writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from models.features.utterances import Utterance
from models.registry import EXTRACTORS
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
    return replace(dataset, profile=profile_name(profile))


def profile_name(name: str, where: str = "") -> str:
    """The name, which becomes a folder's; DataError, after `where`, where it is none of one."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise DataError(f"{where}a profile's name has letters, digits, dots and dashes; got {name!r}")
    return name


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


def has_tokens(dataset: FeatureSet) -> bool:
    """True where every utterance with words comes with their token ids."""
    items = [item for _, split in dataset for item in split if Modality.TEXT in item.states]
    return bool(items) and all(item.ids is not None for item in items)


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
    except SystemError as error:  # code points beyond Unicode in an array of texts
        raise DataError(f"{where} has characters that do not exist") from error
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
