"""A features file by its ending: this project's `.npz` or MMSA's `.pkl`."""

from __future__ import annotations

from pathlib import Path

from models.features.feature_set import DataError, FeatureSet
from models.features.mmsa import read_mmsa, write_mmsa
from models.features.npz import read_npz, write_npz


def load_features(path: Path, label_range: tuple[float, float] | None = None) -> FeatureSet:
    """The features in a `.npz` of this project or a `.pkl` of MMSA's.

    label_range : of the labels in the file; None for what a `.npz` says, and for a `.pkl` [-1, 1] where no
    label lies outside (CH-SIMS), else [-3, 3]
    Raises DataError for everything that is wrong with the file.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(
            f"{path} is a folder; features are one file, .npz or .pkl (`python -m models.shipped` reads the "
            "folder of the labelled data)"
        )
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    if path.suffix == ".npz":
        return read_npz(path, label_range)
    if path.suffix in (".pkl", ".pickle"):
        return read_mmsa(path, label_range)
    raise DataError(f"{path} is neither a .npz nor a .pkl; features come as one of these")


def save_features(path: Path, dataset: FeatureSet) -> None:
    """Write features as `.npz`, or as `.pkl` for MMSA, by the name's ending."""
    path = Path(path)
    if path.suffix == ".npz":
        write_npz(path, dataset)
    elif path.suffix in (".pkl", ".pickle"):
        write_mmsa(path, dataset)
    else:
        raise DataError(f"{path} must end in .npz, or in .pkl for MMSA")
