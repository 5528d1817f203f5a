"""Trains and measures a fusion model on a researcher's features, with their official splits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModel

from models.extractors.language_model import merged_language_model
from models.extractors.profile import Profile
from models.extractors.text import minilm_path
from models.fusion.base import FusionModel
from models.fusion.config import Config
from models.registry import EXTRACTORS, spec
from models.training.datasets import SCORES, SIMS_SCORES, DataError, FeatureSet, scaled
from models.training.frame_drops import drop_frames, modality_generators, neutral_states
from models.training.metrics import sentiment_metrics, sims_metrics
from models.training.runs import TrainingRun
from models.training.trainer import predict
from models.training.utterances import Utterance, collate, drop_modalities
from models.types import MODALITIES, Modality

NORMALISATION_ITEMS = 4000  # utterances whose states set the standardisation constants
PREDICTION_BATCH = 256


@dataclass(frozen=True)
class ResearchRecipe:
    """How a method is trained on features; learning rate and decay come from its registry entry if None.

    Training ends after `epochs`, or `patience` epochs after the best validation MAE.
    modality_dropout : share of training items that lose a random part of their modalities
    frame_dropout : probability, less than 1, with which a training frame is dropped, see
    `frame_drops.drop_frames`
    bf16 : autocast to bfloat16 in methods that keep the common training step; others have an update rule
    of their own (MLA's projection) whose precision matters, and stay in float32
    """

    epochs: int = 40
    patience: int = 8
    batch: int = 32
    lr: float | None = None
    weight_decay: float | None = None
    modality_dropout: float = 0.0
    frame_dropout: float = 0.0
    bf16: bool = False


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

    config : replaces the method's settings, `ModelSpec.features_config`
    run : file that keeps the state of the run after each epoch; a run that was interrupted continues from
    it, and gives the very model that it would have given in one go
    history : is given one entry an epoch: epoch, loss, valid_mae, and whether it is the chosen one
    progress : show a progress bar
    Nothing here reads `dataset.test`. Raises ValueError for an unknown method, an empty split, features that
    the method cannot read, training that diverges or is left without items, or a run file of other data,
    another seed or recipe.
    """
    recipe, settings = recipe or ResearchRecipe(), spec(name).training
    config = config or spec(name).features_config
    if recipe.bf16 and torch.device(device).type == "cpu":
        raise ValueError("bf16 is for a GPU; the recurrent networks have no CPU kernel for it")
    dataset.needed("train", "valid")
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = spec(name).build(dataset.dims, config)
    if model.needs_language_model:
        if not has_tokens(dataset):
            raise DataError(f"{name!r} runs the language model itself, but these features have no token ids")
        model.attach_language_model(language_model(dataset.profile)())
    model.to(device)
    few = torch.randperm(len(dataset.train), generator=generator)[:NORMALISATION_ITEMS]
    model.set_normalisation(collate([dataset.train[i] for i in few], dataset.dims)[0].to(device))
    lr = (settings.features_lr or settings.lr) if recipe.lr is None else recipe.lr
    groups = model.parameter_groups(lr)
    decay = settings.weight_decay if recipe.weight_decay is None else recipe.weight_decay
    optimizer = torch.optim.AdamW(groups, weight_decay=decay)
    rates = [group["lr"] for group in optimizer.param_groups]
    state = TrainingRun(
        model,
        optimizer,
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
        loss = _epoch(model, optimizer, rates, dataset, recipe, state.epoch, generator, device)
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
    return model


def evaluate(
    model: FusionModel,
    items: list[Utterance],
    label_range: tuple[float, float] = SCORES,
    subset: tuple[Modality, ...] = MODALITIES,
) -> dict[str, float]:
    """Metrics of a model on utterances with only `subset` switched on; see `figures`."""
    return figures(predict(model, items, model.dims, subset, PREDICTION_BATCH), items, label_range)


def figures(
    scores: np.ndarray, items: list[Utterance], label_range: tuple[float, float] = SCORES
) -> dict[str, float]:
    """Metrics of scores (n,) in [-3, 3] against the utterances' targets.

    CH-SIMS's, in its units, for labels in [-1, 1] (`metrics.sims_metrics`); else those of scores in [-3, 3]
    (`metrics.sentiment_metrics`). NaN stands for no answer: `items` counts the others, which are measured;
    without any, nothing else is returned.
    """
    answered = ~np.isnan(scores)
    count = {"items": int(answered.sum())}
    if not answered.any():
        return count
    true = np.array([item.target for item in items])[answered]
    if label_range == SIMS_SCORES:
        metrics = sims_metrics(*(scaled(each, SCORES, label_range) for each in (scores[answered], true)))
    else:
        metrics = sentiment_metrics(scores[answered], true)
    return {**metrics, **count}


def has_tokens(dataset: FeatureSet) -> bool:
    """True where every utterance with words comes with their token ids."""
    items = [item for _, split in dataset for item in split if Modality.TEXT in item.states]
    return bool(items) and all(item.ids is not None for item in items)


def needs_tokens(name: str) -> bool:
    """True for a method that runs the language model itself and so reads token ids, not text states."""
    return spec(name).model.needs_language_model


def language_model(profile: str) -> Callable[[], dict[str, Tensor]]:
    """What gives the weights of the language model for methods that run it themselves.

    That of a profile's text encoder, with its adapters; for features of other extractors all-MiniLM-L6-v2 as
    it is published, whose vocabulary is that of MMSA's token ids.
    """
    if profile in EXTRACTORS:
        return lambda: merged_language_model(Profile.load(profile).text)
    return lambda: AutoModel.from_pretrained(minilm_path(), local_files_only=True).state_dict()


def _epoch(
    model: FusionModel,
    optimizer: torch.optim.Optimizer,
    rates: list[float],
    dataset: FeatureSet,
    recipe: ResearchRecipe,
    epoch: int,
    generator: torch.Generator,
    device: str,
) -> float:
    """One pass over the training split; the mean loss. rates : full learning rate of each group"""
    items = [item for item in dataset.train if item.states]
    advice = ""
    if recipe.frame_dropout:
        neutral = neutral_states(model)
        sources = modality_generators(int(torch.randint(2**31, (), generator=generator)))
        items = [drop_frames(item, recipe.frame_dropout, neutral, sources) for item in items]
        items = [item for item in items if item.states]
        advice = "; give a lower --frame-dropout"
    if not items:
        raise ValueError(f"nothing is left of any training utterance{advice}")
    model.train()
    common_step = type(model).training_step is FusionModel.training_step
    autocast = torch.autocast(torch.device(device).type, torch.bfloat16, enabled=recipe.bf16 and common_step)
    losses = []
    for number, batch in enumerate(_batches(items, recipe.batch, generator)):
        progress = (epoch + number * recipe.batch / len(items)) / recipe.epochs
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * (0.55 + 0.45 * math.cos(math.pi * progress))  # from full to a tenth
        features, target = collate(batch, dataset.dims)
        features = drop_modalities(features, recipe.modality_dropout, generator)
        with autocast:
            step = model.training_step(features.to(device), target.to(device), optimizer, progress)
        losses.append(sum(step.values()))
    return float(np.mean(losses))


def _batches(items: list[Utterance], size: int, generator: torch.Generator) -> Iterator[list[Utterance]]:
    """Shuffled batches; one left over joins the last, since a batch of one has no statistics."""
    order = torch.randperm(len(items), generator=generator).tolist()
    starts = list(range(0, len(order), size))
    if len(starts) > 1 and len(order) - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        yield [items[i] for i in order[start:end]]


def _mae(model: FusionModel, items: list[Utterance]) -> float:
    scores = predict(model, items, model.dims, MODALITIES, PREDICTION_BATCH)
    return float(np.nanmean(np.abs(scores - [item.target for item in items])))
