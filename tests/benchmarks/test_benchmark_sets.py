"""What makes the comparison fair: no video on two sides, the same numbers for MMSA's networks and ours."""

from __future__ import annotations

import pytest
import torch

from models.features.feature_set import FeatureSet
from models.types import Modality
from tests.benchmarks import mmsa_runs
from tests.benchmarks.mosi import load_set
from tests.benchmarks.results import Results


@pytest.fixture(scope="module")
def folds(shared_data, tmp_path_factory) -> list[FeatureSet]:
    return load_set("aligned", shared_data, tmp_path_factory.mktemp("states"))


def test_every_video_is_tested_once_and_never_on_two_sides(folds):
    tested = [{item.group for item in fold.test} for fold in folds]
    assert sum(map(len, tested)) == len(set().union(*tested)) == 10
    for fold in folds:
        train, valid, test = ({item.group for item in items} for _, items in fold)
        assert not (train & valid or train & test or valid & test)


def test_each_word_has_one_state_of_every_modality(folds):
    items = [item for fold in folds for item in fold.test]
    assert len(items) == 229
    assert all(len({len(states) for states in item.states.values()}) == 1 for item in items)


def test_voice_and_face_are_standardised_on_the_training_videos_alone(folds):
    for modality in (Modality.AUDIO, Modality.VISION):
        for fold in folds:
            states = torch.cat([item.states[modality] for item in fold.train])
            torch.testing.assert_close(states.mean(0), torch.zeros(states.shape[1]), rtol=0, atol=1e-4)
        # of one utterance, tested in one fold and trained on in the next but one
        tested, trained_on = (
            next(item for item in items if item.group == folds[0].test[0].group).states[modality]
            for items in (folds[0].test, folds[2].train)
        )
        assert not torch.equal(tested, trained_on)


@pytest.mark.parametrize("padding", mmsa_runs.PADDINGS)
def test_mmsa_reads_the_same_states(folds, padding):
    items = folds[0].train[:3]
    aligned = mmsa_runs.as_tensors(items, folds[0].dims, "mfn", padding)
    averaged = mmsa_runs.as_tensors(items, folds[0].dims, "lmf", padding)
    for i, item in enumerate(items):
        words = len(item.states[Modality.TEXT])
        where = slice(50 - words, 50) if padding == "front" else slice(0, words)
        for modality, states in item.states.items():
            assert torch.equal(aligned[modality][i, where], states)
            assert int(aligned[modality][i].any(1).sum()) == words  # and zeros elsewhere
        assert torch.equal(averaged[Modality.AUDIO][i, 0], item.states[Modality.AUDIO].mean(0))
        assert aligned["labels"][i, 0] == item.target


def test_a_finished_run_is_not_repeated_and_another_setting_is(tmp_path):
    results, done = Results(tmp_path / "runs.jsonl"), []

    def run() -> dict:
        done.append(1)
        return {"figures": {"mae": 0.5 * len(done)}}

    first = results.find_or_run({"method": "lmf", "sizes": (1, 2)}, run)
    assert Results(results.path).find_or_run({"method": "lmf", "sizes": (1, 2)}, run)["figures"] == {
        "mae": 0.5
    }
    assert first["figures"] == {"mae": 0.5}
    assert results.find({"method": "lmf", "sizes": (1, 3)}) is None
    assert results.find_or_run({"method": "lmf", "sizes": (1, 3)}, run)["figures"] == {"mae": 1.0}
