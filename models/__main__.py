"""`python -m models`: list, train-extractors, train, evaluate."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from models.catalogue import describe_methods
from models.checkpoint import CHECKPOINTS, CheckpointError

DATA = Path("../shared/data")
CACHE = Path(".cache")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 with one plain line on stderr when its input was wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, CheckpointError, FileNotFoundError) as error:
        print(f"python -m models {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models", description="Train, measure and list methods.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("list", help="every method, its paper, weights and test figures")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=_list)

    command = commands.add_parser("train-extractors", help="train the local profile's encoders")
    command.add_argument("which", choices=["text", "audio", "vision", "all"])
    _add_data(command)
    command.set_defaults(run=_train_extractors)

    command = commands.add_parser("train", help="train a method's shipped weights")
    command.add_argument("method", help="a method's name, or all")
    command.add_argument("--seed", type=int, default=0)
    _add_data(command)
    command.set_defaults(run=_train)

    command = commands.add_parser("evaluate", help="figures on speakers never seen")
    command.add_argument("--data", choices=["clips", "speech"], required=True)
    command.add_argument("--methods", default="all", help="names separated by commas")
    command.add_argument("--seeds", type=int, default=3, help="how many seeds, from 0")
    command.add_argument("--show", action="store_true", help="print the stored figures, measure nothing")
    command.add_argument("--root", type=Path, default=DATA, help="folder of the labelled data")
    command.add_argument("--cache", type=Path, default=CACHE, help="folder for computed states")
    command.set_defaults(run=_evaluate)
    return parser


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, default=DATA, dest="root", help="folder of the labelled data")
    command.add_argument("--cache", type=Path, default=CACHE, help="folder for computed states")


def _list(options: argparse.Namespace) -> None:
    methods = describe_methods(CHECKPOINTS)
    if options.json:
        print(json.dumps(methods, indent=2))
        return
    for method in methods:
        print(f"{method['name']:8} {method['title']:15} {method['year']}  {method['paper']}")


def _train_extractors(options: argparse.Namespace) -> None:
    from models.training.extractors import train_extractor

    for which in ("text", "audio", "vision") if options.which == "all" else (options.which,):
        train_extractor(which, _folder(options.root), options.cache, CHECKPOINTS)


def _train(options: argparse.Namespace) -> None:
    from models.training.shipping import train_shipped

    for name in _names(options.method):
        train_shipped(name, _folder(options.root), options.cache, CHECKPOINTS, options.seed)


def _evaluate(options: argparse.Namespace) -> None:
    from models.training import shipping

    names = _names(options.methods)
    if not options.show:
        for name in names:
            shipping.evaluate(
                options.data,
                name,
                _folder(options.root),
                options.cache,
                CHECKPOINTS,
                list(range(options.seeds)),
            )
    print(shipping.table(options.data, names, CHECKPOINTS))


def _names(wanted: str) -> list[str]:
    from models.registry import FUSION_MODELS, spec

    if wanted == "all":
        return list(FUSION_MODELS)
    return [spec(name.strip()).name for name in wanted.split(",")]


def _folder(path: Path) -> Path:
    if not (path / "clips" / "manifest.csv").is_file():
        raise FileNotFoundError(
            f"{path} is not the folder of the labelled data (it has no clips/manifest.csv)"
        )
    return path


if __name__ == "__main__":
    sys.exit(main())
