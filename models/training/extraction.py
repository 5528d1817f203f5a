"""A researcher's clips, listed in a manifest, become features with labels and splits."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from models.cluster import WorkerLost, on_cluster
from models.extractors.hub.encoders import HubEncoders
from models.extractors.profile import Profile, TextFeatures
from models.features.feature_set import (
    NOTE_SEPARATOR,
    SCORES,
    SPLITS,
    DataError,
    FeatureSet,
    by_note,
    check_range,
    scaled,
)
from models.features.files import save_features
from models.features.utterances import Utterance
from models.manifest import ManifestError, read_rows
from models.media.clip import MAX_SECONDS, Clip, MediaError
from models.media.decode import decode
from models.registry import EXTRACTORS, load_profile
from models.tensors import CheckpointError, load_tensors, save_tensors
from models.types import MODALITIES, Features, Modality

COLUMNS = ("file", "text", "score")  # of a manifest
OPTIONAL_COLUMNS = ("split", "group", "id")
SHARES = {"test": 0.2, "valid": 0.1}  # of the rows, at least, where a manifest gives groups and no split
MOST_AT_ONCE = 8  # clips in memory; each may take some 300 MB while it is read

T = TypeVar("T")


@dataclass(frozen=True)
class ListedClip:
    """One row of a manifest.

    path : of the file, None for words alone; text : its words, "" for none; score : in the labels' range
    group : speaker or video, "" where unknown; id : the file's name without its ending where none is given
    """

    path: Path | None
    text: str
    score: float
    split: str
    group: str
    id: str


def listed_clips(path: Path, label_range: tuple[float, float] = SCORES) -> list[ListedClip]:
    """The rows of a manifest, a CSV with the columns file, text, score, split or group, and maybe id.

    file : path from the manifest's folder, empty for words alone; text : its words, empty for none
    score : in label_range; split : train, valid or test; group : speaker or video, by which the rows are
    divided where no row has a split
    ManifestError names the column that is missing, or the first row (from 1) that does not fit, and why.
    """
    check_range("--label-range", label_range)
    rows = read_rows(path, COLUMNS, OPTIONAL_COLUMNS)
    if not rows:
        raise ManifestError(f"{path} has no rows")
    if not any(row.get("split") for row in rows):
        rows = _divided(path, rows)
    return [_listed(row, number, path, label_range) for number, row in enumerate(rows, start=1)]


def extract_features(
    manifest_path: Path,
    out: Path,
    profile_name: str = "local",
    label_range: tuple[float, float] = SCORES,
    device: str = "cpu",
    progress: bool = False,
    keep: bool = False,
    ray: bool = False,
) -> FeatureSet:
    """The features of every row of a manifest, also written to `out` (.npz, or .pkl for MMSA).

    keep : leave the rows that are done in the folder `<out>.parts`, where they otherwise lie until all are,
    so that an interrupted extraction continues; a later one then reads only what is new
    ray : whether all machines of a Ray cluster read the rows, see `models.cluster`; a file that cannot be
    decoded is told when all others are done
    The notes name the rows of which not all was read. ManifestError says which row does not fit or cannot be
    decoded.
    """
    clips = listed_clips(manifest_path, label_range)
    if out.suffix not in (".npz", ".pkl"):
        raise DataError(f"{out} must end in .npz, or in .pkl for MMSA")
    profile = load_profile(profile_name, device)
    parts = out.with_name(out.name + ".parts")
    items: dict[str, list[Utterance]] = {split: [] for split in SPLITS}
    done: dict[str, list[ListedClip]] = {split: [] for split in SPLITS}
    notes: dict[str, list[str]] = {split: [] for split in SPLITS}
    numbered = []
    numbers = range(1, len(clips) + 1)
    if ray:
        _extract_on_cluster(clips, manifest_path, parts, profile, device, progress)

    def extract(number: int) -> tuple[dict[str, Tensor], str]:
        listed = clips[number - 1]
        part = _part(parts, listed, profile)
        found = _kept(part)
        if found is None:
            found = _states(listed, number, manifest_path, profile)
            _keep(part, *found)
        return found

    for number, clip, (states, note) in zip(
        numbers, clips, _in_order(extract, numbers, progress), strict=True
    ):
        ids = states.pop("ids", None)
        notes[clip.split].append(note)
        numbered.append((str(number), note))
        target = float(scaled(clip.score, label_range, SCORES))
        by_modality = {Modality(m): values for m, values in states.items()}
        items[clip.split].append(Utterance(by_modality, target, manifest_path.stem, clip.group, ids))
        done[clip.split].append(clip)
    dataset = FeatureSet(
        **items,
        dims=dict(profile.dims),
        label_range=label_range,
        profile=profile.name,
        fingerprints=profile.fingerprints,
        names={split: [clip.id for clip in part] for split, part in done.items()},
        transcripts={split: [clip.text for clip in part] for split, part in done.items()},
        utterance_notes=notes,
        notes=tuple(f"row {', '.join(rows)}: {note}" for note, rows in by_note(numbered).items()),
    )
    save_features(out, dataset)
    if not keep:
        shutil.rmtree(parts, ignore_errors=True)
    return dataset


def _extract_on_cluster(
    clips: list[ListedClip], manifest: Path, parts: Path, profile: Profile, device: str, progress: bool
) -> None:
    """Puts into `parts` what is not there; ManifestError for the first row that gives nothing, at the end."""
    device = device.partition(":")[0]  # of the GPUs the one that Ray lends
    files = [_part(parts, listed, profile) for listed in clips]
    todo = [n for n, part in enumerate(files, start=1) if _kept(part) is None]
    faults: dict[int, Exception] = {}
    # a worker's own environment may name other encoders
    encoders = HubEncoders.from_environment()
    make = partial(_RowExtractor, manifest, profile.name, device, encoders, profile.fingerprints)
    rows = [(n, _anywhere(clips[n - 1])) for n in todo]
    results = on_cluster(make, rows, gpu=device == "cuda")
    for index, found in tqdm(results, desc="extract", total=len(todo), disable=not progress):
        number = todo[index]
        if isinstance(found, Exception):
            faults[number] = found
        else:
            _keep(files[number - 1], *found)
    if not faults:
        return
    first = min(faults)
    if isinstance(faults[first], WorkerLost):
        raise ManifestError(f"{manifest}, row {first}: {faults[first]}")
    raise faults[first]


def _anywhere(listed: ListedClip) -> ListedClip:
    """The same for a process that runs in another folder."""
    return listed if listed.path is None else replace(listed, path=listed.path.absolute())


class _RowExtractor:
    """`_states` of numbered rows, in a process of a cluster."""

    def __init__(
        self, manifest: Path, name: str, device: str, encoders: HubEncoders, fingerprints: dict[str, str]
    ):
        self._manifest, self._profile = manifest, load_profile(name, device, encoders=encoders)
        if self._profile.fingerprints != fingerprints:
            raise CheckpointError("a machine of the cluster has other extractors; give all one version")

    def __call__(self, row: tuple[int, ListedClip]) -> tuple[dict[str, Tensor], str]:
        number, listed = row
        return _states(listed, number, self._manifest, self._profile)


def _in_order(extract: Callable[[int], T], numbers: range, progress: bool) -> Iterator[T]:
    """What `extract` gives for each number, in their order: a core works on one clip, not all on the same."""
    cores = torch.get_num_threads()
    workers = min(cores, MOST_AT_ONCE)
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(cores // workers,))
    try:
        results = pool.map(extract, numbers)
        yield from tqdm(results, desc="extract", total=len(numbers), disable=not progress)
    finally:  # an error or Ctrl-C ends it with the clips that are begun
        pool.shutdown(cancel_futures=True)


def _divided(path: Path, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows with a split each: whole groups in an order of their names' hashes, first to test.

    So most groups stay where they are as others are added.
    """
    groups = sorted({row.get("group", "") for row in rows})
    if "" in groups or len(groups) <= len(SHARES):
        raise ManifestError(
            f"{path} needs a column split (train, valid, test), or in every row a group (speaker or video), "
            f"at least {len(SHARES) + 1} in all, by which the rows are divided"
        )
    counts = Counter(row["group"] for row in rows)
    left = iter(sorted(groups, key=lambda group: hashlib.sha256(group.encode()).digest()))
    split_of = dict.fromkeys(groups, "train")
    for number, (split, share) in enumerate(SHARES.items()):
        taken, kept = 0, len(SHARES) - number  # at least a group for each split that follows
        while taken < share * len(rows) and list(split_of.values()).count("train") > kept:
            group = next(left)
            split_of[group], taken = split, taken + counts[group]
    return [{**row, "split": split_of[row["group"]]} for row in rows]


def _listed(row: dict[str, str], number: int, manifest: Path, label_range: tuple[float, float]) -> ListedClip:
    fault = _fault(row, manifest.parent, *label_range)
    if fault:
        raise ManifestError(f"{manifest}, row {number}: {fault}")
    path = manifest.parent / row["file"] if row["file"] else None
    name = row.get("id") or (path.stem if path else f"row{number}")
    return ListedClip(path, row["text"], float(row["score"]), row["split"], row.get("group", ""), name)


def _fault(row: dict[str, str], folder: Path, low: float, high: float) -> str | None:
    """What is wrong with a row of a manifest, None if nothing is."""
    try:
        score = float(row["score"])
    except ValueError:
        return f"the score {row['score']!r} is no number"
    if not low <= score <= high:
        return (
            f"the score {row['score']} is outside [{low:g}, {high:g}]; another range is given by "
            "--label-range"
        )
    if row["split"] not in SPLITS:
        return f"the split {row['split']!r} is none of {', '.join(SPLITS)}"
    if not row["file"] and not row["text"]:
        return "it has neither a file nor a text"
    if row["file"] and not (folder / row["file"]).is_file():
        return f"there is no file {folder / row['file']}"
    return None


def _part(parts: Path, listed: ListedClip, profile: Profile) -> Path:
    """The file of a row's states, by all that they depend on."""
    return parts / f"{_key(listed, profile)}.safetensors"


def _kept(part: Path) -> tuple[dict[str, Tensor], str] | None:
    """What `_states` gave; None where that is not there to its end."""
    try:
        tensors, meta = load_tensors(part)
    except CheckpointError:
        return None
    return tensors, meta["note"]


def _keep(part: Path, tensors: dict[str, Tensor], note: str) -> None:
    save_tensors(part, tensors, {"note": note})


def _states(
    listed: ListedClip, number: int, manifest: Path, profile: Profile
) -> tuple[dict[str, Tensor], str]:
    """{modality: states (T, d)}, where a method may run the language model also "ids" (T,) of the words.

    And what was not read, see `FeatureSet`.
    """
    try:
        clip = None if listed.path is None else decode(listed.path, threads=1)
    except MediaError as error:
        raise ManifestError(f"{manifest}, row {number}: {listed.path} cannot be decoded: {error}") from error
    words = profile.read(listed.text)
    features = replace(profile.features(clip, ""), text=words.sequence)
    note = NOTE_SEPARATOR.join(_notes(clip, listed.text, words, features, profile.max_tokens))
    tensors = {str(m): s.values[0, : s.lengths[0]] for m, s in features if s.present[0]}
    ids = features.text.ids
    if features.text.present[0] and ids is not None and EXTRACTORS[profile.name].language_model:
        tensors["ids"] = ids[0]
    return tensors, note


def _notes(
    clip: Clip | None, text: str, words: TextFeatures, features: Features, max_tokens: int
) -> list[str]:
    """What of a row was not read, for people."""
    notes = []
    if clip is not None and clip.truncated:
        notes.append(f"only the first {MAX_SECONDS:g} s of the clip were read")
    if clip is not None and clip.damaged:
        notes.append("parts of the file are damaged and were not read")
    last = max((end for _, end in words.token_spans), default=len(text))
    if len(words.tokens) == max_tokens and text[last:].strip():
        notes.append(f"only the first {len(text[:last].split())} words were read")
    if not any(sequence.present[0] for _, sequence in features):
        notes.append("no words, voice or face found")
    return notes


def _key(listed: ListedClip, profile: Profile) -> str:
    """What a row's states and notes depend on."""
    path = listed.path
    stamp = "" if path is None else f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}"
    content = ["with notes", stamp, listed.text, *(profile.fingerprints[m] for m in MODALITIES)]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()
