"""Weights trained on a researcher's features: trained, measured as stored, written, loaded."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from models.checkpoint import CheckpointMeta, fusion_path, load_fusion, save_fusion, subset_name
from models.features.feature_set import DataError, FeatureSet
from models.features.utterances import Utterance
from models.fusion.base import FusionModel
from models.registry import spec
from models.tensors import CheckpointError
from models.training.card import write_card
from models.training.fitting import ResearchRecipe, fit
from models.training.language_models import language_model
from models.training.metrics import conformal_quantile
from models.training.prediction import PREDICTION_BATCH, model_metrics, predict
from models.training.runs import digest
from models.types import MODALITIES, Modality


def train_on_features(
    name: str,
    dataset: FeatureSet,
    data: str,
    out: Path,
    seed: int,
    recipe: ResearchRecipe,
    device: str = "cpu",
    progress: bool = False,
) -> CheckpointMeta:
    """Train a method and write `<out>/<profile>/<name>.safetensors` with its card; its meta, with figures.

    data : name of the features, for the record
    Beside the weights lies, until they are written, the state of the run, from which it continues.
    """
    path = fusion_path(name, dataset.profile, out)
    run = path.with_suffix(".run")
    history: list[dict] = []
    model = fit(name, dataset, seed, recipe, device, None, run, history, progress).cpu()
    meta = CheckpointMeta(
        method=name,
        config=model.config,
        profile=dataset.profile,
        fingerprints=dataset.fingerprints,
        dims={str(m): width for m, width in dataset.dims.items()},
        label_range=dataset.label_range,
        residual_quantiles=_quantiles(model, dataset.valid),
        training={
            "data": data,
            "digest": digest(dataset),
            "items": {split: len(items) for split, items in dataset},
            "recipe": asdict(recipe),
            "seed": seed,
            "epochs": len(history),
            "best_epoch": next(entry["epoch"] for entry in history if entry["chosen"]),
            "constant": median_target(dataset),
        },
    )
    save_fusion(path, model, meta)
    # measured as stored: large parameters are float16 in the file
    stored = load_fusion(name, dataset.profile, out, None, language_model(dataset.profile)).model
    for split in ("valid", "test"):
        if dataset[split]:
            meta.figures[split] = model_metrics(stored, dataset[split], dataset.label_range)
    save_fusion(path, stored, meta)
    write_card(path.with_suffix(".md"), spec(name), meta, stored.sizes())
    run.unlink(missing_ok=True)
    return meta


def load_for(name: str, dataset: FeatureSet, weights: Path) -> tuple[FusionModel, CheckpointMeta]:
    """The method trained for such features, from the folder `weights`; DataError where they do not fit."""
    words = language_model(dataset.profile)
    checkpoint = load_fusion(name, dataset.profile, weights, dataset.fingerprints, words)
    wanted = {Modality(m): width for m, width in checkpoint.meta.dims.items()}
    if wanted != dataset.dims:
        raise DataError(
            f"the weights of {name!r} read states of the widths {_widths(wanted)}, but these features have "
            f"{_widths(dataset.dims)}"
        )
    return checkpoint.model, checkpoint.meta


def check_replaceable(names: list[str], dataset: FeatureSet, out: Path) -> None:
    """DataError where `out` holds weights of one of the methods that were trained on other features."""
    data = digest(dataset)
    for name in names:
        path = fusion_path(name, dataset.profile, out)
        try:
            meta = load_fusion(name, dataset.profile, out).meta
        except CheckpointError:  # none, or of no use to anybody: nothing is lost with them
            continue
        if meta.training.get("digest") != data:
            raise DataError(
                f"{path} was trained on {origin(meta)}; give another --out to keep both, or "
                "--restart to replace it"
            )


def origin(meta: CheckpointMeta) -> str:
    """What weights were trained on that are not known to be of the data at hand, in a few words."""
    kind = "other data" if "digest" in meta.training else "data that they do not identify"
    utterances = sum(meta.training["items"].values())
    return f"{kind} ({meta.training.get('data', 'the labelled data')}, {utterances} utterances)"


def median_target(dataset: FeatureSet) -> float:
    """The constant with the least MAE on the training split, in [-3, 3]: the answer to no input at all."""
    return float(np.median([item.target for item in dataset.train]))


def _quantiles(model: FusionModel, items: list[Utterance]) -> dict[str, float]:
    """{subset: 80 % half width of the interval} on the validation split, of subsets that it has."""
    true, quantiles = np.array([item.target for item in items]), {}
    for subset in Modality.subsets():
        errors = predict(model, items, model.dims, subset, PREDICTION_BATCH) - true
        if not np.isnan(errors).all():
            quantiles[subset_name(subset)] = conformal_quantile(errors[~np.isnan(errors)])
    return quantiles


def _widths(dims: dict[Modality, int]) -> str:
    return ", ".join(f"{m} {dims[m]}" for m in MODALITIES)
