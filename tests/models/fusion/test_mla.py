"""MLA: entropy fusion per clip, and updates that protect what the head knows."""

from __future__ import annotations

import math

import pytest
import torch

from models.fusion import mla as module
from models.fusion.base import expected_score
from models.fusion.layers import SubNetShape
from models.fusion.mla import MLA, VISITING_ORDER, MLAConfig, class_entropy
from models.fusion.projection import protected_step, protection
from models.registry import spec
from models.types import MODALITIES, Modality


@pytest.fixture
def mla(dims):
    torch.manual_seed(11)
    model = spec("mla").build(dims).eval()
    with torch.no_grad():
        model.head.weight *= 4  # confident enough for the weights to differ
    return model


@torch.no_grad()
def test_weights_are_the_softmax_of_minus_entropy_of_each_clip(mla, make_features):
    prediction = mla(make_features(5))
    for row in range(5):
        for i in range(3):
            p = prediction.traces["unimodal_logits"][row, i].double().softmax(0)
            entropy = -sum(x * math.log(x) for x in p.tolist())
            assert prediction.traces["entropies"][row, i].item() == pytest.approx(entropy, abs=1e-5)
    expected = (-prediction.traces["entropies"]).softmax(1)
    torch.testing.assert_close(prediction.weights.values, expected)
    assert prediction.weights.values.std(0).max() > 0.01  # per clip, not per batch
    pair = mla(make_features(5).only((Modality.TEXT, Modality.VISION)))
    shared = (-pair.traces["entropies"][:, [0, 2]]).softmax(1)
    torch.testing.assert_close(pair.weights.values[:, [0, 2]], shared)
    assert shared.std(0).max() > 0.01


@torch.no_grad()
def test_the_score_is_read_from_the_weighted_logits(mla, make_features):
    prediction = mla(make_features(5).only((Modality.TEXT, Modality.VISION)))
    weights, logits = prediction.weights.values, prediction.traces["unimodal_logits"]
    fused = weights[:, :1] * logits[:, 0] + weights[:, 2:] * logits[:, 2]
    torch.testing.assert_close(prediction.logits, fused)
    torch.testing.assert_close(prediction.score, expected_score(fused))


@torch.no_grad()
def test_other_clips_in_the_batch_do_not_change_the_weights(mla, make_features):
    features = make_features(8)
    alone = mla(features.select(torch.tensor([2]))).weights.values
    torch.testing.assert_close(mla(features).weights.values[2:3], alone)


@torch.no_grad()
def test_an_absent_modality_knows_nothing(mla, make_features):
    logits, entropies = mla.unimodal(make_features(3).only((Modality.AUDIO,)))
    assert (logits[:, [0, 2]] == 0).all()
    torch.testing.assert_close(entropies[:, [0, 2]], torch.full((3, 2), math.log(7)))


def test_entropy_survives_certainty():
    assert class_entropy(torch.tensor([1000.0, 0, 0, 0, 0, 0, 0])).item() == 0


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_a_protected_step_keeps_the_logits_of_protected_features(optimizer):
    torch.manual_seed(0)
    protected = [torch.randn(64), torch.randn(64)]
    changes = {}
    for name, kept in (("free", []), ("protected", protected)):
        torch.manual_seed(1)
        head = torch.nn.Linear(64, 7)
        steps = optimizer(head.parameters(), lr=0.05, weight_decay=0.1)
        inputs = torch.randn(16, 64) + protected[0]  # its gradient points along what is protected
        before = [head(feature).detach() for feature in protected]
        weight = head.weight.detach().clone()
        torch.nn.functional.cross_entropy(head(inputs), torch.zeros(16, dtype=torch.long)).backward()
        protected_step(head, steps, protection(kept, head, alpha=0.01))
        changes[name] = max(
            (head(feature) - b).abs().max().item() for feature, b in zip(protected, before, strict=True)
        )
        assert (head.weight - weight).norm() > 1e-3  # it still learns
    assert changes["free"] > 0.01
    assert changes["protected"] < 1e-3
    assert changes["protected"] < changes["free"] / 100


@torch.no_grad()
def test_protection_leaves_directions_across_the_protected_ones_alone():
    head, feature = torch.nn.Linear(8, 7), torch.zeros(8)
    feature[0] = 2.0
    projection = protection([feature], head, alpha=0.1)
    direction = torch.cat([feature, torch.ones(1)])
    torch.testing.assert_close(projection @ direction, direction * 0.1 / (0.1 + 5.0))
    across = torch.zeros(9)
    across[3] = 1.0
    torch.testing.assert_close(projection @ across, across)


def test_a_turn_moves_the_head_and_one_encoder(mla, make_features):
    mla.train()
    moved = []

    class Recorder(torch.optim.SGD):
        def step(self, closure=None):
            before = {name: p.detach().clone() for name, p in mla.named_parameters()}
            result = super().step(closure)
            changed = [name for name, p in mla.named_parameters() if not torch.equal(p, before[name])]
            moved.append({m for m in MODALITIES for name in changed if f".{m}." in f".{name}."})
            return result

    optimizer = Recorder(mla.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-2)
    for _ in range(2):  # in the second batch there is momentum
        mla.training_step(make_features(16), torch.linspace(-3, 3, 16), optimizer, progress=0.0)
    assert moved == [{m} for m in VISITING_ORDER] * 2


@pytest.mark.parametrize("projection", [True, False])
def test_a_turn_leaves_what_the_head_says_of_the_other_modalities(projection, dims, make_features):
    torch.manual_seed(11)
    still = SubNetShape(dropout=0.0)  # so that the means below are those that the step protects
    mla = MLA(dims, MLAConfig(subnets=still)).train()
    features, changes = make_features(32), []
    means = {m: h[features[m].present].mean(0).detach() for m, h in mla._embed(features).items()}

    class Recorder(torch.optim.SGD):
        def step(self, closure=None):
            self.before = {m: mla.head(mean).detach() for m, mean in means.items()}
            return super().step(closure)

    optimizer = Recorder(mla.parameters(), lr=0.5)
    calls = []

    def after_a_turn(head, steps, projection):
        protected_step(head, steps, projection)
        visiting = VISITING_ORDER[len(calls)]
        calls.append(visiting)
        changes.extend(
            (head(means[m]).detach() - steps.before[m]).abs().max().item() for m in means if m != visiting
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "protected_step", after_a_turn)
        if not projection:
            patch.setattr(module, "protection", lambda features, head, alpha: protection([], head, alpha))
        mla.training_step(features, torch.linspace(-3, 3, 32), optimizer, progress=0.99)
    assert len(changes) == 6
    assert max(changes) < 1e-2 if projection else max(changes) > 5e-2


def test_training_keeps_no_projection_on_the_model(mla, make_features):
    mla.train()
    before = set(mla.state_dict()), set(vars(mla))
    optimizer = torch.optim.SGD(mla.parameters(), lr=0.01)
    mla.training_step(make_features(16), torch.zeros(16), optimizer, progress=0.0)
    assert (set(mla.state_dict()), set(vars(mla))) == before


@torch.no_grad()
def test_calibration_lowers_the_cross_entropy_and_only_that(mla, make_features):
    features, target = make_features(200), torch.linspace(-3, 3, 200)
    before = mla(features)
    mla.calibrate(features, target)
    after = mla(features)
    assert (mla.temperature > 1).all()  # an untrained, confident head is sure of nothing
    assert (after.traces["entropies"] > before.traces["entropies"]).all()
    ranks = [p.traces["unimodal_logits"].argmax(-1) for p in (before, after)]
    assert torch.equal(*ranks)
