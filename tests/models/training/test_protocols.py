"""Missing-modality protocols: subsets, MMIN's conditions, dropped frames and the area under their curve."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.features.feature_set import SIMS_SCORES
from models.features.missing import RATES, drop_frames, modality_generators, neutral_states
from models.features.utterances import Utterance, collate
from models.fusion.base import FusionModel
from models.registry import FUSION_MODELS, spec
from models.training.language_models import language_model
from models.training.metrics import auilc
from models.training.prediction import predict, score_metrics
from models.training.protocols import PROTOCOLS, Setting
from models.types import MODALITIES
from tests.models.feature_sets import AUDIO, DIMS, TEXT, VISION, utterances

ITEMS = utterances(24, seed=5, tokens=True)
CONSTANT = 0.4


def build(name: str, seed: int = 0) -> FusionModel:
    """The method with random weights, normalised, in eval mode."""
    torch.manual_seed(seed)
    model = spec(name).build(dict(DIMS), spec(name).features_config)
    if model.needs_language_model:
        model.attach_language_model(language_model("features")())
    model.set_normalisation(collate(ITEMS, DIMS)[0])
    return model.eval()


@pytest.mark.parametrize("name", FUSION_MODELS)
def test_a_rate_of_one_is_the_constant_predictor(name):
    rows = PROTOCOLS["rmfm"](build(name), ITEMS, Setting(CONSTANT, rates=(0.0, 1.0)))
    assert rows["rate 1"] == score_metrics(np.full(len(ITEMS), CONSTANT), ITEMS)
    assert rows["rate 1"]["corr"] == 0
    assert rows["rate 0"] == PROTOCOLS["full"](build(name), ITEMS, Setting(CONSTANT))["text+audio+vision"]


def test_a_rate_of_one_leaves_nothing_of_an_utterance():
    neutral, generators = neutral_states(build("late")), modality_generators(0)
    assert not drop_frames(collate(ITEMS, DIMS)[0], 1.0, neutral, generators).present().any()


def test_frames_drop_where_they_are_and_as_often_as_asked():
    model, generators = build("late"), modality_generators(0)
    neutral = neutral_states(model)
    long = Utterance({m: torch.randn(4000, d) for m, d in DIMS.items()}, 0.0, "made", "a", torch.arange(4000))
    short = Utterance({m: torch.randn(2, d) for m, d in DIMS.items()}, 0.0, "made", "a", torch.arange(2))
    features, _ = collate([long, short], DIMS)
    found = drop_frames(features, 0.3, neutral, generators)
    gone = {}
    for modality, sequence in features:
        changed = (found[modality].values != sequence.values).any(2)
        gone[modality] = changed[0]
        assert changed[0].float().mean() == pytest.approx(0.3, abs=0.03)
        assert not changed[1, 2:].any()  # padding
        assert torch.equal(found[modality].values[0, changed[0]][0], neutral[modality])
        assert torch.equal(found[modality].lengths, sequence.lengths)
    assert not torch.equal(gone[AUDIO], gone[VISION])  # modalities drop independently
    assert torch.equal(found.text.ids[0] == 100, gone[TEXT] | (long.ids == 100))  # [UNK]
    assert model.normalised(found).audio.values[0, gone[AUDIO]].abs().max() < 1e-6


def test_the_frame_of_a_sentence_stays_as_long_as_a_word_does():
    neutral = neutral_states(build("late"))
    ids = torch.tensor([101, 7, 8, 9, 102])
    sentence = Utterance({TEXT: torch.randn(5, DIMS[TEXT])}, 0.0, "made", "a", ids)
    features, _ = collate([sentence] * 60, DIMS)
    found = drop_frames(features, 0.7, neutral, modality_generators(0)).text
    there = found.present
    assert 0 < there.sum() < 60
    assert (found.ids[~there] == 100).all()
    assert torch.equal(found.ids[there][:, [0, 4]], ids[[0, 4]].expand(int(there.sum()), 2))
    assert torch.equal(found.values[there][:, [0, 4]], features.text.values[there][:, [0, 4]])
    assert (found.ids[there][:, 1:4] != 100).any(1).all()
    assert torch.equal(drop_frames(features, 0.0, neutral, modality_generators(0)).text.ids[0], ids)


def test_what_drops_at_a_low_rate_has_dropped_at_a_high_one():
    neutral, (features, _) = neutral_states(build("late")), collate(ITEMS, DIMS)
    before = {m: torch.zeros(sequence.values.shape[:2], dtype=torch.bool) for m, sequence in features}
    for rate in RATES[:-1]:
        found = drop_frames(features, rate, neutral, modality_generators(3))
        for modality, sequence in features:
            dropped = (found[modality].values != sequence.values).any(2)
            assert (dropped | ~before[modality]).all()
            before[modality] = dropped
    assert all(dropped.any() for dropped in before.values())


def test_drops_are_those_of_the_seed():
    model = build("concat")
    first, again, other = (
        PROTOCOLS["rmfm"](model, ITEMS, Setting(CONSTANT, rates=(0.4, 0.6), seed=seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_auilc_is_the_trapezoid():
    assert auilc((0.0, 0.5, 1.0), [0.8, 0.6, 0.4]) == pytest.approx(0.6)
    assert auilc((0.0, 0.1, 0.5), [1.0, 0.5, 0.5]) == pytest.approx(0.075 + 0.2)
    assert auilc(RATES, [0.7] * 11) == pytest.approx(0.7)
    with pytest.raises(ValueError, match="increasing rates"):
        auilc((0.0, 0.0), [1.0, 1.0])
    with pytest.raises(ValueError, match="increasing rates"):
        auilc((0.0, 0.5), [1.0])


def test_dropped_frames_are_measured_at_eleven_rates_with_their_area():
    rows = PROTOCOLS["rmfm"](build("tfn"), ITEMS, Setting(CONSTANT))
    assert list(rows) == [f"rate {rate:g}" for rate in np.arange(11) / 10] + ["AUILC"]
    values = [rows[f"rate {rate:g}"]["mae"] for rate in RATES]
    assert rows["AUILC"]["mae"] == pytest.approx(np.trapezoid(values, RATES))
    assert "items" not in rows["AUILC"]


def test_rates_that_are_none_are_refused():
    for rates in ((0.5, 0.2), (0.0, 1.5)):
        with pytest.raises(ValueError, match=r"must increase and lie in \[0, 1\]"):
            PROTOCOLS["rmfm"](build("late"), ITEMS, Setting(CONSTANT, rates=rates))


def test_every_subset_is_what_the_model_says_with_the_others_off():
    model = build("concat")
    rows = PROTOCOLS["subsets"](model, ITEMS, Setting(CONSTANT))
    assert len(rows) == 7
    without_words = [Utterance({m: i.states[m] for m in (AUDIO, VISION)}, i.target, "", "") for i in ITEMS]
    scores = predict(model, without_words, DIMS, MODALITIES)
    assert rows["audio+vision"] == pytest.approx(score_metrics(scores, ITEMS))


def test_mmin_has_six_conditions_and_their_mean():
    rows = PROTOCOLS["mmin"](build("late"), ITEMS, Setting(CONSTANT))
    assert set(rows) == {
        "text",
        "audio",
        "vision",
        "text+audio",
        "text+vision",
        "audio+vision",
        "mean of the six",
    }
    conditions = [row["mae"] for name, row in rows.items() if name != "mean of the six"]
    assert rows["mean of the six"]["mae"] == pytest.approx(np.mean(conditions))


def test_a_subset_that_no_utterance_has_is_counted_as_none():
    words = [Utterance({TEXT: item.states[TEXT]}, item.target, "", "") for item in ITEMS]
    rows = PROTOCOLS["subsets"](build("late"), words, Setting(CONSTANT))
    assert rows["vision"] == {"items": 0}
    assert rows["text+audio"]["items"] == len(ITEMS)


def test_ch_sims_is_measured_in_its_own_units():
    model = build("late")
    ours = PROTOCOLS["full"](model, ITEMS, Setting(CONSTANT))["text+audio+vision"]
    sims = PROTOCOLS["full"](model, ITEMS, Setting(CONSTANT, label_range=SIMS_SCORES))["text+audio+vision"]
    assert set(sims) == {"mae", "corr", "acc2", "acc3", "acc5", "f1", "items"}
    assert sims["mae"] == pytest.approx(ours["mae"] / 3, abs=1e-5)
