"""`python -m models`: list, extract, convert, train, evaluate, dependence, benchmark: for researchers.

Features are a file of one's own, .npz of `extract` or .pkl of MMSA; `python -m models.shipped` makes the
weights that ship. Each command imports what it needs: training imports nothing that decodes media.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from models.arguments import (
    Parser,
    above_zero,
    add_device,
    count,
    not_negative,
    number,
    printed,
    quiet,
    run_command,
    seed,
    share,
    share_below_one,
)
from models.registry import EXTRACTORS

RUNS = Path("runs")  # trained weights
PROFILE_HELP = "whose extractors; of hub, encoders that FUSEBOX_HUB_TEXT, …_AUDIO and …_VISION name"
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
    return run_command(_parser(), arguments)


def _parser() -> Parser:
    parser = Parser(prog="python -m models", description="Train, measure and list methods.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("list", help="every method, its paper, weights and test figures")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=_list)

    command = commands.add_parser("extract", help="features of the clips in a manifest")
    command.add_argument(
        "--manifest", type=Path, required=True, help="CSV: file, text, score, and split or group"
    )
    command.add_argument("--out", type=Path, required=True, help="features.npz, or .pkl for MMSA")
    command.add_argument("--profile", default="local", choices=list(EXTRACTORS), help=PROFILE_HELP)
    command.add_argument("--ray", action="store_true", help="on all machines of a Ray cluster (RAY_ADDRESS)")
    _add_label_range(command)
    add_device(command)
    command.set_defaults(run=_on_features)

    command = commands.add_parser("convert", help="features from .npz to MMSA's .pkl, or back")
    command.add_argument("source", type=Path)
    command.add_argument("out", type=Path)
    _add_label_range(command)
    command.set_defaults(run=_on_features)

    command = commands.add_parser("train", help="train methods on features, or on clips")
    command.add_argument("method", help="a method's name, several separated by commas, or all")
    command.add_argument(
        "--data", type=Path, required=True, help="features, or a CSV of clips as `extract` takes it"
    )
    command.add_argument("--seed", type=seed, default=0)
    command.add_argument("--out", type=Path, default=RUNS, help="folder for the weights")
    command.add_argument(
        "--restart",
        action="store_true",
        help="forget an interrupted run, replace weights of other data",
    )
    _add_features(command)
    _add_recipe(command)
    add_device(command)
    command.set_defaults(run=_on_features)

    command = commands.add_parser("evaluate", help="figures of trained weights on a split of features")
    command.add_argument("method", nargs="?", default="all", help="a name, several by commas, or all")
    command.add_argument("--data", type=Path, required=True, help="features")
    _add_trained(command)
    command.add_argument("--seed", type=seed, default=0, help="of the dropped frames")
    command.add_argument("--rates", type=share, nargs="+", help="rmfm: missing rates (default: 0 0.1 … 1)")
    command.add_argument("--json", action="store_true", help="print JSON instead of tables")
    _add_protocol(command)
    _add_features(command)
    add_device(command)
    command.set_defaults(run=_on_features)

    command = commands.add_parser("dependence", help="MFM: shared against private factors, by HSIC")
    command.add_argument("method", nargs="?", default="mfm", help="mfm, mfm_ef_lstm or mfm_tfn")
    command.add_argument("--data", type=Path, required=True, help="features")
    _add_trained(command)
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    _add_features(command)
    add_device(command)
    command.set_defaults(run=_on_features)

    command = commands.add_parser("benchmark", help="train and test methods over seeds on features")
    command.add_argument("method", nargs="?", default="all", help="a name, several by commas, or all")
    command.add_argument("--data", type=Path, required=True, help="features")
    command.add_argument("--seeds", type=count, default=3, help="how many seeds, from 0")
    command.add_argument("--out", type=Path, default=RUNS / "benchmark.json", help="file that keeps the runs")
    _add_protocol(command)
    _add_features(command)
    _add_recipe(command)
    add_device(command)
    command.set_defaults(run=_on_features)
    return parser


def _add_trained(command: Parser) -> None:
    command.add_argument("--weights", type=Path, default=RUNS, help="folder of trained weights")
    command.add_argument(
        "--split", default="test", choices=["train", "valid", "test"], help="which of the three"
    )


def _add_protocol(command: Parser) -> None:
    command.add_argument(
        "--protocol",
        default="full",
        choices=["full", "subsets", "rmfm", "mmin"],
        help="everything; all seven subsets; dropped frames; MMIN's six conditions",
    )


def _add_features(command: Parser) -> None:
    command.add_argument("--profile", help="name for extractors that the file does not name")
    _add_label_range(command)


def _add_label_range(command: Parser) -> None:
    command.add_argument("--label-range", type=number, nargs=2, metavar=("LOW", "HIGH"), help="of the labels")


def _add_recipe(command: Parser) -> None:
    for name, (kind, text) in RECIPE_OPTIONS.items():
        command.add_argument(f"--{name.replace('_', '-')}", type=kind, help=text)
    command.add_argument("--bf16", action="store_true", default=None, help="GPU: autocast")
    command.add_argument("--start", metavar="FOLDER", help="of weights to go on from, such as checkpoints")


def _list(options: argparse.Namespace) -> None:
    from models.catalogue import adapters_sentence, describe_methods

    methods = describe_methods()
    if options.json:
        print(json.dumps([method.to_json() for method in methods], indent=2))
        return
    for method in methods:
        spec, sizes = method.spec, method.sizes or {}
        print(f"{spec.name:10} {spec.title:20} {spec.year}  {spec.paper}")
        if adapters := adapters_sentence(sizes):
            print(f"{'':10} {sizes['total']:,} parameters. {adapters}")


def _on_features(options: argparse.Namespace) -> None:
    from models.training import commands

    getattr(commands, options.command)(options)


if __name__ == "__main__":
    quiet()
    sys.exit(printed(main))
