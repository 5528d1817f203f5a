"""The figures of what MFM imagines, and that they are measured as they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.extractors.readers import PolarityReader, informative
from models.features.utterances import Utterance, collate
from models.fusion.alignment import align
from models.registry import spec
from models.shipped.reconstruction import fit_reader, measure_reconstruction, pooled, reconstruction_figures
from models.types import MODALITIES, Modality


def first_coordinate(states: torch.Tensor) -> torch.Tensor:
    return states[..., 0].mean(-1)


@pytest.fixture
def readers():
    return {m: PolarityReader(first_coordinate, 0.5) for m in MODALITIES}


@pytest.fixture
def items(dims):
    torch.manual_seed(0)
    whole = [{m: torch.randn(3 + i % 4, d) for m, d in dims.items()} for i in range(70)]
    for states in whole[:5]:
        del states[Modality.VISION]
    return [Utterance(states, float(i % 5 - 2), "clips", "speaker") for i, states in enumerate(whole)]


@pytest.fixture
def mfm(dims, items):
    torch.manual_seed(1)
    model = spec("mfm").build(dims).eval()
    model.set_normalisation(collate(items, dims)[0])
    return model


def test_measures_every_modality_from_every_part_of_the_others(mfm, items, dims, readers):
    measured = measure_reconstruction(mfm, items, dims, readers)
    assert set(measured) == {
        "text from audio+vision",
        "text from audio",
        "text from vision",
        "audio from text+vision",
        "audio from text",
        "audio from vision",
        "vision from text+audio",
        "vision from text",
        "vision from audio",
    }
    assert len(measured["audio from text"]) == 70
    assert len(measured["audio from vision"]) == len(measured["vision from text"]) == 65


@torch.no_grad()
def test_columns_are_error_mean_error_and_readings(mfm, items, dims, readers):
    rows = measure_reconstruction(mfm, items, dims, readers)["audio from text"]
    features, target = collate(items[10:11], dims)
    truth = align(mfm.normalised(features), mfm.steps)
    imagined = mfm(features.only((Modality.TEXT,))).reconstructions[Modality.AUDIO][0]
    imagined = imagined[: int(truth.lengths[0])]
    standard = (imagined - mfm.audio_mean) / mfm.audio_std
    true = truth.states[Modality.AUDIO][0]
    wanted = [
        (standard - true).square().mean(),
        true.square().mean(),
        imagined[:, 0].mean() - 0.5,
        (true * mfm.audio_std + mfm.audio_mean)[:, 0].mean() - 0.5,
        target[0],
    ]
    np.testing.assert_allclose(rows[10], [float(value) for value in wanted], atol=1e-4)


def test_figures_say_what_was_learned_and_what_chance_is():
    target = np.array([2.0, 1.0, -1.0, -2.0, 0.0])
    perfect = np.stack([np.full(5, 0.5), np.ones(5), target, target, target], axis=1)
    constant = perfect.copy()
    constant[:, 0], constant[:, 2] = 1.0, 0.3
    figures = reconstruction_figures({"perfect": perfect, "constant": constant})
    assert figures["perfect"]["gain"] == 0.5 and figures["constant"]["gain"] == 0
    assert figures["perfect"]["agreement"] == 1 and figures["perfect"]["chance"] == 0.5
    assert figures["constant"]["agreement"] == figures["constant"]["chance"] == 0.5
    assert figures["constant"]["corr"] == 0 and figures["constant"]["real"] == 1
    assert figures["perfect"]["polar"] == 4


def test_only_what_beats_chance_clearly_is_called_informative():
    few = {"agreement": 0.6, "chance": 0.5, "polar": 20}
    assert not informative(few)
    assert informative({**few, "polar": 400})


def test_folds_are_pooled():
    one, two = {"a": np.ones((2, 5))}, {"a": np.zeros((3, 5)), "b": np.ones((1, 5))}
    together = pooled([one, two])
    assert together["a"].shape == (5, 5) and together["b"].shape == (1, 5)


def test_the_neutral_point_lies_between_positive_and_negative_items():
    items = [
        Utterance({Modality.AUDIO: torch.full((2, 1), level)}, target, "speech", "actor")
        for level, target in ((-1.0, -2.0), (-0.4, -1.0), (0.2, 1.0), (9.0, 0.0))
    ]
    assert fit_reader(first_coordinate, Modality.AUDIO, items).neutral == pytest.approx(-0.25)
