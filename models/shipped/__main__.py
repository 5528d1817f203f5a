"""`python -m models.shipped`: train-extractors, store-states, measure, train: what ships, and its figures.

All write into `checkpoints/`; all but ship-mpnet and store-states read the project's labelled data.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.arguments import Parser, add_device, count, printed, quiet, run_command, seed
from models.registry import method_names
from models.tensors import CHECKPOINTS

DATA = Path("../shared/data")
CACHE = Path(".cache")
# in this order: text_arousal needs text, voice_decoder and melody audio, the last one all three encoders
TRAINED_EXTRACTORS = (
    "text",
    "text_arousal",
    "audio",
    "vision",
    "face_decoder",
    "voice_decoder",
    "melody",
    "out_of_distribution",
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 with one plain line on stderr when its input was wrong."""
    return run_command(_parser(), arguments)


def _parser() -> Parser:
    parser = Parser(prog="python -m models.shipped", description="Make the weights that ship.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("train-extractors", help="train the local profile's encoders")
    command.add_argument("which", choices=[*TRAINED_EXTRACTORS, "all"])
    _add_data(command)
    command.set_defaults(run=_train_extractors)

    command = commands.add_parser("store-states", help="states that a start would else make")
    command.set_defaults(run=_store_states)

    command = commands.add_parser("measure", help="train and test methods on speakers never seen")
    command.add_argument("kind", choices=["clips", "speech"])
    command.add_argument("method", nargs="?", default="all", help="a name, several by commas, or all")
    command.add_argument("--seeds", type=count, default=3, help="how many seeds, from 0")
    command.add_argument("--heard", type=Path, help="clips: CSV of `app transcribe`, to measure with too")
    command.add_argument("--show", action="store_true", help="the stored figures, no run")
    _add_data(command)
    add_device(command)
    command.set_defaults(run=_measure)

    command = commands.add_parser("train", help="train the fusion weights, with their cards")
    command.add_argument("method", help="a method's name, several separated by commas, or all")
    command.add_argument("--seed", type=seed, default=0)
    _add_data(command)
    add_device(command)
    command.set_defaults(run=_train)

    command = commands.add_parser("ship-mpnet", help="round the published language model for the repository")
    command.add_argument("source", type=Path, metavar="FOLDER", help="with model.safetensors and vocab.txt")
    command.set_defaults(run=_ship_mpnet)

    command = commands.add_parser("ship-speaker", help="the published speaker encoder, halved")
    command.add_argument("source", type=Path, metavar="FILE", help="pretrained.pt of Resemblyzer")
    command.set_defaults(run=_ship_speaker)
    return parser


def _add_data(command: Parser) -> None:
    command.add_argument("--data", type=Path, default=DATA, help="folder of the labelled data")
    command.add_argument("--cache", type=Path, default=CACHE, help="folder for computed states")


def _train_extractors(options: argparse.Namespace) -> None:
    from models.shipped.extractors import train_extractor

    for which in TRAINED_EXTRACTORS if options.which == "all" else (options.which,):
        train_extractor(which, _folder(options.data), options.cache, CHECKPOINTS)


def _store_states(options: argparse.Namespace) -> None:
    from models.shipped.stored_states import store_states

    store_states(CHECKPOINTS)


def _measure(options: argparse.Namespace) -> None:
    from models.shipped.shipping import measure_recipe, table
    from models.training.commands import device_of

    kind, names = options.kind, method_names(options.method)
    if options.heard and kind != "clips":
        raise ValueError("--heard is for clips")
    if not options.show:
        seeds, device = list(range(options.seeds)), device_of(options.device)
        for name in names:
            measure_recipe(
                kind, name, _folder(options.data), options.cache, CHECKPOINTS, seeds, options.heard, device
            )
    print(table(kind, names, CHECKPOINTS))


def _train(options: argparse.Namespace) -> None:
    from models.shipped.shipping import train_shipped
    from models.training.commands import device_of

    names, device = method_names(options.method), device_of(options.device)
    for name in names:
        train_shipped(name, _folder(options.data), options.cache, CHECKPOINTS, options.seed, device)


def _ship_mpnet(options: argparse.Namespace) -> None:
    from models.extractors.mpnet import FOLDER
    from models.shipped.mpnet import ship_mpnet

    ship_mpnet(options.source, FOLDER)


def _ship_speaker(options: argparse.Namespace) -> None:
    from models.shipped.speaker import ship_speaker

    ship_speaker(options.source, CHECKPOINTS / "local" / "extractors")


def _folder(path: Path) -> Path:
    if not (path / "clips" / "manifest.csv").is_file():
        raise FileNotFoundError(
            f"{path} is not the folder of the labelled data: it has no clips/manifest.csv"
        )
    return path


if __name__ == "__main__":
    quiet()
    sys.exit(printed(main))
