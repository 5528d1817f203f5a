"""The figures of what MFM imagines, and that they are measured as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.extractors.audio import BEYOND_WORDS, VoiceHead
from models.extractors.readers import PolarityReader, informative
from models.features.utterances import Utterance, collate
from models.fusion.alignment import align
from models.registry import spec
from models.shipped.reconstruction import (
    COLUMNS,
    Judges,
    _fit_families,
    family,
    fit_reader,
    imagined_neutral,
    measure_reconstruction,
    middle_voice,
    pooled,
    reconstruction_figures,
)
from models.shipped.sources import Speech
from models.types import MODALITIES, Modality


def first_coordinate(states: torch.Tensor) -> torch.Tensor:
    return states[..., 0].mean(-1)


@pytest.fixture
def judges(dims):
    """Readers of the first coordinate; it is the arousal of a voice too, and its sign the family."""
    torch.manual_seed(2)
    readers = {m: PolarityReader(first_coordinate, 0.5) for m in MODALITIES}
    voices = [torch.randn(3, dims[Modality.AUDIO]) for _ in range(60)]
    families = _fit_families([(voice, 2.0 * float(voice[:, 0].mean().sign())) for voice in voices])
    bank = [Utterance({m: torch.randn(4, d) for m, d in dims.items()}, 0.0, "triples", "v") for _ in range(9)]
    return Judges(readers, {Modality.AUDIO: first_coordinate}, {Modality.AUDIO: families}, bank)


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


def test_measures_every_modality_from_every_part_of_the_others(mfm, items, dims, judges):
    measured = measure_reconstruction(mfm, items, dims, judges)
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
def test_columns_are_errors_and_readings_of_the_mean_of_draws(mfm, items, dims, judges):
    rows = measure_reconstruction(mfm, items[10:11], dims, judges)["audio from text"]
    row = dict(zip(COLUMNS, rows[0], strict=True))
    features, target = collate(items[10:11], dims)
    truth = align(mfm.normalised(features), mfm.steps)
    kept = torch.tensor([[True, False, False]])
    draws = mfm.imagine(truth, kept)[Modality.AUDIO]
    true, mean = truth.states[Modality.AUDIO], draws.mean(0)
    assert row["error"] == pytest.approx((mean - true).square().mean().item(), abs=1e-4)
    singly = [(draw - true).square().mean().item() for draw in draws]
    assert row["draw_error"] == pytest.approx(np.mean(singly), abs=1e-4)
    assert row["mean_error"] == pytest.approx(true.square().mean().item(), abs=1e-4)
    readings = [mfm.raw(Modality.AUDIO, draw)[0, :, 0].mean().item() - 0.5 for draw in draws]
    assert row["imagined"] == pytest.approx(np.mean(readings), abs=1e-4)
    assert row["spread"] == pytest.approx(np.std(readings, ddof=1), abs=1e-4)
    real = mfm.raw(Modality.AUDIO, true)[0, :, 0].mean().item()
    assert row["real"] == pytest.approx(real - 0.5, abs=1e-4) and row["target"] == target[0]
    assert row["named_real"] in (-1, 0, 1)


def test_what_is_imagined_of_good_and_bad_is_parted_where_it_is_neutral(mfm, items, dims, judges):
    labelled = replace(judges, bank=items)
    neutral = imagined_neutral(mfm, dims, labelled)
    before = measure_reconstruction(mfm, items, dims, labelled)
    after = measure_reconstruction(mfm, items, dims, labelled, neutral)
    column = COLUMNS.index("imagined")
    for key, rows in after.items():
        np.testing.assert_allclose(rows[:, column], before[key][:, column] - neutral[key], atol=1e-5)
        signed = rows[:, COLUMNS.index("target")]
        assert 0 < (rows[signed != 0, column] > 0).mean() < 1  # on both sides


def test_the_middle_voice_leans_to_no_family_however_many_voices_each_has():
    voices = []
    for valence, count in ((-2.0, 6), (0.0, 2), (2.0, 1)):
        states = torch.full((4, VoiceHead.dim), valence)
        states[:, BEYOND_WORDS] = 0.5  # which the target of a voice in training holds
        voices += [Utterance({Modality.AUDIO: states}, valence + 0.5, "speech", "v")] * count
    expected = torch.zeros(VoiceHead.dim)
    expected[BEYOND_WORDS] = 0.5
    torch.testing.assert_close(torch.tensor(middle_voice(Speech(voices, [], []))), expected)


def test_the_nearest_item_is_that_of_the_nearest_given_modality(mfm, items, dims, judges):
    """An item that is itself in the bank is predicted from itself."""
    own = items[20]
    known = Judges(judges.readers, judges.arousal, judges.families, [*judges.bank, own])
    rows = measure_reconstruction(mfm, [own], dims, known)["audio from text"]
    reading = own.states[Modality.AUDIO][:, 0].mean() - 0.5
    assert rows[0, COLUMNS.index("nearest")] == pytest.approx(float(reading), abs=0.3)
    elsewhere = measure_reconstruction(mfm, [own], dims, judges)["audio from text"]
    nearest = COLUMNS.index("nearest_error")
    assert rows[0, nearest] < elsewhere[0, nearest]


def columns(**given: object) -> np.ndarray:
    """Rows of five items: what is not given is 1."""
    return np.stack([np.broadcast_to(np.asarray(given.get(name, 1.0), float), 5) for name in COLUMNS], axis=1)


def test_figures_say_what_was_learned_and_what_chance_is():
    target = np.array([2.0, 1.0, -1.0, -2.0, 0.0])
    sides = np.sign(target)
    perfect = columns(
        error=0.5,
        imagined=target,
        real=target,
        target=target,
        spread=0.0,
        arousal=target,
        real_arousal=target,
        bad=sides < 0,
        neutral=sides == 0,
        good=sides > 0,
        named_real=sides,
    )
    constant = columns(imagined=0.3, real=target, target=target, arousal=np.nan, named_real=np.nan)
    figures = reconstruction_figures({"perfect": perfect, "constant": constant})
    assert figures["perfect"]["gain"] == 0.5 and figures["constant"]["gain"] == 0
    assert figures["perfect"]["agreement"] == 1 and figures["perfect"]["chance"] == 0.5
    assert figures["constant"]["agreement"] == figures["constant"]["chance"] == 0.5
    assert figures["constant"]["corr"] == 0 and figures["constant"]["real"] == 1
    assert figures["perfect"]["polar"] == 4 and figures["perfect"]["agreement_real"] == 1
    assert figures["perfect"]["named"] == 1 and figures["perfect"]["named_chance"] == pytest.approx(0.36)
    assert figures["perfect"]["arousal_corr"] == pytest.approx(1)
    assert "named" not in figures["constant"] and "arousal_corr" not in figures["constant"]


def test_a_family_is_the_side_of_what_is_not_neutral():
    assert family(np.array([-2.0, -0.4, 0.0, 0.4, 0.6]), 0.5).tolist() == [-1, 0, 0, 0, 1]


def test_only_what_beats_chance_clearly_is_called_informative():
    few = {"agreement": 0.6, "chance": 0.5, "polar": 20}
    assert not informative(few)
    assert informative({**few, "polar": 400})


def test_folds_are_pooled():
    one, two = {"a": np.ones((2, 5))}, {"a": np.zeros((3, 5)), "b": np.ones((1, 5))}
    together = pooled([one, two])
    assert together["a"].shape == (5, 5) and together["b"].shape == (1, 5)


def test_the_neutral_point_parts_positive_from_negative_items():
    items = [
        Utterance({Modality.AUDIO: torch.full((2, 1), level)}, target, "speech", "actor")
        for level, target in ((-1.0, -2.0), (-0.4, -1.0), (0.2, 1.0), (2.0, 3.0), (9.0, 0.0))
    ]
    assert fit_reader(first_coordinate, Modality.AUDIO, items).neutral == pytest.approx(-0.1)
