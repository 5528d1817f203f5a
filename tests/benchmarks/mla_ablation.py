"""MLA's questions: alternating against joint training (Q1), projection (Q2), entropy fusion (Q3).

    python tests/benchmarks/mla_ablation.py [--set utterances] [--seeds 5]

Three trainings of one network, with the same encoders, shared head, recipe and seeds, each read alone by one
modality and fused in two ways: by the entropies of the predictions, and by their plain mean. Joint training
is the cross entropy of the mean of the logits. If one modality makes joint training lazy about the others,
their figures alone are better in the alternating rows.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.features.feature_set import FeatureSet  # noqa: E402
from models.features.utterances import Utterance, collate  # noqa: E402
from models.fusion.base import FusionModel, expected_score, seven_class_target  # noqa: E402
from models.fusion.mla import MLA  # noqa: E402
from models.fusion.projection import protection  # noqa: E402
from models.registry import FUSION_MODELS, spec  # noqa: E402
from models.training.fitting import ResearchRecipe, fit  # noqa: E402
from models.training.metrics import sentiment_metrics, spread  # noqa: E402
from models.training.tables import figures_table  # noqa: E402
from models.types import MODALITIES, Features  # noqa: E402
from tests.benchmarks.mosi import SET_NAMES, load_set  # noqa: E402
from tests.benchmarks.results import Results, keep_latest, options_of_runs, shown  # noqa: E402

JOINT, FREE = "mla_joint", "mla_free"
TRAININGS = {
    "alternating, projection": "mla",
    "alternating, no projection": FREE,
    "joint": JOINT,
}


class FreeMLA(MLA):
    """MLA without projection: a modality's turn may change the head in any direction."""

    def training_step(self, *arguments) -> dict[str, float]:
        """MLA's, with nothing to protect."""
        with patch("models.fusion.mla.protection", lambda features, head, alpha: protection([], head, alpha)):
            return super().training_step(*arguments)


class JointMLA(MLA):
    """MLA's network trained in the common way: one loss on the fused logits, all modalities at once."""

    training_step = FusionModel.training_step

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """Cross entropy of the mean logits."""
        return {"ce": F.cross_entropy(mean_logits(self, features), seven_class_target(target))}


def mean_logits(model: MLA, features: Features) -> Tensor:
    """(B, 7): the mean over present modalities of their logits."""
    logits, _ = model.unimodal(features)  # zero where absent
    return logits.sum(1) / features.present().sum(1, keepdim=True).clamp_min(1)


@torch.inference_mode()
def scores(model: MLA, items: list[Utterance]) -> dict[str, np.ndarray]:
    """{reading: (n,) scores}, fused in both ways and by each modality that the set has."""
    features, _ = collate(items, model.dims)
    logits, _ = model.unimodal(features)
    readings = {
        "entropy fusion": model(features).score,
        "mean fusion": expected_score(mean_logits(model, features)),
    }
    for i, modality in enumerate(MODALITIES):
        if features[modality].present.all():
            readings[f"{modality} alone"] = expected_score(logits[:, i])
    return {name: score.numpy() for name, score in readings.items()}


def run(method: str, folds: list[FeatureSet], seed: int, recipe: ResearchRecipe) -> dict:
    """One line of the results: figures of the held-out scores of all folds, for every reading."""
    start = time.perf_counter()
    held_out = [scores(fit(method, dataset, seed, recipe), dataset.test) for dataset in folds]
    true = np.array([item.target for dataset in folds for item in dataset.test])
    figures = {
        reading: shown(sentiment_metrics(np.concatenate([part[reading] for part in held_out]), true))
        for reading in held_out[0]
    }
    return {"seconds": round(time.perf_counter() - start, 1), "figures": figures}


def main() -> None:
    recipe = ResearchRecipe()
    parser = options_of_runs(__doc__, "mla.jsonl", seeds=5, epochs=recipe.epochs)
    parser.add_argument("--set", choices=SET_NAMES, default="utterances")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, model in ((FREE, FreeMLA), (JOINT, JointMLA)):
        FUSION_MODELS[name] = replace(spec("mla"), name=name, model=model)
    recipe, results = replace(recipe, epochs=options.epochs), Results(options.out)
    folds = load_set(options.set, options.data, options.cache)
    lines: dict[str, list[dict]] = {}
    config = asdict(spec("mla").config)
    for training, method in TRAININGS.items():
        for seed in range(options.seeds):
            key = {"set": options.set, "method": method, "config": config, "seed": seed}
            line = results.find_or_run(
                {**key, "recipe": asdict(recipe)}, partial(run, method, folds, seed, recipe)
            )
            print(f"{training}, seed {seed}: {line['seconds']} s", file=sys.stderr)
            lines.setdefault(training, []).append(line)
    found = {}
    for reading in lines["joint"][0]["figures"]:
        rows = {name: spread([line["figures"][reading] for line in runs]) for name, runs in lines.items()}
        found[reading] = rows
        print(figures_table(f"{reading}; training ({options.seeds} seeds)", rows) + "\n")
    keep_latest(found)


if __name__ == "__main__":
    main()
