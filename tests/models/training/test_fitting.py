"""Training on features: it learns, stops on validation, repeats itself, and continues after a stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.checkpoint import load_fusion
from models.features.feature_set import SIMS_SCORES, DataError
from models.features.utterances import Utterance
from models.fusion.late import LateFusion
from models.registry import FUSION_MODELS
from models.tensors import CheckpointError
from models.training.feature_weights import load_for, median_target, train_on_features
from models.training.fitting import ResearchRecipe, fit
from models.training.loop import shuffled
from models.training.prediction import model_metrics
from models.training.runs import TrainingRun, digest
from models.types import Modality
from tests.models.feature_sets import AUDIO, TEXT, feature_set, utterances

QUICK = ResearchRecipe(epochs=3, batch=16)


def same_weights(one, other) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("name", FUSION_MODELS)
def test_every_method_trains_on_features(name):
    model = fit(name, feature_set(tokens=True), 0, replace(QUICK, epochs=2, modality_dropout=0.3))
    assert not model.training
    metrics = model_metrics(model, feature_set().test if name != "lrcmt" else feature_set(tokens=True).test)
    assert metrics["items"] == 32
    assert 0 < metrics["mae"] < 4


def test_it_learns():
    metrics = model_metrics(
        fit("late", feature_set(), 0, ResearchRecipe(epochs=25, lr=5e-3)), feature_set().test
    )
    assert metrics["corr"] > 0.9
    assert metrics["mae"] < 0.9


def test_a_seed_gives_one_model_and_another_seed_another():
    first, again, other = (fit("concat", feature_set(), seed, QUICK) for seed in (3, 3, 4))
    assert same_weights(first, again)
    assert not same_weights(first, other)


def test_the_test_split_changes_nothing():
    with_test = fit("late", feature_set(), 0, QUICK)
    without = fit("late", replace(feature_set(), test=[]), 0, QUICK)
    assert same_weights(with_test, without)


def test_training_ends_after_its_patience_and_gives_the_best_epoch(monkeypatch):
    errors = iter([1.0, 0.8, 0.9, 0.85, 0.95, 0.7])
    seen = []

    def made_up_error(model, items):
        seen.append({key: value.clone() for key, value in model.state_dict().items()})
        return next(errors)

    monkeypatch.setattr("models.training.fitting._mae", made_up_error)
    history = []
    model = fit("concat", feature_set(), 0, ResearchRecipe(epochs=20, patience=3), history=history)
    assert [entry["valid_mae"] for entry in history] == [1.0, 0.8, 0.9, 0.85, 0.95]
    assert all(torch.equal(value, seen[1][key]) for key, value in model.state_dict().items())


def test_an_epoch_before_the_method_is_complete_is_not_chosen(monkeypatch):
    errors = iter([0.1, 0.2, 0.9, 0.8, 0.9, 0.9])
    monkeypatch.setattr("models.training.fitting._mae", lambda model, items: next(errors))
    monkeypatch.setattr(LateFusion, "warm_up", 0.4)
    history = []
    fit("late", feature_set(), 0, ResearchRecipe(epochs=6, patience=2), history=history)
    assert [entry["chosen"] for entry in history] == [False, False, False, True, False, False]


@pytest.mark.parametrize("name", ["tfn", "mla", "mmin"])
def test_an_interrupted_run_continues_to_the_very_same_model(name, tmp_path, monkeypatch):
    recipe = replace(QUICK, epochs=4, modality_dropout=0.3, frame_dropout=0.2)
    in_one_go = fit(name, feature_set(), 1, recipe)

    path, record = tmp_path / "method.run", TrainingRun.record

    def interrupted(self, *measured, **options):
        record(self, *measured, **options)
        if self.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainingRun, "record", interrupted)
        fit(name, feature_set(), 1, recipe, run=path)
    torch.rand(7)  # whatever else the program draws in between
    history = []
    continued = fit(name, feature_set(), 1, recipe, run=path, history=history)
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4]
    assert same_weights(in_one_go, continued)


def test_a_run_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "late.run"
    fit("late", feature_set(), 1, QUICK, run=path)
    with pytest.raises(DataError, match=r"late.run is an interrupted run with another seed"):
        fit("late", feature_set(), 2, QUICK, run=path)
    with pytest.raises(DataError, match="with another recipe"):
        fit("late", feature_set(), 1, replace(QUICK, batch=8), run=path)
    with pytest.raises(DataError, match="with another data"):
        fit("late", feature_set(seed=1), 1, QUICK, run=path)
    saved = torch.load(path, weights_only=True)
    saved["model"].popitem()
    torch.save(saved, path)
    with pytest.raises(DataError, match="another version of 'late'"):
        fit("late", feature_set(), 1, QUICK, run=path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="damaged"):
        fit("late", feature_set(), 1, QUICK, run=path)


def test_the_digest_is_of_labels_and_states():
    first = feature_set()
    assert digest(first) == digest(feature_set()) == digest(replace(first, test=[]))
    changed = [replace(first.train[0], target=0.123), *first.train[1:]]
    assert digest(replace(first, train=changed)) != digest(first)
    audio = first.train[0].states[AUDIO]
    for other in (audio + 1e-3, audio.flip(0)):
        item = replace(first.train[0], states={**first.train[0].states, AUDIO: other})
        assert digest(replace(first, train=[item, *first.train[1:]])) != digest(first)


def test_no_batch_has_a_single_item():
    generator = torch.Generator().manual_seed(0)
    items = utterances(33, seed=0)
    sizes = [len(batch) for batch in shuffled(items, 16, generator)]
    assert sizes == [16, 17]


def test_rows_without_anything_do_not_train_and_get_no_score():
    empty = Utterance({}, 3.0, "made", "x")
    dataset = feature_set()
    padded = replace(dataset, train=[*dataset.train, empty])
    model = fit("late", padded, 0, QUICK)
    assert model_metrics(model, [*dataset.test, empty]) == model_metrics(model, dataset.test)


def test_what_cannot_be_trained_is_said(monkeypatch):
    with pytest.raises(ValueError, match="known are lmf"):
        fit("mlp", feature_set(), 0)
    with pytest.raises(DataError, match="no utterance of the split 'valid'"):
        fit("late", replace(feature_set(), valid=[]), 0)
    with pytest.raises(DataError, match="no token ids"):
        fit("lrcmt", feature_set(), 0)
    with pytest.raises(ValueError, match="bf16 is for a GPU"):
        fit("late", feature_set(), 0, replace(QUICK, bf16=True))
    monkeypatch.setattr("models.training.fitting._mae", lambda model, items: float("nan"))
    with pytest.raises(ValueError, match=r"diverged.*lower learning rate"):
        fit("late", feature_set(), 0, QUICK)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("name", FUSION_MODELS)
def test_every_method_trains_on_a_gpu(name, bf16):
    dataset = feature_set(tokens=True)
    model = fit(name, dataset, 0, replace(QUICK, bf16=bf16), "cuda")
    assert np.isfinite(model_metrics(model, dataset.test)["mae"])


def test_weights_are_written_measured_as_stored_and_loaded(tmp_path):
    dataset = feature_set(profile="mosi-bert", label_range=SIMS_SCORES)
    meta = train_on_features("lmf", dataset, "unaligned_50.pkl", tmp_path, 5, QUICK)
    assert {path.name for path in (tmp_path / "mosi-bert").iterdir()} == {"lmf.safetensors", "lmf.md"}
    stored = load_fusion("lmf", "mosi-bert", tmp_path)
    assert stored.meta.fingerprints == {}
    assert stored.meta.label_range == SIMS_SCORES
    assert stored.meta.dims == {"text": 12, "audio": 6, "vision": 5}
    assert stored.meta.training["seed"] == 5
    assert stored.meta.training["items"] == {"train": 96, "valid": 32, "test": 32}
    assert stored.meta.figures == meta.figures
    assert stored.meta.figures["test"] == model_metrics(stored.model, dataset.test, SIMS_SCORES)
    assert all(0 < stored.meta.quantile(subset) < 6 for subset in Modality.subsets())


def test_the_constant_is_the_median_of_the_training_labels():
    dataset = feature_set()
    assert median_target(dataset) == np.median([item.target for item in dataset.train])


def test_weights_are_only_for_features_like_those_they_learned_from(tmp_path):
    dataset = feature_set(profile="mine", fingerprints={"text": "aa"})
    train_on_features("late", dataset, "mine.npz", tmp_path, 0, QUICK)
    model, _ = load_for("late", dataset, tmp_path)
    assert not model.training
    with pytest.raises(DataError, match=r"read states of the widths text 12, .* but these features have"):
        load_for("late", replace(dataset, dims={**dataset.dims, TEXT: 13}), tmp_path)
    with pytest.raises(CheckpointError, match="wants the text extractor aa"):
        load_for("late", replace(dataset, fingerprints={"text": "bb"}), tmp_path)
    with pytest.raises(CheckpointError, match="there are no weights for 'late'"):
        load_for("late", replace(dataset, profile="other"), tmp_path)
