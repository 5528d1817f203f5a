"""What a visitor or caller takes home: the analysis as JSON, and the features behind it."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path, PurePath

import numpy as np

from app.service.analysis import Analysis
from app.service.query import File
from app.service.subsets import Subset
from app.service.utterance import Utterance
from models.checkpoint import Checkpoint
from models.features import utterances
from models.features.feature_set import FeatureSet
from models.features.files import save_features
from models.features.mmsa_table import ID_SEPARATOR
from models.registry import EXTRACTORS
from models.types import MODALITIES, Modality

PACKAGES = ("torch", "torchaudio", "torchvision", "tokenizers", "gradio")  # whose versions move a number

ABOUT = """Features of one utterance, extracted by Fusebox (profile {profile}), one row a state.

text_values ({text}, {text_width}) float32: {text_columns}.
audio_values ({audio}, {audio_width}) float32: {audio_columns}.
vision_values ({vision}, {vision_width}) float32: {vision_columns}.
<modality>_lengths (1,): rows; 0 where the utterance lacks the modality.
<modality>_times (rows, 2) float32: start and end of each state in seconds, where known.
score (1,): what {method} says with {used}, in [-3, 3]. It is a prediction, not a label by a person.
split, id, group, transcript, label_range, profile, fingerprints: as `python -m models extract` writes them.
"""


def analysis_json(analysis: Analysis) -> str:
    """The JSON object of an analysis, as `python -m app predict --json` prints it."""
    return json.dumps(analysis.to_json(), indent=2) + "\n"


def name_of(video: File, audio: File) -> str:
    """What to call the utterance: its file's name without the ending, "words" without a file."""
    return PurePath(video or audio or "words").stem or "clip"


def features_npz(
    utterance: Utterance,
    checkpoint: Checkpoint,
    used: Subset,
    score: float,
    name: str,
    columns: Mapping[Modality, str],
) -> bytes:
    """The features as `.npz`, for numpy and `python -m models convert`; the array `about` explains it.

    score : what the checkpoint's method says with the modalities `used`
    columns : what a state's coordinates are, see `Profile`
    """

    def describe(path: Path, dataset: FeatureSet) -> None:
        with np.load(path) as file:
            arrays = dict(file)
        arrays["about"] = np.array(_about(dataset, checkpoint.meta.method, used, columns))
        for modality, sequence in utterance.features.to("cpu"):
            if sequence.present[0] and sequence.times is not None:
                arrays[f"{modality}_times"] = sequence.times[0, : int(sequence.lengths[0])].numpy()
        with path.open("wb") as file:
            np.savez(file, **arrays)

    return _written(_feature_set(utterance, checkpoint, score, name), ".npz", describe)


def features_pkl(
    utterance: Utterance, checkpoint: Checkpoint, used: Subset, score: float, name: str
) -> bytes:
    """The features as MMSA's `.pkl`: the utterance is the one row of the split "test", in float32.

    MMSA wants a label in every row: it is `score`, which is a prediction and not what a person said.
    """
    return _written(_feature_set(utterance, checkpoint, score, name), ".pkl")


def versions() -> dict[str, str]:
    """{what: version} of Python and of the packages that numbers depend on."""
    return {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def _written(
    dataset: FeatureSet, ending: str, then: Callable[[Path, FeatureSet], None] | None = None
) -> bytes:
    """What `save_features` writes for the ending; the file itself is gone when this returns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"features{ending}"
        save_features(path, dataset)
        if then is not None:
            then(path, dataset)
        return path.read_bytes()


def _feature_set(utterance: Utterance, checkpoint: Checkpoint, score: float, name: str) -> FeatureSet:
    """Every present modality of the utterance, also those that are switched off."""
    features = utterance.features.to("cpu")
    states = {m: s.values[0, : int(s.lengths[0])] for m, s in features if s.present[0]}
    ids = features.text.ids
    tokens = None
    if Modality.TEXT in states and ids is not None and EXTRACTORS[checkpoint.meta.profile].language_model:
        tokens = ids[0, : int(features.text.lengths[0])]
    return FeatureSet(
        train=[],
        valid=[],
        test=[utterances.Utterance(states, score, name, name, tokens)],
        dims={m: s.values.shape[2] for m, s in features},
        profile=checkpoint.meta.profile,
        fingerprints={str(m): checkpoint.meta.fingerprints[m] for m in MODALITIES},
        names={"test": [f"{name}{ID_SEPARATOR}0"]},
        transcripts={"test": [utterance.transcript.text]},
    )


def _about(dataset: FeatureSet, method: str, used: Subset, columns: Mapping[Modality, str]) -> str:
    item = dataset.test[0]
    rows = {str(m): len(item.states.get(m, ())) for m in MODALITIES}
    widths = {f"{m}_width": dataset.dims[m] for m in MODALITIES}
    told = {f"{m}_columns": columns[m] for m in MODALITIES}
    return ABOUT.format(
        profile=dataset.profile, method=method, used=", ".join(used), **rows, **widths, **told
    )
