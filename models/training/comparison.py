"""Several methods over several seeds on the same features, as one table; continues where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import orjson

from models.features.feature_set import SPLITS, DataError, FeatureSet
from models.training.feature_weights import median_target
from models.training.fitting import ResearchRecipe, fit
from models.training.metrics import spread
from models.training.protocols import PROTOCOLS, Figures, Setting
from models.training.runs import digest
from models.training.tables import figures_table

Runs = dict[str, dict[str, Figures]]  # method -> seed -> figures of the protocol


def compare(
    dataset: FeatureSet,
    methods: list[str],
    seeds: list[int],
    recipe: ResearchRecipe,
    protocol: str = "full",
    device: str = "cpu",
    store: Path | None = None,
    progress: bool = False,
) -> Runs:
    """Train every method with every seed, measure each on the test split.

    store : JSON file of what is done; those runs are not repeated. It belongs to one set of features, recipe
    and protocol: ValueError for another.
    """
    dataset.needed("train", "valid", "test")
    identity = {"data": digest(dataset, SPLITS), "recipe": asdict(recipe), "protocol": protocol}
    runs = _read(store, identity)
    setting = Setting(median_target(dataset), dataset.label_range)
    for name in methods:
        for seed in seeds:
            if str(seed) in runs.get(name, {}):
                continue
            state = None if store is None else store.with_suffix(f".{name}-{seed}.run")
            model = fit(name, dataset, seed, recipe, device, run=state, progress=progress)
            runs.setdefault(name, {})[str(seed)] = PROTOCOLS[protocol](model, dataset.test, setting)
            if store is not None and state is not None:
                _write(store, identity, runs)
                state.unlink(missing_ok=True)
    return {name: {str(seed): runs[name][str(seed)] for seed in seeds} for name in methods}


def comparison_table(runs: Runs) -> str:
    """Markdown: a row a method with mean ± standard deviation over seeds; a table a row of the protocol."""
    rows = list(next(iter(next(iter(runs.values())).values())))
    tables = []
    for row in rows:
        methods = {
            name: _spread([figures[row] for figures in seeds.values()]) for name, seeds in runs.items()
        }
        tables.append(figures_table(row, methods))
    return "\n\n".join(tables)


def _spread(runs: list[dict[str, float]]) -> dict:
    """{metric: [mean, standard deviation]}; the number of items is the same in all."""
    summary = spread(runs)
    return {metric: runs[0][metric] if metric == "items" else value for metric, value in summary.items()}


def _read(store: Path | None, identity: dict) -> Runs:
    if store is None or not store.is_file():
        return {}
    try:
        content = json.loads(store.read_text())
        found, runs = content["identity"], content["runs"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{store} holds no runs of a benchmark: {error}") from error
    differing = [key for key, value in identity.items() if found.get(key) != value]
    if differing:
        raise DataError(
            f"{store} holds runs with another {' and '.join(differing)}; give another --out, or delete it"
        )
    return runs


def _write(store: Path, identity: dict, runs: Runs) -> None:
    store.parent.mkdir(parents=True, exist_ok=True)
    partial = store.with_name(store.name + ".partial")
    content = {"identity": identity, "runs": runs}  # NaN, which is no JSON, becomes null
    partial.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    partial.replace(store)
