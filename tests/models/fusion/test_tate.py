"""TATE: the tag, who sees what in training, and what the tag and the teacher are for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.fusion import tate as module
from models.fusion.tate import TATELossFactors, tag_of
from models.types import MODALITIES, Modality

TEXT, AUDIO, VISION = MODALITIES
# missing -> tag: nothing, vision, audio, text
TAGS = {
    (): [1, 0, 0, 0],
    (VISION,): [0, 1, 0, 0],
    (AUDIO,): [0, 0, 1, 0],
    (TEXT,): [0, 0, 0, 1],
    (VISION, AUDIO): [0, 1, 1, 0],
    (VISION, TEXT): [0, 1, 0, 1],
    (AUDIO, TEXT): [0, 0, 1, 1],
}


@pytest.fixture
def tate(build_method, make_features):
    torch.manual_seed(4)
    model = build_method("tate")
    model.set_normalisation(make_features(64, seed=99))
    return model.eval()


def seen_by(model, monkeypatch) -> dict[str, list]:
    """What student and teacher are given from now on: {name: [present (B, 3)]}."""
    seen = {"student": [], "teacher": []}
    for name, calls in seen.items():
        encoder = getattr(model, name)
        forward = encoder.forward

        def spy(visible, present, forward=forward, calls=calls):
            calls.append(visible.present())
            return forward(visible, present)

        monkeypatch.setattr(encoder, "forward", spy)
    return seen


def optimizer_of(model, lr: float = 1e-3) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameter_groups(lr))


@pytest.mark.parametrize("missing", TAGS)
@torch.no_grad()
def test_the_tag_says_what_the_data_lacks(missing, tate, make_features):
    left = tuple(m for m in MODALITIES if m not in missing)
    assert tate(make_features(2).only(left)).traces["tag"].tolist() == [TAGS[missing]] * 2


def test_the_teacher_sees_whole_rows_and_the_student_a_part(tate, make_features, monkeypatch):
    torch.manual_seed(0)
    seen, features = seen_by(tate, monkeypatch), make_features(300)
    tate.train()
    tate.training_step(features, torch.zeros(300), optimizer_of(tate), progress=0.9)
    assert seen["teacher"][0].all()
    shown = {tuple(tag) for tag in tag_of(seen["student"][0]).long().tolist()}
    assert shown == {tuple(tag) for tag in TAGS.values()}  # complete, and all six ways to lack something


def test_the_teacher_learns_from_complete_rows_and_then_stays_as_it_is(tate, make_features, monkeypatch):
    features, target = make_features(16), torch.linspace(-3, 3, 16)
    kept = torch.ones(16, 3, dtype=torch.bool)
    kept[:6, 0] = False
    optimizer = optimizer_of(tate)
    tate.train()
    before = [p.detach().clone() for p in tate.teacher.parameters()]
    seen = seen_by(tate, monkeypatch)
    losses = tate.training_step(features.keep(kept), target, optimizer, progress=0.0)
    assert len(seen["teacher"][0]) == 10 and "forward" not in losses
    learnt = [p.detach().clone() for p in tate.teacher.parameters()]
    assert any(not torch.equal(old, new) for old, new in zip(before, learnt, strict=True))
    losses = tate.training_step(features.keep(kept), target, optimizer, progress=0.5)
    assert "teacher" not in losses and losses["forward"] > 0
    assert all(torch.equal(a, b) for a, b in zip(learnt, tate.teacher.parameters(), strict=True))


def test_where_the_training_data_lacks_a_modality_the_teacher_learns_from_the_rest(tate, make_features):
    seen, target = (TEXT, AUDIO), torch.linspace(-3, 3, 16)
    tate.set_normalisation(make_features(64, seed=99).only(seen))
    features = make_features(16).only(seen)
    assert tate._teacher_loss(features, target) > 0 and tate.loss(features, target)["forward"] > 0
    words = features.only((TEXT,))
    assert tate._teacher_loss(words, target) == 0 and "forward" not in tate.loss(words, target)


def test_the_teacher_pulls_the_encoding_of_missing_modalities(tate, make_features):
    """Forward similarity covers tokens that the student could not see."""
    features = make_features(8)
    encoding = tate.student(tate.normalised(features).only((TEXT,)), torch.ones(8, 3, dtype=torch.bool))
    assert torch.equal(encoding.there.sum(1), sum(s.lengths for _, s in features))
    assert torch.equal(encoding.visible.sum(1), features.text.lengths)
    known = torch.zeros_like(encoding.tokens)
    module._divergence(encoding.tokens, known, encoding.there & ~encoding.visible).backward()
    assert tate.student.tag_embedding.weight.grad.abs().sum() > 0


def test_forward_similarity_counts_hidden_tokens_in_training(tate, make_features, monkeypatch):
    monkeypatch.setattr(module, "_corrupted", lambda present: present & torch.tensor([True, False, True]))
    features, present = make_features(8), torch.ones(8, 3, dtype=torch.bool)
    for part in tate.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    tate.train()
    losses = tate.loss(features, torch.zeros(8))
    whole = tate._tokens(features)
    encoding, known = tate.student(whole.only((TEXT, VISION)), present), tate._taught(whole, present)
    expected = module._divergence(encoding.tokens, known, encoding.there)
    torch.testing.assert_close(losses["forward"], tate.config.weights.forward * expected)
    seen_alone = module._divergence(encoding.tokens, known, encoding.visible)
    assert not torch.allclose(expected, seen_alone)


def test_the_recovered_tag_tells_what_is_missing_after_training(tate, make_features):
    torch.manual_seed(0)
    optimizer = optimizer_of(tate, 3e-3)
    tate.config = replace(tate.config, weights=TATELossFactors(tag=1.0))
    tate.train()
    for step in range(60):
        tate.training_step(make_features(32, seed=step), torch.zeros(32), optimizer, progress=0.0)
    tate.eval()
    with torch.no_grad():
        for missing, tag in TAGS.items():
            left = tuple(m for m in MODALITIES if m not in missing)
            recovered = tate(make_features(8, seed=500).only(left)).traces["tag_recovered"]
            assert recovered.round().long().tolist() == [tag] * 8, missing


@torch.no_grad()
def test_dropout_is_off_outside_training_for_the_teacher_too(tate, make_features):
    tate.train()
    whole = tate.normalised(make_features(4))
    assert torch.equal(tate._taught(whole, whole.present()), tate._taught(whole, whole.present()))
    assert tate.teacher.training


@torch.no_grad()
def test_shared_maps_are_one_for_both_modalities_of_a_pair(tate, make_features):
    assert len(tate.student.common.maps) == 3
    tokens = tate.student.common(tate.normalised(make_features(2)))
    assert all(tokens[m].shape == (2, 9, 60) for m in MODALITIES)
    before = {m: x.clone() for m, x in tokens.items()}
    tate.student.common.maps["audio_vision"].weight.zero_()
    after = tate.student.common(tate.normalised(make_features(2)))
    changed = {m for m in MODALITIES if not torch.equal(before[m], after[m])}
    assert changed == {Modality.AUDIO, Modality.VISION}


@torch.no_grad()
def test_distance_from_the_teacher_is_that_of_what_was_hidden(tate, make_features):
    tate.teacher.load_state_dict(tate.student.state_dict())
    features = make_features(3)
    everything = torch.ones(3, 3, dtype=torch.bool)
    for distance in tate.distances(features, everything).values():
        torch.testing.assert_close(distance, torch.zeros(3), atol=1e-5, rtol=0)
    hidden = tate.distances(features, everything & torch.tensor([True, False, True]))
    assert list(hidden) == list(MODALITIES)
    assert (hidden[AUDIO] > 1e-3).all()
