"""The leaderboard of missing modalities: each method with modalities, or single frames and words, missing.

    python tests/benchmarks/missing.py [--sets aligned,utterances] [--methods all] [--seeds 5] [--show]

One model a method and seed answers everything: trained with modality dropout and dropped frames, at its best
epoch on the validation videos. Many tables of the field train a model for each condition, or choose the epoch
on the test. Rows are the seven subsets, MMIN's mean of the six that lack something (Zhao et al., ACL 2021),
each rate of TFR-Net's grid and its AUILC (Yuan et al., ACM MM 2021), the score 0 where nothing is left. Sets
are those of `mosi.py`; the utterances have no vision.

Finished runs are lines of --out and are not repeated. Prints means and deviations as tables; with --show it
also writes them to `checkpoints/missing.json`, which the page shows.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.checkpoint import subset_name  # noqa: E402
from models.features.feature_set import FeatureSet  # noqa: E402
from models.features.missing import RATES  # noqa: E402
from models.registry import method_names, spec  # noqa: E402
from models.shipped.shipping import rounded  # noqa: E402
from models.training.fitting import ResearchRecipe, fit, needs_tokens  # noqa: E402
from models.training.metrics import auilc, sentiment_metrics, spread  # noqa: E402
from models.training.prediction import predict  # noqa: E402
from models.training.protocols import MEAN_OF_SIX, combined, scores_without_frames  # noqa: E402
from models.training.tables import markdown_table  # noqa: E402
from models.types import Modality  # noqa: E402
from tests.benchmarks.mosi import load_set  # noqa: E402
from tests.benchmarks.results import Results, options_of_runs  # noqa: E402

SETS = ("aligned", "utterances")
METRICS = ("mae", "corr", "acc2_non0", "f1_non0")
FOUND = ROOT / "checkpoints" / "missing.json"


def run(name: str, load: Callable[[], list[FeatureSet]], seed: int, recipe: ResearchRecipe) -> dict:
    """One line of the results: {row: figures} of the held-out scores of all folds."""
    folds, start, scores = load(), time.perf_counter(), {}
    measured = [s for s in Modality.subsets() if all(m in folds[0].test[0].states for m in s)]
    for dataset in folds:
        model = fit(name, dataset, seed, recipe)
        for subset in measured:
            own = predict(model, dataset.test, dataset.dims, subset)
            scores.setdefault(subset_name(subset), []).append(own)
        for rate in RATES:
            left = scores_without_frames(model, dataset.test, rate, 0.0, seed)
            scores.setdefault(f"rate {rate:g}", []).append(left)
    true = np.array([item.target for dataset in folds for item in dataset.test])
    rows = {}
    for row, parts in scores.items():
        figures = sentiment_metrics(np.concatenate(parts), true)
        rows[row] = {metric: figures[metric] for metric in METRICS}
    incomplete = [rows[subset_name(s)] for s in measured if s != measured[0]]
    rows[MEAN_OF_SIX] = combined(incomplete, np.mean)
    rows["AUILC"] = combined([rows[f"rate {rate:g}"] for rate in RATES], partial(auilc, RATES))
    return {"seconds": round(time.perf_counter() - start, 1), "figures": rows}


def summary(lines: list[dict]) -> dict:
    """{set: {method: {row: {metric: [mean, standard deviation]}}}} of finished runs."""
    found: dict = {}
    for line in lines:
        found.setdefault(line["set"], {}).setdefault(line["method"], []).append(line["figures"])
    return {
        chosen: {
            name: {row: spread([run[row] for run in runs]) for row in runs[0]}
            for name, runs in methods.items()
        }
        for chosen, methods in found.items()
    }


def tables(chosen: str, methods: dict) -> list[str]:
    """Markdown: MAE and Corr by what is there, MAE by the rate of dropped frames."""
    rows = list(next(iter(methods.values())))
    by_rate = [row for row in rows if row.startswith("rate") or row == "AUILC"]
    by_subset = [row for row in rows if row not in by_rate]
    return [
        markdown_table(
            [f"{chosen}, {title}", *columns],
            [
                [
                    spec(name).title,
                    *(f"{figures[row][metric][0]:.3f} ± {figures[row][metric][1]:.3f}" for row in columns),
                ]
                for name, figures in methods.items()
            ],
        )
        for title, metric, columns in (
            ("MAE", "mae", by_subset),
            ("Corr", "corr", by_subset),
            ("MAE", "mae", by_rate),
        )
    ]


def main() -> None:
    recipe = ResearchRecipe(modality_dropout=0.5, frame_dropout=0.3)
    parser = options_of_runs(__doc__, "missing.jsonl", seeds=5, epochs=recipe.epochs)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", default="all")
    parser.add_argument("--show", action="store_true", help="print and store what is finished, train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe, results, lines = replace(recipe, epochs=options.epochs), Results(options.out), []
    for chosen in options.sets.split(","):
        for name in method_names(options.methods):
            for seed in range(options.seeds):
                settings = {"config": spec(name).features_config, "training": spec(name).training}
                key = {
                    "set": chosen,
                    "method": name,
                    "seed": seed,
                    **{key: asdict(value) for key, value in {**settings, "recipe": recipe}.items()},
                }
                folds = partial(load_set, chosen, options.data, options.cache, needs_tokens(name))
                title, job = f"{chosen}, {name}, seed {seed}", partial(run, name, folds, seed, recipe)
                line = results.line(key, title, job, train=not options.show)
                if line is not None:
                    lines.append(line)
    found = summary(lines)
    if options.show:
        told = rounded({"seeds": options.seeds, "sets": found})
        FOUND.write_text(json.dumps(told) + "\n", encoding="utf-8")
    print("\n\n".join(table for chosen, methods in found.items() for table in tables(chosen, methods)))


if __name__ == "__main__":
    main()
