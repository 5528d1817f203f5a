"""How every method does when something is missing: what `tests/benchmarks/missing.py` measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.tensors import CHECKPOINTS

ORDERED_BY = "mean of the six"  # the row that methods are ordered by, least error first
RATE = "rate "  # before the share of frames in the name of a row


@dataclass(frozen=True)
class MissingRow:
    """One method's mean absolute errors on people never seen.

    errors : {what is there, or a summary: (mean, standard deviation over seeds)}
    curve : mean error with 0, 0.1, … 1 of all frames and words dropped
    """

    method: str
    errors: dict[str, tuple[float, float]]
    curve: list[float]


@dataclass(frozen=True)
class Leaderboard:
    """Rows in order, least mean error first; seeds : behind each mean."""

    rows: list[MissingRow]
    seeds: int


@cache
def leaderboard(path: Path = CHECKPOINTS / "missing.json") -> Leaderboard | None:
    """The table on CMU-MOSI's aligned segments, which have all three modalities; None without the file."""
    if not path.is_file():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    rows = [_row(name, rows) for name, rows in stored["sets"]["aligned"].items()]
    return Leaderboard(sorted(rows, key=lambda row: row.errors[ORDERED_BY]), stored["seeds"])


def _row(method: str, rows: dict[str, dict[str, list[float]]]) -> MissingRow:
    errors = {name: (figures["mae"][0], figures["mae"][1]) for name, figures in rows.items()}
    curve = [mean for name, (mean, _) in errors.items() if name.startswith(RATE)]
    return MissingRow(method, {k: v for k, v in errors.items() if not k.startswith(RATE)}, curve)
