"""Finished runs of a benchmark, one JSON object a line, so that what is done is never repeated."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "benchmark"
METRICS = ("mae", "corr", "acc7", "acc2_non0", "acc2_has0", "f1_non0", "f1_has0")  # that the tables show


def shown(figures: dict[str, float]) -> dict[str, float]:
    """The figures of METRICS."""
    return {metric: figures[metric] for metric in METRICS}


def options_of_runs(description: str | None, out: str, seeds: int, epochs: int) -> argparse.ArgumentParser:
    """A parser with what every benchmark that trains over seeds takes; `out` names its file of results."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=seeds, help="how many, from 0")
    parser.add_argument("--epochs", type=int, default=epochs, help="at most, of our methods")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, default=CACHE / out)
    return parser


class Results:
    """A file of runs that several processes may share.

    A run is known by its key: a JSON-able dict of everything that decides its outcome.
    """

    def __init__(self, path: Path):
        self.path = path

    def find(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """The line of a run, key and result; None where it is not done."""
        wanted = json.loads(json.dumps(key))  # as the file would give it back
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        return next((line for line in map(json.loads, lines) if wanted.items() <= line.items()), None)

    def find_or_run(self, key: dict[str, Any], run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The line of a run, which is run now and written where it is not done."""
        line = self.find(key)
        if line is None:
            line = {**key, **run()}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")  # in one write: lines of two processes do not mix
        return line
