"""Every method here and MMSA's TFN, LMF, EF-LSTM, MFN and MFM, trained on the very same tensors.

    python tests/benchmarks/accuracy.py [--sets utterances,aligned] [--methods all] [--seeds 5]

Sets of CMU-MOSI (see `mosi.py`): utterance features with 62 videos to train and 31 to test on, and segments
aligned word by word in five folds by video, whose held-out scores are measured together. Text is frozen
all-MiniLM-L6-v2 on both sides. MMSA's methods are trained by MMSA's own loops with its hyper-parameters for
MOSI; ours with one recipe for all and learning rate and decay from the registry. Both stop early on the
validation videos alone.

Every finished run, one method with one seed, is a line of --out, and is not repeated; several processes may
share the file, each with its own --methods. Prints Markdown tables of what the file holds.
"""

from __future__ import annotations

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

from models.features.feature_set import FeatureSet  # noqa: E402
from models.registry import FUSION_MODELS, spec  # noqa: E402
from models.training.fitting import ResearchRecipe, fit  # noqa: E402
from models.training.metrics import sentiment_metrics, spread  # noqa: E402
from models.training.prediction import predict  # noqa: E402
from models.training.tables import figures_table  # noqa: E402
from models.types import MODALITIES  # noqa: E402
from tests.benchmarks import mmsa_runs  # noqa: E402
from tests.benchmarks.mosi import SET_NAMES, load_set  # noqa: E402
from tests.benchmarks.results import METRICS, Results, keep_latest, options_of_runs, shown  # noqa: E402
from tests.parity.mmsa import CLASSES  # noqa: E402

THEIRS = "mmsa:"  # before the name of a method of MMSA's

# MMSA's table for MOSI (its results/result-stat.md): BERT's states of the words, COVAREP, FACET, other videos
PUBLISHED = {
    "EF-LSTM": (0.949, 0.669, 0.3539, 0.7848, 0.7738, 0.7851, 0.7735),
    "LF-DNN (concat)": (0.955, 0.658, 0.3452, 0.7863, 0.7752, 0.7863, 0.7746),
    "TFN": (0.947, 0.673, 0.3446, 0.7908, 0.7799, 0.7911, 0.7795),
    "LMF": (0.950, 0.651, 0.3382, 0.7918, 0.7790, 0.7915, 0.7780),
    "MFN": (0.927, 0.670, 0.3583, 0.7887, 0.7767, 0.7890, 0.7763),
}


def run(
    name: str, load: Callable[[], list[FeatureSet]], seed: int, recipe: ResearchRecipe, padding: str
) -> dict:
    """One line of the results: figures of the held-out scores of all folds, and the validation MAE."""
    folds, start = load(), time.perf_counter()
    scores, true, validation = [], [], []
    for dataset in folds:
        if name.startswith(THEIRS):
            method = name.removeprefix(THEIRS)
            predicted = mmsa_runs.train_and_predict(method, dataset, seed, padding)
        else:
            model = fit(name, dataset, seed, recipe)
            predicted = {
                split: predict(model, dataset[split], dataset.dims, MODALITIES) for split in ("valid", "test")
            }
        scores.append(predicted["test"])
        true += [item.target for item in dataset.test]
        validation.append(np.abs(predicted["valid"] - [item.target for item in dataset.valid]))
    figures = sentiment_metrics(np.concatenate(scores), np.array(true))
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "valid_mae": float(np.concatenate(validation).mean()),
        "figures": shown(figures),
    }


def settings(name: str, recipe: ResearchRecipe, padding: str) -> dict:
    """What a run must share with a stored one to stand for it."""
    if name.startswith(THEIRS):
        return {"padding": padding}
    entry = spec(name)
    settings = {"recipe": recipe, "config": entry.features_config, "training": entry.training}
    return {key: asdict(value) for key, value in settings.items()}


def tables(lines: list[dict]) -> str:
    """Markdown: per set the figures of every method, and ours against MMSA's of the same name."""
    parts = []
    for chosen in SET_NAMES:
        runs = runs_on(chosen, lines)
        if not runs:
            continue
        rows = {_title(name, len(runs[name])): _spread(runs[name]) for name in runs}
        parts.append(figures_table(f"CMU-MOSI, {chosen} (seeds)", rows))
        minutes = sum(line["seconds"] for name in runs for line in runs[name]) / 60
        parts.append(f"{_against_mmsa(runs)} {minutes:.0f} minutes of training in all.".strip())
    published = {
        f"MMSA's {name}, published": dict(zip(METRICS, row, strict=True)) for name, row in PUBLISHED.items()
    }
    return "\n\n".join([*parts, figures_table("CMU-MOSI with BERT, official split", published)])


def runs_on(chosen: str, lines: list[dict]) -> dict[str, list[dict]]:
    """{method: its runs on a set}, in the order of the tables."""
    runs = {name: [r for r in lines if (r["set"], r["method"]) == (chosen, name)] for name in all_methods()}
    return {name: of_method for name, of_method in runs.items() if of_method}


def _spread(runs: list[dict]) -> dict[str, list[float]]:
    return spread([run["figures"] for run in runs])


def reads_tokens(name: str) -> bool:
    """True for a method of ours that runs the language model itself."""
    return not name.startswith(THEIRS) and spec(name).model.needs_language_model


def _title(name: str, seeds: int) -> str:
    if name.startswith(THEIRS):
        return f"MMSA's {spec(name.removeprefix(THEIRS)).title} ({seeds})"
    return f"**{spec(name).title}** ({seeds})"


def _against_mmsa(runs: dict[str, list[dict]]) -> str:
    """A sentence for each pair: our mean MAE and Corr minus MMSA's."""
    sentences = []
    for name in CLASSES:
        pair = runs.get(name), runs.get(THEIRS + name)
        if all(pair):
            ours, theirs = (
                {m: np.mean([line["figures"][m] for line in each]) for m in METRICS} for each in pair
            )
            mae, corr = (ours[metric] - theirs[metric] for metric in ("mae", "corr"))
            better = int(mae <= 0) + int(corr >= 0)
            verdict = ("below MMSA's", "below MMSA's in one of them", "at or above MMSA's")[better]
            sentences.append(f"{spec(name).title}: MAE {mae:+.3f}, Corr {corr:+.3f}, {verdict}.")
    return " ".join(sentences)


def all_methods() -> list[str]:
    """Ours in the registry's order, each followed by MMSA's of the same name."""
    return [
        name
        for method in FUSION_MODELS
        for name in ([method, THEIRS + method] if method in CLASSES else [method])
    ]


def chosen(wanted: str, known: list[str]) -> list[str]:
    """Names separated by commas, or all; ValueError names the known ones."""
    names = known if wanted == "all" else [name.strip() for name in wanted.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"unknown {unknown[0]!r}; known are {', '.join(known)}")
    return names


def main() -> None:
    recipe = ResearchRecipe()
    parser = options_of_runs(__doc__, "accuracy.jsonl", seeds=5, epochs=recipe.epochs)
    parser.add_argument("--sets", default="utterances,aligned", help=f"of {', '.join(SET_NAMES)}, or all")
    parser.add_argument("--methods", default="all", help="of ours and, as mmsa:NAME, MMSA's")
    parser.add_argument("--padding", choices=mmsa_runs.PADDINGS, default="front", help="of MMSA's words")
    parser.add_argument("--show", action="store_true", help="print the tables, train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = replace(recipe, epochs=options.epochs)
    sets, methods = chosen(options.sets, list(SET_NAMES)), chosen(options.methods, all_methods())
    results, lines = Results(options.out), []
    for set_name in sets:
        for name in methods:
            for seed in range(options.seeds):
                key = {
                    "set": set_name,
                    "method": name,
                    "seed": seed,
                    "settings": settings(name, recipe, options.padding),
                }
                folds = partial(load_set, set_name, options.data, options.cache, reads_tokens(name))
                job = partial(run, name, folds, seed, recipe, options.padding)
                line = results.line(key, f"{set_name}, {name}, seed {seed}", job, train=not options.show)
                if line is not None:
                    lines.append(line)
    print(tables(lines))
    if not options.show:
        keep_latest({s: {name: _spread(runs) for name, runs in runs_on(s, lines).items()} for s in sets})


if __name__ == "__main__":
    main()
