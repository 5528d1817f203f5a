"""Figures on speakers never seen: leave-speakers-out on the clips, cross-validation by actor on RAVDESS."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from models.checkpoint import subset_name
from models.features.missing import RATES
from models.features.utterances import Utterance
from models.fusion.mfm import MFM
from models.shipped.reconstruction import (
    Judges,
    Measured,
    imagined_neutral,
    measure_reconstruction,
    pooled,
    reconstruction_figures,
)
from models.shipped.sources import Sources, Speech
from models.shipped.trainer import FusionTrainer, Recipe
from models.training.metrics import auilc, conformal_quantile, correlation, sentiment_metrics, spread
from models.training.prediction import predict
from models.training.protocols import combined, scores_without_frames
from models.types import MODALITIES, Modality

RECOGNISED_SUBSETS = [MODALITIES, (Modality.TEXT,)]
MISSING_METRICS = ("mae", "corr", "acc2_non0")  # that are kept of what says the method as frames drop
SPEECH_SUBSETS = [(Modality.TEXT, Modality.AUDIO), (Modality.TEXT,), (Modality.AUDIO,)]


def leave_speakers_out(
    name: str,
    sources: Sources,
    speech: Speech,
    dims: dict[Modality, int],
    seeds: list[int],
    recipe: Recipe | None = None,
    log: Callable[[str], None] = print,
    judges: Judges | None = None,
    recognised: list[Utterance] | None = None,
    device: str = "cpu",
) -> dict:
    """Leave-one-speaker-out over the 12 speakers, for all seven subsets.

    In each fold two other speakers are kept out of training, to measure the interval; a readout is fitted to
    these two and the nine of the training.
    Returns per subset mean and standard deviation over seeds of every metric, `coverage` and `width` of the
    interval; `gain`, the same for what all three modalities add to words alone; `dropped`, {rate: figures}
    with frames and words dropped at that rate, and their "AUILC" (where nothing is left the answer is the
    median of the transcripts); and `predictions`: each seed's held-out scores in the order of the clips. With
    `judges` also `reconstruction`: what MFM, with the first seed, imagines on the clips of each held-out
    speaker. With `recognised`, the clips in the same order with the words that a recogniser heard, also
    `recognised`: what the very same models say of these.
    """
    speakers = sorted({clip.group for clip in sources.clips})
    true = np.array([clip.target for clip in sources.clips])
    groups = np.array([clip.group for clip in sources.clips])
    runs, predictions = {subset: [] for subset in Modality.subsets()}, {}
    imagined: list[Measured] = []
    readouts: list[Tensor] = []
    heard: dict = {subset: [] for subset in (RECOGNISED_SUBSETS if recognised else ())}
    middle = float(np.median([item.target for item in sources.text]))
    dropped: dict[str, list[dict[str, float]]] = {f"{rate:g}": [] for rate in RATES} | {"AUILC": []}
    for seed in seeds:
        trainer = FusionTrainer(sources, speech, dims, recipe, device)
        start = trainer.pretrain(name, seed)
        scores = {subset: np.zeros(len(true)) for subset in Modality.subsets()}
        widths = {subset: np.zeros(len(true)) for subset in Modality.subsets()}
        heard_scores = {subset: np.zeros(len(true)) for subset in heard}
        left = {rate: np.zeros(len(true)) for rate in RATES}
        for number, speaker in enumerate(speakers):
            calibration = {speakers[(number + step) % len(speakers)] for step in (4, 8)}
            clips = sources.clips_without(speaker)
            training = [c for c in clips if c.group != speaker and c.group not in calibration]
            model = trainer.fine_tune(copy.deepcopy(start), name, training, seed)
            held_out, calibrating = groups == speaker, np.isin(groups, list(calibration))
            if model.has_readout:
                # the two speakers alone would give another slope every time
                trainer.fit_readout(model, [clips[i] for i in np.flatnonzero(~held_out)])
                readouts.append(model.readout.cpu())
            judged = np.flatnonzero(held_out | calibrating)
            if judges and seed == seeds[0]:
                unseen = [clip for clip in clips if clip.group == speaker]
                assert isinstance(model, MFM)
                neutral = imagined_neutral(model, dims, judges)
                imagined.append(measure_reconstruction(model, unseen, dims, judges, neutral))
            for subset in heard:
                unseen = [
                    replace(
                        heard, states=_of(clip, Modality.AUDIO, Modality.VISION) | _of(heard, Modality.TEXT)
                    )
                    for heard, clip in zip(recognised or (), clips, strict=True)
                    if clip.group == speaker
                ]
                heard_scores[subset][held_out] = predict(model, unseen, dims, subset)
            own = [clips[i] for i in np.flatnonzero(held_out)]
            for rate in RATES:
                left[rate][held_out] = scores_without_frames(model, own, rate, middle, seed)
            for subset in Modality.subsets():
                predicted = np.full(len(true), np.nan)
                predicted[judged] = predict(model, [clips[i] for i in judged], dims, subset)
                scores[subset][held_out] = predicted[held_out]
                errors = (predicted - true)[calibrating]
                widths[subset][held_out] = conformal_quantile(errors[~np.isnan(errors)])
        for subset in Modality.subsets():
            usable = ~np.isnan(scores[subset])
            predicted, label = scores[subset][usable], true[usable]
            runs[subset].append(
                {
                    **sentiment_metrics(predicted, label),
                    "coverage": float((np.abs(predicted - label) <= widths[subset][usable]).mean()),
                    "width": float(2 * widths[subset][usable].mean()),
                }
            )
            predictions.setdefault(subset_name(subset), []).append(scores[subset].tolist())
        for rate, scores_left in left.items():
            figures = sentiment_metrics(scores_left, true)
            dropped[f"{rate:g}"].append({metric: figures[metric] for metric in MISSING_METRICS})
        curve = [dropped[f"{rate:g}"][-1] for rate in RATES]
        dropped["AUILC"].append(combined(curve, partial(auilc, RATES)))
        for subset in heard:
            usable = ~np.isnan(heard_scores[subset])
            heard[subset].append(sentiment_metrics(heard_scores[subset][usable], true[usable]))
        log(f"{name}, seed {seed}: " + _line(runs[MODALITIES][-1]))
    return {
        "method": name,
        "seeds": seeds,
        "clips": len(true),
        "speakers": len(speakers),
        "subsets": {subset_name(subset): spread(figures) for subset, figures in runs.items()},
        "gain": spread(
            [
                {metric: all_three[metric] - words[metric] for metric in ("corr", "mae")}
                for all_three, words in zip(runs[MODALITIES], runs[(Modality.TEXT,)], strict=True)
            ]
        ),
        "dropped": {rate: spread(figures) for rate, figures in dropped.items()},
        "predictions": predictions,
        **({"readout": torch.stack(readouts).mean(0).tolist()} if readouts else {}),
        **({"reconstruction": reconstruction_figures(pooled(imagined))} if imagined else {}),
        **({"recognised": {subset_name(s): spread(r) for s, r in heard.items()}} if heard else {}),
    }


def cross_validate_actors(
    name: str,
    sources: Sources,
    folds: list[Speech],
    dims: dict[Modality, int],
    seeds: list[int],
    recipe: Recipe | None = None,
    log: Callable[[str], None] = print,
    device: str = "cpu",
) -> dict:
    """Valence of RAVDESS utterances by unseen actors, cross-validated by actor, for words, voice, both."""
    runs = {subset: [] for subset in SPEECH_SUBSETS}
    for seed in seeds:
        scores: dict = {subset: [] for subset in SPEECH_SUBSETS}
        true: list[float] = []
        for speech in folds:
            trainer = FusionTrainer(sources, speech, dims, recipe, device)
            model = trainer.fine_tune(trainer.pretrain(name, seed), name, sources.clips, seed)
            if model.has_readout:
                trainer.fit_readout(model, sources.clips)
            for subset in SPEECH_SUBSETS:
                scores[subset].append(predict(model, speech.test, dims, subset))
            true += [item.target for item in speech.test]
        for subset in SPEECH_SUBSETS:
            runs[subset].append(sentiment_metrics(np.concatenate(scores[subset]), np.array(true)))
        log(f"{name}, seed {seed}: " + _line(runs[SPEECH_SUBSETS[0]][-1]))
    return {
        "method": name,
        "seeds": seeds,
        "utterances": len(true),
        "subsets": {subset_name(subset): spread(figures) for subset, figures in runs.items()},
    }


def shipped_figures(
    model, sources: Sources, speech: Speech, dims: dict[Modality, int]
) -> dict[str, dict[str, float]]:
    """What a shipped weight does on data that nothing in it saw: six RAVDESS actors, FER+'s test faces."""

    def figures(items: list[Utterance], subset: tuple[Modality, ...]) -> dict[str, float]:
        true = np.array([item.target for item in items])
        predicted = predict(model, items, dims, subset)
        return {
            "items": len(items),
            "corr": correlation(predicted, true),
            "mae": float(np.abs(predicted - true).mean()),
        }

    return {
        "speech words+voice": figures(speech.test, (Modality.TEXT, Modality.AUDIO)),
        "speech words": figures(speech.test, (Modality.TEXT,)),
        "faces": figures(sources.test_faces, (Modality.VISION,)),
    }


def pooled_quantiles(evaluation: dict, true: np.ndarray) -> dict[str, float]:
    """{subset: 80 % half width} from every held-out prediction of a clips evaluation, all seeds."""
    quantiles = {}
    for subset, predictions in evaluation["predictions"].items():
        errors = np.concatenate([np.asarray(scores) - true for scores in predictions])
        quantiles[subset] = conformal_quantile(errors[~np.isnan(errors)])
    return quantiles


def _of(item: Utterance, *modalities: Modality) -> dict[Modality, Tensor]:
    return {m: states for m, states in item.states.items() if m in modalities}


def _line(figures: dict[str, float]) -> str:
    return ", ".join(f"{metric} {value:.3f}" for metric, value in figures.items())
