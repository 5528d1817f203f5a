"""Measures a method and trains the weights that ship, with its card."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import torch

from models.checkpoint import CheckpointMeta, fusion_path, load_fusion, save_fusion
from models.extractors.local_profile import LocalProfile
from models.fusion.mfm import MFM
from models.manifest import read_rows
from models.registry import spec
from models.shipped.cards import comparison, summary, write_method_card
from models.shipped.evaluation import (
    cross_validate_actors,
    leave_speakers_out,
    pooled_quantiles,
    shipped_figures,
)
from models.shipped.reconstruction import (
    imagined_middle,
    imagined_neutral,
    judges,
    matched_triples,
    measure_reconstruction,
    middle_voice,
    reconstruction_figures,
    usual_arousal,
)
from models.shipped.sources import SHIPPED_FOLD, Sources, Speech, load_sources, load_speech_fold, with_words
from models.shipped.trainer import FusionTrainer
from models.shipped.voice_head import FOLDS


def measure_recipe(
    kind: str,
    name: str,
    data: Path,
    cache: Path,
    checkpoints: Path,
    seeds: list[int],
    heard: Path | None = None,
    device: str = "cpu",
) -> None:
    """Measure a method on "clips" or "speech" and keep the figures in `<checkpoints>/local/figures.json`.

    heard : CSV with the columns file and words, what `app transcribe` heard in every clip; measures the same
    models with these words too
    """
    words = recognised_words(heard, data) if heard else None  # a slip in it should not wait for the sources
    profile, sources = _loaded(data, cache, checkpoints)
    if kind == "clips":
        speech = _speech(data, cache, checkpoints, SHIPPED_FOLD)
        judged = judges(sources, speech) if spec(name).model is MFM else None
        recognised = with_words(sources.clips, words, profile) if words else None
        result = leave_speakers_out(
            name, sources, speech, profile.dims, seeds, judges=judged, recognised=recognised, device=device
        )
        true = np.array([clip.target for clip in sources.clips])
        result["quantiles"] = pooled_quantiles(result, true)
        result.pop("predictions")
    else:
        folds = [_speech(data, cache, checkpoints, fold) for fold in range(FOLDS)]
        result = cross_validate_actors(name, sources, folds, profile.dims, seeds, device=device)
    write_figures(checkpoints, kind, name, result)


def train_shipped(
    name: str, data: Path, cache: Path, checkpoints: Path, seed: int, device: str = "cpu"
) -> None:
    """Train the weights that ship, on every clip and all RAVDESS actors but the six of SHIPPED_FOLD."""
    figures = read_figures(checkpoints)
    measured = figures.get("clips", {}).get(name)
    if measured is None:
        raise ValueError(
            f"{name} has no interval yet; run `python -m models.shipped measure clips {name}` first"
        )
    profile, sources = _loaded(data, cache, checkpoints)
    speech = _speech(data, cache, checkpoints, SHIPPED_FOLD)
    trainer = FusionTrainer(sources, speech, profile.dims, device=device)
    model = trainer.fine_tune(trainer.pretrain(name, seed, print), name, sources.clips, seed, print).cpu()
    if model.has_readout:  # the mean of those that were measured, none fitted to the speaker left out
        model.readout.copy_(torch.tensor(measured["readout"]))
    method, path = spec(name), fusion_path(name, root=checkpoints)
    meta = CheckpointMeta(
        method=name,
        config=method.config,
        profile=profile.name,
        fingerprints=profile.fingerprints,
        dims={str(m): width for m, width in profile.dims.items()},
        residual_quantiles=measured["quantiles"],
        training={**trainer.describe(), "seed": seed},
        figures={
            "clips": measured["subsets"],
            "seeds": len(measured["seeds"]),
            "gain": measured["gain"],
            "recognised": measured.get("recognised", {}),
            "speech": figures.get("speech", {}).get(name, {}).get("subsets", {}),
        },
    )
    save_fusion(path, model, meta)
    stored = load_fusion(name, root=checkpoints, language_model=sources.language_model).model
    shipped = shipped_figures(stored, sources, speech, profile.dims)
    meta.figures["shipped"] = shipped
    if isinstance(stored, MFM):
        judged, triples = judges(sources, speech), matched_triples(sources, speech)
        meta.training["neutral"] = {str(m): reader.neutral for m, reader in judged.readers.items()}
        meta.training["imagined_middle"] = imagined_middle(stored, profile.dims, judged)
        meta.training["middle_voice"] = middle_voice(speech)
        meta.training["imagined_neutral"] = neutral = imagined_neutral(stored, profile.dims, judged)
        meta.training["usual_arousal"] = usual_arousal(sources.clips)
        imagined = measure_reconstruction(stored, triples, profile.dims, judged, neutral)
        meta.figures["imagined"] = {
            "triples": reconstruction_figures(imagined),
            "clips": measured["reconstruction"],
        }
    save_fusion(path, model, meta)
    write_method_card(path.with_suffix(".md"), method, meta, model.sizes())


@functools.cache
def _loaded(data: Path, cache: Path, checkpoints: Path) -> tuple[LocalProfile, Sources]:
    """Profile and sources, read once for all methods."""
    profile = LocalProfile.load(root=checkpoints)
    return profile, load_sources(data, profile, cache, checkpoints)


@functools.cache
def _speech(data: Path, cache: Path, checkpoints: Path, fold: int) -> Speech:
    """RAVDESS with the actors of `fold` held out, read once for all methods."""
    return load_speech_fold(data, _loaded(data, cache, checkpoints)[0], cache, fold)


def recognised_words(heard: Path, data: Path) -> list[str]:
    """The words in `heard` of every clip in the manifest, in its order.

    ValueError where a clip is missing, or could not be listened to.
    """
    rows = read_rows(heard, ("file", "words"), ("error",))
    words = {row["file"]: row["words"] for row in rows if not row.get("error")}
    files = [row["file"] for row in read_rows(data / "clips" / "manifest.csv", ("file",))]
    missing = [file for file in files if file not in words]
    if missing:
        raise ValueError(
            f"{heard} has no words of {missing[0]} and {len(missing) - 1} other clips; make it with "
            f"`python -m app transcribe --manifest {data / 'clips' / 'manifest.csv'} --out {heard}`"
        )
    return [words[file] for file in files]


def read_figures(checkpoints: Path) -> dict:
    """{"clips": {method: figures}, "speech": …} as `measure_recipe` stored them; empty where none were."""
    path = checkpoints / "local" / "figures.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def write_figures(checkpoints: Path, kind: str, name: str, result: dict) -> None:
    """Put one method's figures into `figures.json`."""
    figures = read_figures(checkpoints)
    figures.setdefault(kind, {})[name] = result
    path = checkpoints / "local" / "figures.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(figures), indent=1, sort_keys=True) + "\n")


def rounded(value):
    """The same JSON value with floats at four decimals."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value


def table(kind: str, names: list[str], checkpoints: Path) -> str:
    """The stored figures of several methods as Markdown tables."""
    stored = read_figures(checkpoints)
    measured = {name: stored[kind][name] for name in names if name in stored.get(kind, {})}
    tables = [comparison({name: figures["subsets"] for name, figures in measured.items()})]
    if kind == "clips" and measured:
        heard = {name: figures["recognised"] for name, figures in measured.items() if "recognised" in figures}
        tables = [summary(measured, stored.get("speech", {})), *tables, comparison(heard)]
    return "\n\n".join(tables)
