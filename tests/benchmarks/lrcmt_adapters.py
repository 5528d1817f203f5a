"""LRCMT's question: do low-rank adapters reach full fine-tuning of the same language model?

    python tests/benchmarks/lrcmt_adapters.py [--set utterances] [--seeds 3]

The same network twice, around the same frozen MiniLM: with rank-4 adapters in every layer, and with every
weight of the language model trained. Each may choose among its learning rates of the language model by the
MAE on the validation videos, seed by seed; everything else, the recipe too, is equal.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.features.feature_set import FeatureSet  # noqa: E402
from models.fusion.lrcmt import LRCMTConfig  # noqa: E402
from models.registry import spec  # noqa: E402
from models.training.fitting import ResearchRecipe, fit  # noqa: E402
from models.training.metrics import sentiment_metrics, spread  # noqa: E402
from models.training.prediction import predict  # noqa: E402
from models.training.tables import figures_table  # noqa: E402
from models.types import MODALITIES  # noqa: E402
from tests.benchmarks.mosi import SET_NAMES, load_set  # noqa: E402
from tests.benchmarks.results import Results, keep_latest, options_of_runs, shown  # noqa: E402

# {what is trained of the language model: its learning rates to choose from, as shares of the method's 2e-3}
TRAININGS = {"low_rank": (0.5, 0.1), "full": (0.05, 0.01)}
RECIPE = ResearchRecipe(epochs=10, patience=3)


def run(config: LRCMTConfig, folds: list[FeatureSet], seed: int, recipe: ResearchRecipe) -> dict:
    """One line of the results: held-out figures, the validation MAE, and how many parameters were trained."""
    start, scores, errors = time.perf_counter(), [], []
    for dataset in folds:
        model = fit("lrcmt", dataset, seed, recipe, config=config)
        scores.append(predict(model, dataset.test, dataset.dims, MODALITIES))
        validation = predict(model, dataset.valid, dataset.dims, MODALITIES)
        errors.append(np.abs(validation - [item.target for item in dataset.valid]))
    true = np.array([item.target for dataset in folds for item in dataset.test])
    trained = sum(p.numel() for p in model.subnets["text"].parameters() if p.requires_grad)
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "trained": trained,
        "valid_mae": float(np.concatenate(errors).mean()),
        "figures": shown(sentiment_metrics(np.concatenate(scores), true)),
    }


def main() -> None:
    parser = options_of_runs(__doc__, "lrcmt.jsonl", seeds=3, epochs=RECIPE.epochs)
    parser.add_argument("--set", choices=SET_NAMES, default="utterances")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe, results = replace(RECIPE, epochs=options.epochs), Results(options.out)
    folds = load_set(options.set, options.data, options.cache, True)
    chosen: dict[str, list[dict]] = {training: [] for training in TRAININGS}
    for seed in range(options.seeds):
        for training, rates in TRAININGS.items():
            lines = []
            for rate in rates:
                config = replace(spec("lrcmt").features_config, adapters=training, language_rate=rate)
                key = {"set": options.set, "config": asdict(config), "seed": seed, "recipe": asdict(recipe)}
                lines.append(results.find_or_run(key, partial(run, config, folds, seed, recipe)))
                print(f"{training} at {rate}, seed {seed}: {lines[-1]['seconds']} s", file=sys.stderr)
            chosen[training].append(min(lines, key=lambda line: line["valid_mae"]))
    rows = {
        f"{training}, {lines[0]['trained']:,} trained": spread([line["figures"] for line in lines])
        for training, lines in chosen.items()
    }
    print(figures_table(f"the language model's training ({options.seeds} seeds)", rows))
    keep_latest(rows)


if __name__ == "__main__":
    main()
