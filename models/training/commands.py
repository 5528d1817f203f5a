"""What `python -m models` does with a file of features: extract, convert, train, evaluate, dependence,
benchmark.

Each takes the parsed options of its command, prints what a researcher is to see, and raises ValueError with
one line about input that does not fit.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict, fields
from math import isnan
from pathlib import Path

import orjson
import torch

from models.checkpoint import fusion_path
from models.features.feature_set import SCORES, FeatureSet, has_tokens, renamed
from models.features.files import load_features, save_features
from models.features.missing import RATES
from models.fusion.mfm import MFM
from models.registry import EXTRACTORS, method_names, spec
from models.training.comparison import compare, comparison_table
from models.training.dependence import dependences
from models.training.feature_weights import check_replaceable, load_for, origin, train_on_features
from models.training.fitting import ResearchRecipe, needs_tokens
from models.training.protocols import PROTOCOLS, Setting
from models.training.runs import digest
from models.training.tables import figures_table, markdown_table


def extract(options: Namespace) -> None:
    """Features of the clips in a manifest."""
    _extracted(options, options.manifest, options.out, ray=options.ray)


def convert(options: Namespace) -> None:
    """Features in the project's format to MMSA's, or back."""
    dataset = load_features(options.source, _label_range(options))
    _report(dataset)
    save_features(options.out, dataset)


def train(options: Namespace) -> None:
    """Weights of methods on features, or on the clips of a manifest, with their figures and cards."""
    names, recipe = method_names(options.method), _recipe(options)
    device = device_of(options.device)
    if options.data.suffix.lower() == ".csv":
        dataset = _extracted(options, options.data, options.out / f"{options.data.stem}.npz", keep=True)
    else:
        dataset = _features(options.data, options)
    names = _readable(names, dataset, options.method)
    if not options.restart:
        check_replaceable(names, dataset, options.out)
    for name in names:
        path = fusion_path(name, dataset.profile, options.out)
        if options.restart:
            path.with_suffix(".run").unlink(missing_ok=True)
        meta = train_on_features(
            name,
            dataset,
            options.data.name,
            options.out,
            options.seed,
            recipe,
            device,
            progress=True,
        )
        print(f"{path}: epoch {meta.training['best_epoch']} of {meta.training['epochs']}\n")
        print(figures_table(name, meta.figures) + "\n")
    if dataset.profile in EXTRACTORS:
        profile = "" if dataset.profile == "local" else f"FUSEBOX_PROFILE={dataset.profile} "
        print(f"The page offers it: {profile}FUSEBOX_WEIGHTS={options.out} python -m app")


def evaluate(options: Namespace) -> None:
    """Figures of trained weights on a split, by a protocol."""
    names = method_names(options.method)
    dataset, device = load_features(options.data, _label_range(options)), device_of(options.device)
    dataset = renamed(dataset, options.profile)
    if not options.json:
        _report(dataset)
    dataset.needed(options.split)
    if options.method == "all":
        names = [name for name in names if fusion_path(name, dataset.profile, options.weights).is_file()]
        if not names:
            raise ValueError(
                f"{options.weights / dataset.profile} has no weights; train some with "
                f"`python -m models train all --data {options.data} --out {options.weights}`"
            )
    rates = tuple(options.rates or RATES)
    results, how, data = {}, {}, digest(dataset)
    for name in names:
        model, meta = load_for(name, dataset, options.weights)
        if meta.training.get("digest") != data:
            print(f"note: {name} was trained on {origin(meta)}", file=sys.stderr)
        constant = meta.training.get("constant", 0.0)
        setting = Setting(constant, dataset.label_range, rates, options.seed)
        results[name] = PROTOCOLS[options.protocol](model.to(device), dataset[options.split], setting)
        how[name] = _masks_in_training([name], meta.training.get("recipe", {}))
    if options.json:
        print(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode())  # NaN, no JSON, becomes null
    elif options.protocol == "full":
        print(figures_table("", {name: next(iter(rows.values())) for name, rows in results.items()}))
    else:
        for name, rows in results.items():
            print(f"{figures_table(name, rows)}\n\n{name} was trained with {how[name]}.\n")
        if options.protocol == "rmfm" and len(rates) > 1:
            print(_area(rates, options.split))


def dependence(options: Namespace) -> None:
    """What MFM's shared and private factors tell of each modality that it generates."""
    if not issubclass(spec(options.method).model, MFM):
        raise ValueError(f"{options.method!r} has no shared and private factors; the methods over MFM have")
    dataset, device = load_features(options.data, _label_range(options)), device_of(options.device)
    dataset = renamed(dataset, options.profile)
    dataset.needed(options.split)
    model, _ = load_for(options.method, dataset, options.weights)
    assert isinstance(model, MFM)
    found = dependences(model.to(device), dataset[options.split])
    if options.json:
        rows = {str(m): {**asdict(each), "ratio": each.ratio} for m, each in found.items()}
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())  # NaN, no JSON, becomes null
        return
    _report(dataset)
    cells = [
        [m, *("–" if isnan(x) else f"{x:.3f}" for x in (each.shared, each.private, each.ratio))]
        for m, each in found.items()
    ]
    print(markdown_table(["generated", "HSIC with F_y", "HSIC with F_m", "ratio"], cells))
    print("\nNormalised HSIC, about 0 to 1; a ratio above 1: it follows what decides the score more.")


def benchmark(options: Namespace) -> None:
    """Methods trained and tested over seeds, as one table."""
    names, recipe = method_names(options.method), _recipe(options)
    dataset, device = _features(options.data, options), device_of(options.device)
    names, seeds = _readable(names, dataset, options.method), list(range(options.seeds))
    runs = compare(dataset, names, seeds, recipe, options.protocol, device, options.out, progress=True)
    print(
        f"Test split, mean ± standard deviation over {len(seeds)} seeds; trained with "
        f"{_masks_in_training(names, asdict(recipe))}.\n\n{comparison_table(runs)}"
    )
    if options.protocol == "rmfm":
        print(f"\n{_area(RATES, 'test')}")


def _recipe(options: Namespace) -> ResearchRecipe:
    """The recipe, of which an option that was not given is the default."""
    given = {each.name: getattr(options, each.name) for each in fields(ResearchRecipe)}
    return ResearchRecipe(**{name: value for name, value in given.items() if value is not None})


def _area(rates: tuple[float, ...], split: str) -> str:
    """What AUILC is the area over."""
    grid = ", ".join(f"{rate:g}" for rate in rates)
    return f"AUILC: area over the rates {grid}; frames drop from the {split} split only."


def _extracted(options: Namespace, manifest: Path, out: Path, **how: bool) -> FeatureSet:
    """Features of the clips in a manifest, kept in `out`; how : `keep` and `ray` of `extract_features`."""
    from models.training.extraction import extract_features  # which decodes media; the others do not

    profile = options.profile or "local"
    if profile not in EXTRACTORS:
        raise ValueError(f"unknown profile {profile!r}; extractors there are for {', '.join(EXTRACTORS)}")
    labels, device = _label_range(options) or SCORES, device_of(options.device)
    dataset = extract_features(manifest, out, profile, labels, device, progress=True, **how)
    _report(dataset)
    return dataset


def _features(path: Path, options: Namespace) -> FeatureSet:
    """The features in a file, under the profile's name that they are to have."""
    dataset = renamed(load_features(path, _label_range(options)), options.profile)
    _report(dataset)
    return dataset


def _label_range(options: Namespace) -> tuple[float, float] | None:
    return tuple(options.label_range) if options.label_range else None


def _report(dataset: FeatureSet) -> None:
    """What was read or extracted, and what a researcher should know about it."""
    print(dataset.describe())
    shared = dataset.shared_groups()
    if shared:
        print(f"note: {len(shared)} speakers or videos are in more than one split, such as {shared[0]!r}")
    for note in dataset.notes:
        print(f"note: {note}")
    print()


def _readable(names: list[str], dataset: FeatureSet, wanted: str) -> list[str]:
    """The methods that can read these features; of "all", the others are left out and named."""
    if wanted != "all" or has_tokens(dataset):
        return names
    for name in filter(needs_tokens, names):
        print(f"note: {name} is left out: it needs token ids, which these features lack\n")
    return [name for name in names if not needs_tokens(name)]


def _masks_in_training(names: list[str], recipe: dict) -> str:
    """What the models saw of missing data while they learned, without which figures do not compare."""
    dropped = ((recipe.get(f"{what}_dropout", 0.0), what) for what in ("modality", "frame"))
    said = " and ".join(
        f"{what} dropout {rate:g}" if rate else f"no {what} dropout" for rate, what in dropped
    )
    hiding = [f"{name} hides {hidden}" for name in names if (hidden := spec(name).model.hides)]
    return f"{said}; in its own loss {', '.join(hiding)}" if hiding else said


def device_of(wanted: str) -> str:
    """The device that `--device` names; ValueError for one that is unknown or not there."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(wanted).type
    except RuntimeError:
        raise ValueError(f"unknown device {wanted!r}; known are auto, cpu, cuda, cuda:1 …") from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError("there is no GPU here; leave --device out, or give --device cpu")
    return wanted
