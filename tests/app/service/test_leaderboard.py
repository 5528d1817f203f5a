"""The stored leaderboard of missing modalities."""

from __future__ import annotations

import json

from app.service.leaderboard import ORDERED_BY, leaderboard
from models.features.missing import RATES
from models.registry import FUSION_MODELS
from models.types import Modality


def test_every_method_has_a_row_with_every_subset_and_rate():
    board = leaderboard()
    assert board is not None and board.seeds >= 3
    assert {row.method for row in board.rows} == set(FUSION_MODELS)
    subsets = {"+".join(subset) for subset in Modality.subsets()}
    for row in board.rows:
        assert subsets | {ORDERED_BY} <= set(row.errors)
        assert len(row.curve) == len(RATES)


def test_rows_are_ordered_by_the_mean_of_what_lacks_something():
    board = leaderboard()
    assert board is not None
    means = [row.errors[ORDERED_BY][0] for row in board.rows]
    assert means == sorted(means)


def test_where_nothing_is_left_all_methods_err_alike():
    board = leaderboard()
    assert board is not None
    assert len({row.curve[-1] for row in board.rows}) == 1


def test_without_the_file_there_is_no_table(tmp_path):
    assert leaderboard(tmp_path / "missing.json") is None


def test_the_curve_holds_the_mean_errors_by_rate(tmp_path):
    rows = {"mean of the six": {"mae": [1.0, 0.1]}, "rate 0": {"mae": [0.5, 0]}, "rate 1": {"mae": [1.4, 0]}}
    path = tmp_path / "missing.json"
    path.write_text(json.dumps({"seeds": 4, "sets": {"aligned": {"lmf": rows}}}))
    board = leaderboard(path)
    assert board is not None and board.seeds == 4
    assert board.rows[0].curve == [0.5, 1.4] and board.rows[0].errors == {"mean of the six": (1.0, 0.1)}
