"""`python -m models.shipped`, as far as it goes without the labelled data."""

from __future__ import annotations

from models.shipped.__main__ import TRAINED_EXTRACTORS, main
from models.shipped.extractors import EXTRACTORS


def test_every_extractor_can_be_trained_by_name():
    assert tuple(EXTRACTORS) == TRAINED_EXTRACTORS


def test_the_stored_figures_are_shown_without_a_run(capsys):
    assert main(["measure", "clips", "lmf,tfn", "--show"]) == 0
    assert "| lmf | " in capsys.readouterr().out


def test_what_does_not_fit_is_one_line(tmp_path, capsys):
    for words, complaint in (
        (["train", "lmf", "--data", str(tmp_path)], "not the folder of the labelled data"),
        (["measure", "speech", "--heard", "heard.csv"], "--heard is for clips"),
        (["measure", "clips", "mlp"], "known are lmf"),
    ):
        assert main(words) == 2
        printed = capsys.readouterr()
        assert printed.err.startswith(f"python -m models.shipped {words[0]}: ")
        assert complaint in printed.err and printed.err.count("\n") == 1
