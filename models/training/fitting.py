"""Trains a fusion model on a researcher's features: until its error on the validation split stops falling."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from models.checkpoint import load_fusion
from models.config import Config
from models.features.feature_set import DataError, FeatureSet, has_tokens
from models.features.utterances import Utterance, collate
from models.fusion.base import FusionModel
from models.registry import spec
from models.training.language_models import features_config, language_model
from models.training.loop import TrainingLoop
from models.training.prediction import PREDICTION_BATCH, predict
from models.training.runs import TrainingRun
from models.types import MODALITIES

LATER_RATE = 0.5  # of the learning rate, where training goes on from weights
NORMALISATION_ITEMS = 4000  # utterances whose states set the standardisation constants


@dataclass(frozen=True)
class ResearchRecipe:
    """How a method is trained on features; learning rate and decay come from its registry entry if None.

    Training ends after `epochs`, or `patience` epochs after the best validation MAE.
    modality_dropout : share of training items that lose a random part of their modalities
    frame_dropout : probability, less than 1, with which a training frame is dropped, see
    `missing.drop_frames`
    bf16 : autocast to bfloat16 in methods that keep the common training step; others have an update rule
    of their own (MLA's projection) whose precision matters, and stay in float32
    start : folder of weights to go on from, at half the learning rate, instead of from none: what a few
    hundred clips cannot teach
    """

    epochs: int = 40
    patience: int = 8
    batch: int = 32
    lr: float | None = None
    weight_decay: float | None = None
    modality_dropout: float = 0.0
    frame_dropout: float = 0.0
    bf16: bool = False
    start: str | None = None


def fit(
    name: str,
    dataset: FeatureSet,
    seed: int,
    recipe: ResearchRecipe | None = None,
    device: str = "cpu",
    config: Config | None = None,
    run: Path | None = None,
    history: list[dict] | None = None,
    progress: bool = False,
) -> FusionModel:
    """The method `name` trained on `dataset.train`, at its best epoch on `dataset.valid`, in eval mode.

    config : replaces the method's settings, see `features_config`
    run : file that keeps the state of the run after each epoch; a run that was interrupted continues from
    it, and gives the very model that it would have given in one go
    history : is given one entry an epoch: epoch, loss, valid_mae, and whether it is the chosen one
    progress : show a progress bar
    Nothing here reads `dataset.test`. Raises ValueError for an unknown method, an empty split, features that
    the method cannot read, training that diverges or is left without items, or a run file of other data,
    another seed or recipe.
    """
    recipe, method = recipe or ResearchRecipe(), spec(name)
    settings, config = method.training, config or features_config(method, dataset.profile)
    if recipe.bf16 and torch.device(device).type == "cpu":
        raise ValueError("bf16 is for a GPU; the recurrent networks have no CPU kernel for it")
    dataset.needed("train", "valid")
    items = [item for item in dataset.train if item.states]
    if not items:
        raise DataError("no utterance of the split 'train' has words, voice or face")
    if needs_tokens(name) and not has_tokens(dataset):
        raise DataError(f"{name!r} runs the language model itself, but these features have no token ids")
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    words = language_model(dataset.profile)
    rate = settings.features_lr or settings.lr
    if recipe.start:
        rate *= LATER_RATE
        begun = load_fusion(name, dataset.profile, Path(recipe.start), dataset.fingerprints, words)
        model, config = begun.model.to(device), begun.meta.config
        if model.dims != dataset.dims:
            raise DataError(f"the weights in {recipe.start} read states of other widths than these")
    else:
        model = method.build(dataset.dims, config)
        if model.needs_language_model:
            model.attach_language_model(words())
        model.to(device)
        few = torch.randperm(len(dataset.train), generator=generator)[:NORMALISATION_ITEMS]
        model.set_normalisation(collate([dataset.train[i] for i in few], dataset.dims)[0].to(device))
    loop = TrainingLoop(
        model,
        model.parameter_groups(rate if recipe.lr is None else recipe.lr),
        settings.weight_decay if recipe.weight_decay is None else recipe.weight_decay,
        recipe.epochs,
        recipe.batch,
        recipe.modality_dropout,
        generator,
        device,
        bf16=recipe.bf16,
        frame_dropout=recipe.frame_dropout,
    )
    state = TrainingRun(
        model,
        loop.optimizer,
        generator,
        identity={"method": name, "seed": seed, "config": asdict(config), "recipe": asdict(recipe)},
        path=run,
    )
    state.resume(dataset)
    epochs = tqdm(
        range(state.epoch, recipe.epochs),
        desc=f"{name}, seed {seed}",
        initial=state.epoch,
        total=recipe.epochs,
        disable=not progress,
    )
    for _ in epochs:
        if state.stale >= recipe.patience:
            break
        loss = loop.epoch(state.epoch, items)
        model.eval()
        mae = _mae(model, dataset.valid)
        state.record(loss, mae, complete=(state.epoch + 1) / recipe.epochs > model.warm_up)
        epochs.set_postfix(loss=f"{loss:.3f}", valid_mae=f"{mae:.3f}", best=f"{state.best:.3f}")
    state.load_best()
    if history is not None:
        history += [{**entry, "chosen": entry["epoch"] == state.best_epoch} for entry in state.history]
    model.eval()
    features, target = collate(dataset.valid, dataset.dims)
    model.calibrate(features.to(device), target.to(device))
    if model.has_readout:
        model.fit_readout(features.to(device), target.to(device))
    return model


def needs_tokens(name: str) -> bool:
    """True for a method that runs the language model itself and so reads token ids, not text states."""
    return spec(name).model.needs_language_model


def _mae(model: FusionModel, items: list[Utterance]) -> float:
    scores = predict(model, items, model.dims, MODALITIES, PREDICTION_BATCH)
    return float(np.nanmean(np.abs(scores - [item.target for item in items])))
