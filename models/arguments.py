"""Command lines: what is wrong said in one line, the numbers that options take, output that nobody reads."""

from __future__ import annotations

import argparse
import os
import sys
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
