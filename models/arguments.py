"""Command lines: what is wrong said in one line, the numbers that options take, output that nobody reads."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from math import inf, nan


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and which command's help to read."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")

    def parse_known_args(self, args=None, namespace=None):
        """Nothing stays unknown: a command refuses it itself, where argparse leaves it to the program."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unknown arguments: {' '.join(unknown)}")
        return known, unknown


def run_command(parser: Parser, arguments: list[str] | None) -> int:
    """Run the command that the arguments name, which the parser's `run` default does.

    0 when it worked, 2 with one plain line on stderr when its input was wrong.
    """
    from models.tensors import CheckpointError  # with torch, which `--help` can do without

    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, CheckpointError, FileNotFoundError) as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def add_device(command: Parser) -> None:
    """The option `--device`."""
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (default: a GPU if any)")


def quiet() -> None:
    """Keep the libraries' load reports, bars and warnings from between our own lines."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    if not sys.warnoptions:
        warnings.simplefilter("ignore", FutureWarning)


def printed(command: Callable[[], int]) -> int:
    """Exit code of a command that prints; 1 once nobody reads what it prints, as behind `| head`."""
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        # the interpreter flushes once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _number(kind: type, wanted: str, fits: Callable[[float], bool]) -> Callable[[str], float]:
    """An argparse type: a number of this kind that fits, else an error that says what is wanted."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = nan  # which fits nothing
        if not fits(value):
            raise argparse.ArgumentTypeError(f"{text!r} is no {wanted}")
        return value

    return read


count = _number(int, "whole number from 1", lambda n: n >= 1)
seed = _number(int, f"whole number from 0 to {2**32 - 1}", lambda n: 0 <= n < 2**32)
number = _number(float, "number", lambda x: -inf < x < inf)
above_zero = _number(float, "number above 0", lambda x: 0 < x < inf)
not_negative = _number(float, "number from 0", lambda x: 0 <= x < inf)
share = _number(float, "share from 0 to 1", lambda x: 0 <= x <= 1)
share_below_one = _number(float, "share from 0 to less than 1", lambda x: 0 <= x < 1)
