"""A researcher's clips, listed in a manifest, become features with labels and splits."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor
from tqdm import tqdm

from models.checkpoint import CheckpointError, load_tensors, save_tensors
from models.decode import MediaError, decode
from models.extractors.profile import Profile
from models.training.datasets import SCORES, SPLITS, DataError, FeatureSet, save_features, scaled
from models.training.utterances import Utterance
from models.types import MODALITIES, Modality

COLUMNS = ("file", "text", "score", "split")  # of a manifest; `id` and `group` are optional


def read_manifest(path: Path, label_range: tuple[float, float] = SCORES) -> pd.DataFrame:
    """The rows of a manifest, a CSV with the columns file, text, score, split and maybe id and group.

    file : path from the manifest's folder, empty for words alone; text : its words, empty for none
    score : in label_range; split : train, valid or test; group : speaker or video
    DataError names the column that is missing, or the first row (from 1) that does not fit, and why.
    """
    try:
        manifest = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a CSV: {error}") from error
    missing = [column for column in COLUMNS if column not in manifest.columns]
    if missing:
        raise DataError(
            f"{path} has no column {' and no column '.join(missing)}; a manifest has {', '.join(COLUMNS)}, "
            "and maybe id and group"
        )
    if manifest.empty:
        raise DataError(f"{path} has no rows")
    low, high = label_range
    for number, row in enumerate(manifest.itertuples(), start=1):
        fault = _fault(row, path.parent, low, high)
        if fault:
            raise DataError(f"{path}, row {number}: {fault}")
    manifest["score"] = manifest["score"].astype(float)
    if "id" not in manifest.columns:
        stems = [Path(row.file).stem or f"row{number}" for number, row in enumerate(manifest.itertuples(), 1)]
        manifest["id"] = stems
    if "group" not in manifest.columns:
        manifest["group"] = ""
    return manifest


def extract_features(
    manifest_path: Path,
    out: Path,
    profile_name: str = "local",
    label_range: tuple[float, float] = SCORES,
    device: str = "cpu",
    progress: bool = False,
) -> FeatureSet:
    """The features of every row of a manifest, also written to `out` (.npz, or .pkl for MMSA).

    Rows that are done are kept in the folder `<out>.parts` until all are, so that an interrupted extraction
    continues. DataError says which row cannot be decoded.
    """
    manifest = read_manifest(manifest_path, label_range)
    if out.suffix not in (".npz", ".pkl"):
        raise DataError(f"{out} must end in .npz, or in .pkl for MMSA")
    profile = Profile.load(profile_name, device)
    parts = out.with_name(out.name + ".parts")
    items: dict[str, list[Utterance]] = {split: [] for split in SPLITS}
    rows: dict[str, list[Any]] = {split: [] for split in SPLITS}
    empty = []
    for number, row in enumerate(
        tqdm(list(manifest.itertuples()), desc="extract", disable=not progress), start=1
    ):
        states = _row_states(row, number, manifest_path, parts / f"{number}.safetensors", profile)
        ids = states.pop("ids", None)
        if not states:
            empty.append(str(number))
        target = float(scaled(row.score, label_range, SCORES))
        by_modality = {Modality(m): values for m, values in states.items()}
        items[row.split].append(Utterance(by_modality, target, manifest_path.stem, row.group, ids))
        rows[row.split].append(row)
    dataset = FeatureSet(
        **items,
        dims=dict(profile.dims),
        label_range=label_range,
        profile=profile.name,
        fingerprints={str(m): digest for m, digest in profile.fingerprints.items()},
        names={split: [row.id for row in part] for split, part in rows.items()},
        transcripts={split: [row.text for row in part] for split, part in rows.items()},
        notes=(f"no words, voice or face found in row {', '.join(empty)}",) if empty else (),
    )
    save_features(out, dataset)
    shutil.rmtree(parts, ignore_errors=True)
    return dataset


def _fault(row: Any, folder: Path, low: float, high: float) -> str | None:
    """What is wrong with a row of a manifest, None if nothing is."""
    try:
        score = float(row.score)
    except ValueError:
        return f"the score {row.score!r} is no number"
    if not low <= score <= high:
        return (
            f"the score {row.score} is outside [{low:g}, {high:g}]; another range is given by --label-range"
        )
    if row.split not in SPLITS:
        return f"the split {row.split!r} is none of {', '.join(SPLITS)}"
    if not row.file and not row.text.strip():
        return "it has neither a file nor a text"
    if row.file and not (folder / row.file).is_file():
        return f"there is no file {folder / row.file}"
    return None


def _row_states(row: Any, number: int, manifest: Path, part: Path, profile: Profile) -> dict[str, Tensor]:
    """{modality: states (T, d)}, with words also "ids" (T,); from the part's file if that is of this row."""
    path = manifest.parent / row.file if row.file else None
    key = _key(path, row.text, profile)
    try:
        tensors, meta = load_tensors(part)
        if meta["key"] == key:
            return tensors
    except CheckpointError:  # not extracted yet, or not written to its end
        pass
    try:
        clip = None if path is None else decode(path)
    except MediaError as error:
        raise DataError(f"{manifest}, row {number}: {path} cannot be decoded: {error}") from error
    features = profile.extract(clip, row.text).features
    tensors = {str(m): s.values[0, : s.lengths[0]] for m, s in features if s.present[0]}
    if features.text.present[0]:
        tensors["ids"] = features.text.ids[0]
    save_tensors(part, tensors, {"key": key})
    return tensors


def _key(path: Path | None, text: str, profile: Profile) -> str:
    """What a row's states depend on."""
    stamp = "" if path is None else f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}"
    content = [stamp, text, *(profile.fingerprints[m] for m in MODALITIES)]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()
