"""`python -m models`: list, extract, convert, train-extractors, train, evaluate, benchmark.

`--data` names either the folder of the project's labelled data, for the weights that ship, or a file of
features (.npz of `extract`, .pkl of MMSA), for research on one's own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

from models.arguments import (
    Parser,
    above_zero,
    count,
    not_negative,
    number,
    printed,
    seed,
    share,
    share_below_one,
)
from models.catalogue import describe_methods
from models.checkpoint import CHECKPOINTS, CheckpointError
from models.registry import EXTRACTORS, FUSION_MODELS, spec

DATA = Path("../shared/data")
CACHE = Path(".cache")
RUNS = Path("runs")  # weights trained on features
MEASURED_DATA = ("clips", "speech")  # what `evaluate` measures the shipped recipe on
# in this order: voice_decoder needs audio, familiarity the three modalities' extractors
TRAINED_EXTRACTORS = ("text", "language_model", "audio", "vision", "voice_decoder", "familiarity")
RECIPE_OPTIONS = {  # of ResearchRecipe: (type, help)
    "epochs": (count, "at most so many epochs"),
    "patience": (count, "epochs without a better validation MAE before training ends"),
    "batch": (count, "utterances a step"),
    "lr": (above_zero, "learning rate (default: the method's)"),
    "weight_decay": (not_negative, "weight decay (default: the method's)"),
    "modality_dropout": (share, "share of training items that lose some modalities"),
    "frame_dropout": (share_below_one, "share of training frames and words that drop out"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 with one plain line on stderr when its input was wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, CheckpointError, FileNotFoundError) as error:
        print(f"python -m models {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> Parser:
    parser = Parser(prog="python -m models", description="Train, measure and list methods.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("list", help="every method, its paper, weights and test figures")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=_list)

    command = commands.add_parser("train-extractors", help="train the local profile's encoders")
    command.add_argument("which", choices=[*TRAINED_EXTRACTORS, "all"])
    command.add_argument("--data", type=Path, default=DATA, help="folder of the labelled data")
    command.add_argument("--cache", type=Path, default=CACHE, help="folder for computed states")
    command.set_defaults(run=_train_extractors)

    command = commands.add_parser("extract", help="features of the clips in a manifest")
    command.add_argument("--manifest", type=Path, required=True, help="CSV: file, text, score, split")
    command.add_argument("--out", type=Path, required=True, help="features.npz, or .pkl for MMSA")
    command.add_argument("--profile", default="local", choices=list(EXTRACTORS), help="whose extractors")
    _add_label_range(command)
    _add_device(command)
    command.set_defaults(run=_extract)

    command = commands.add_parser("convert", help="features from .npz to MMSA's .pkl, or back")
    command.add_argument("source", type=Path)
    command.add_argument("out", type=Path)
    _add_label_range(command)
    command.set_defaults(run=_convert)

    command = commands.add_parser("train", help="train methods: weights to ship, or on features")
    command.add_argument("method", help="a method's name, several separated by commas, or all")
    command.add_argument("--data", type=Path, default=DATA, help="folder of the labelled data, or features")
    command.add_argument("--seed", type=seed, default=0)
    command.add_argument("--cache", type=Path, default=CACHE, help="folder data: for computed states")
    command.add_argument("--out", type=Path, default=RUNS, help="features: folder for the weights")
    command.add_argument(
        "--restart",
        action="store_true",
        help="features: forget an interrupted run, replace weights of other data",
    )
    _add_features(command)
    _add_recipe(command)
    _add_device(command)
    command.set_defaults(run=_train)

    command = commands.add_parser("evaluate", help="figures of methods on what they never saw")
    command.add_argument("method", nargs="?", default="all", help="a name, several by commas, or all")
    command.add_argument(
        "--data", type=Path, required=True, help="clips or speech, of the labelled data, or features"
    )
    command.add_argument("--methods", help="the same as METHOD")
    command.add_argument("--seeds", type=count, default=3, help="clips, speech: how many seeds, from 0")
    command.add_argument("--heard", type=Path, help="clips: CSV of `app transcribe`, to measure with too")
    command.add_argument("--show", action="store_true", help="clips, speech: the stored figures, no run")
    command.add_argument("--root", type=Path, default=DATA, help="clips, speech: folder of the labelled data")
    command.add_argument("--cache", type=Path, default=CACHE, help="clips, speech: for computed states")
    command.add_argument("--weights", type=Path, default=RUNS, help="features: folder of trained weights")
    command.add_argument(
        "--split", default="test", choices=["train", "valid", "test"], help="features: which"
    )
    command.add_argument("--seed", type=seed, default=0, help="features: of the dropped frames")
    command.add_argument("--rates", type=share, nargs="+", help="rmfm: missing rates (default: 0 0.1 … 1)")
    command.add_argument("--json", action="store_true", help="features: print JSON instead of tables")
    _add_protocol(command)
    _add_features(command)
    _add_device(command)
    command.set_defaults(run=_evaluate)

    command = commands.add_parser("benchmark", help="train and test methods over seeds on features")
    command.add_argument("method", nargs="?", default="all", help="a name, several by commas, or all")
    command.add_argument("--data", type=Path, required=True, help="features")
    command.add_argument("--seeds", type=count, default=3, help="how many seeds, from 0")
    command.add_argument("--out", type=Path, default=RUNS / "benchmark.json", help="file that keeps the runs")
    _add_protocol(command)
    _add_features(command)
    _add_recipe(command)
    _add_device(command)
    command.set_defaults(run=_benchmark)
    return parser


def _add_protocol(command: Parser) -> None:
    command.add_argument(
        "--protocol",
        default="full",
        choices=["full", "subsets", "rmfm", "mmin"],
        help="features: everything; all seven subsets; dropped frames; MMIN's six conditions",
    )


def _add_features(command: Parser) -> None:
    command.add_argument("--profile", help="features: name for extractors that the file does not name")
    _add_label_range(command)


def _add_label_range(command: Parser) -> None:
    command.add_argument("--label-range", type=number, nargs=2, metavar=("LOW", "HIGH"), help="of the labels")


def _add_recipe(command: Parser) -> None:
    for name, (kind, text) in RECIPE_OPTIONS.items():
        command.add_argument(f"--{name.replace('_', '-')}", type=kind, help=f"features: {text}")
    command.add_argument("--bf16", action="store_true", default=None, help="features, GPU: autocast")


def _add_device(command: Parser) -> None:
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (default: a GPU if any)")


def _list(options: argparse.Namespace) -> None:
    from models.training.cards import adapters_sentence

    methods = describe_methods(CHECKPOINTS)
    if options.json:
        print(json.dumps([method.to_json() for method in methods], indent=2))
        return
    for method in methods:
        spec, sizes = method.spec, method.sizes or {}
        print(f"{spec.name:10} {spec.title:20} {spec.year}  {spec.paper}")
        if adapters := adapters_sentence(sizes):
            print(f"{'':10} {sizes['total']:,} parameters. {adapters}")


def _train_extractors(options: argparse.Namespace) -> None:
    from models.training.extractors import train_extractor

    for which in TRAINED_EXTRACTORS if options.which == "all" else (options.which,):
        train_extractor(which, _folder(options.data), options.cache, CHECKPOINTS)


def _extract(options: argparse.Namespace) -> None:
    from models.training import commands

    commands.extract(options)


def _convert(options: argparse.Namespace) -> None:
    from models.training import commands

    commands.convert(options)


def _train(options: argparse.Namespace) -> None:
    names = _names(options.method)
    if options.data.is_file():
        from models.training import commands

        commands.train(options, names, _recipe(options))
        return
    if options.data != DATA and not options.data.exists():
        raise FileNotFoundError(f"there is no file or folder {options.data}")
    given = [*_recipe(options), *(name for name in ("profile", "label_range") if getattr(options, name))]
    if given:
        raise ValueError(
            f"--{given[0].replace('_', '-')} is for a file of features; the weights that ship have a fixed "
            "recipe"
        )
    from models.training.commands import device_of
    from models.training.shipping import train_shipped

    device = device_of(options.device)
    for name in names:
        train_shipped(name, _folder(options.data), options.cache, CHECKPOINTS, options.seed, device)


def _evaluate(options: argparse.Namespace) -> None:
    options.method = options.methods or options.method
    names = _names(options.method)
    if options.heard and str(options.data) != "clips":
        raise ValueError("--heard is for --data clips")
    if str(options.data) not in MEASURED_DATA:
        from models.training import commands

        commands.evaluate(options, names)
        return
    from models.training import shipping
    from models.training.commands import device_of

    kind = str(options.data)
    if not options.show:
        seeds, device = list(range(options.seeds)), device_of(options.device)
        for name in names:
            shipping.evaluate(
                kind, name, _folder(options.root), options.cache, CHECKPOINTS, seeds, options.heard, device
            )
    print(shipping.table(kind, names, CHECKPOINTS))


def _benchmark(options: argparse.Namespace) -> None:
    from models.training import commands

    commands.benchmark(options, _names(options.method), _recipe(options))


def _recipe(options: argparse.Namespace) -> dict:
    """What was given of a `ResearchRecipe`."""
    return {
        name: value for name in (*RECIPE_OPTIONS, "bf16") if (value := getattr(options, name)) is not None
    }


def _names(wanted: str) -> list[str]:
    if wanted == "all":
        return list(FUSION_MODELS)
    return [spec(name.strip()).name for name in wanted.split(",")]


def _folder(path: Path) -> Path:
    if not (path / "clips" / "manifest.csv").is_file():
        raise FileNotFoundError(
            f"{path} is neither a file of features nor the folder of the labelled data (it has no "
            "clips/manifest.csv)"
        )
    return path


def _quiet() -> None:
    """Keep the libraries' load reports, bars and warnings from between our own lines."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    if not sys.warnoptions:
        warnings.simplefilter("ignore", FutureWarning)


if __name__ == "__main__":
    _quiet()
    sys.exit(printed(main))
