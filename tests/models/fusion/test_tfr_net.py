"""TFR-Net: what drops, what is generated in its place, and that rows do not see each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.fusion.tfr_net import Frames, GatedPooling, observed, reconstruction_loss
from models.types import MODALITIES, Features, Modality, Sequence

TEXT, AUDIO, VISION = MODALITIES


@pytest.fixture
def tfr_net(build_method, make_features):
    torch.manual_seed(2)
    model = build_method("tfr_net")
    model.set_normalisation(make_features(64, seed=99))
    return model.eval()


def with_dropped(model, features: Features, modality: Modality, dropped: torch.Tensor) -> Features:
    """The features as the RMFM protocol writes them: dropped frames (B, T) at the training mean."""
    sequence = features[modality]
    mean = getattr(model, f"{modality}_mean")
    values = torch.where(dropped[..., None], mean, sequence.values)
    return replace(features, **{str(modality): replace(sequence, values=values)})


@torch.no_grad()
def test_a_clip_changes_neither_score_nor_reconstruction_of_its_batch_mates(tfr_net, make_features):
    features, other = make_features(4), make_features(4, seed=5)
    changed = Features(
        **{
            m: replace(s, values=torch.cat([other[m].values[:1] * 3, s.values[1:]]), lengths=s.lengths)
            for m, s in features
        }
    )
    changed = Features(**{m: replace(s, values=s.values.nan_to_num(7.0)) for m, s in changed})
    before, after = tfr_net(features), tfr_net(changed)
    torch.testing.assert_close(before.score[1:], after.score[1:])
    for modality in MODALITIES:
        one, two = before.reconstructions[modality], after.reconstructions[modality]
        torch.testing.assert_close(one[1:], two[1:])
        assert not torch.allclose(one[0], two[0])


@torch.no_grad()
def test_reconstruction_attends_over_time(tfr_net, make_features):
    """A dropped frame is generated from other frames of its own utterance."""
    features = make_features(2)
    full = replace(features.audio, lengths=torch.tensor([9, 9]), values=torch.randn(2, 9, 6))
    dropped = torch.zeros(2, 9, dtype=torch.bool)
    dropped[:, 4] = True
    features = with_dropped(tfr_net, replace(features, audio=full), AUDIO, dropped)
    values = features.audio.values.clone()
    values[0, 8] += 2.0
    changed = replace(features, audio=replace(features.audio, values=values))
    one, two = (tfr_net(batch).reconstructions[AUDIO][:, 4] for batch in (features, changed))
    assert not torch.allclose(one[0], two[0])
    torch.testing.assert_close(one[1], two[1])


@torch.no_grad()
def test_an_absent_modality_is_generated_from_the_others(tfr_net, make_features):
    features = make_features(3).only((TEXT, AUDIO))
    generated = tfr_net(features).reconstructions[VISION]
    assert generated.shape == (3, tfr_net.absent_steps, 8)
    elsewhere = make_features(3, seed=4).only((TEXT, AUDIO))
    assert not torch.allclose(generated, tfr_net(elsewhere).reconstructions[VISION])


@torch.no_grad()
def test_when_every_frame_dropped_nothing_is_left_of_the_clip(tfr_net, make_features):
    """Rate 1.0: the constant predictor, whatever the lengths; and a lost modality is an absent one."""
    features = make_features(6)
    for modality in MODALITIES:
        features = with_dropped(tfr_net, features, modality, torch.ones(6, 9, dtype=torch.bool))
    scores = tfr_net(features).score
    torch.testing.assert_close(scores, scores[:1].expand(6))
    voiceless = with_dropped(tfr_net, make_features(6), AUDIO, torch.ones(6, 9, dtype=torch.bool))
    torch.testing.assert_close(tfr_net(voiceless).score, tfr_net(make_features(6).only((TEXT, VISION))).score)


def test_the_loss_counts_dropped_frames_only():
    truth = Sequence(torch.randn(2, 6, 3), torch.tensor([6, 4]), torch.tensor([True, True]))
    kept = torch.ones(2, 6, dtype=torch.bool)
    kept[0, 2] = kept[1, 0] = False
    frames = Frames.of(truth, kept, absent_steps=4)
    generated = truth.values.clone()
    generated[0, 3:] += 100  # known frames and padding
    generated[1, 1:] -= 100
    assert reconstruction_loss(generated, truth, frames).item() == 0
    generated[0, 2] += 2.0  # smooth L1 of an error of 2 is 1.5; one of two dropped frames
    assert reconstruction_loss(generated, truth, frames).item() == pytest.approx(0.75)


def test_frames_that_came_dropped_are_no_truth_to_learn_from():
    values = torch.randn(1, 6, 3)
    values[0, 2] = 0.0
    truth = Sequence(values, torch.tensor([6]), torch.tensor([True]))
    kept = torch.ones(1, 6, dtype=torch.bool)
    frames = Frames.of(truth, kept & observed(truth), absent_steps=4)
    assert frames.known.tolist() == [[True, True, False, True, True, True]]
    assert reconstruction_loss(values + 1, truth, frames).item() == 0


def test_training_does_not_know_frames_that_came_dropped(tfr_net, make_features, monkeypatch):
    seen = []
    of = Frames.of

    def spy(sequence, kept, absent_steps):
        frames = of(sequence, kept, absent_steps)
        seen.append(frames.known)
        return frames

    everything = lambda features: {m: torch.ones_like(s.mask()) for m, s in features}  # noqa: E731
    monkeypatch.setattr(tfr_net, "_drop", everything)
    monkeypatch.setattr(Frames, "of", spy)
    dropped = torch.zeros(4, 9, dtype=torch.bool)
    dropped[:, 1] = True
    tfr_net.train().loss(with_dropped(tfr_net, make_features(4), AUDIO, dropped), torch.zeros(4))
    assert not seen[1][:, 1].any() and seen[1][:, 0].all()


def test_a_lost_modality_is_compared_with_even_steps_of_what_it_was():
    truth = Sequence(torch.arange(8.0).view(1, 8, 1), torch.tensor([8]), torch.tensor([True]))
    frames = Frames.of(truth, torch.zeros(1, 8, dtype=torch.bool), absent_steps=4)
    assert frames.mask.sum().item() == 4 and not frames.known.any()
    generated = torch.tensor([0.0, 2.0, 4.0, 6.0]).view(1, 4, 1)
    padded = torch.nn.functional.pad(generated, (0, 0, 0, frames.mask.shape[1] - 4), value=50.0)
    assert reconstruction_loss(padded, truth, frames).item() == 0
    absent = replace(truth, present=torch.tensor([False]))
    assert reconstruction_loss(padded + 1, absent, frames).item() == 0  # there is no truth


def test_training_drops_frames_and_whole_modalities_but_never_everything(tfr_net, make_features):
    torch.manual_seed(0)
    features = make_features(400, steps=30)
    kept = tfr_net._drop(features)
    rates, left = {}, []
    for modality, sequence in features:
        mask = sequence.mask()
        known = kept[modality] & mask
        left.append(known.any(1))
        rates[modality] = 1 - known[left[-1]].sum() / mask[left[-1]].sum()
    left = torch.stack(left, dim=1)
    assert left.any(1).all()
    assert 0.05 < (~left).float().mean() < 0.5
    assert all(0.15 < rate < 0.45 for rate in rates.values())
    ends = kept[TEXT].gather(1, (features.text.lengths - 1)[:, None])[:, 0]
    torch.testing.assert_close(ends, left[:, 0])


@pytest.mark.slow
def test_learns_to_fill_in_what_other_modalities_know(build_method):
    """Vision repeats the words' first coordinate: generated from words alone it is better than the mean."""
    torch.manual_seed(0)
    model = build_method("tfr_net")

    def utterances(rows: int) -> Features:
        level = torch.randn(rows, 1, 1)
        sequences = {
            m: Sequence(
                level * torch.ones(rows, 6, d) + 0.1 * torch.randn(rows, 6, d),
                torch.full((rows,), 6),
                torch.ones(rows, dtype=torch.bool),
            )
            for m, d in model.dims.items()
        }
        return Features(**sequences)

    model.set_normalisation(utterances(128))
    optimizer = torch.optim.AdamW(model.parameter_groups(3e-3))
    for _ in range(60):
        model.training_step(utterances(32), torch.zeros(32), optimizer, 0.0)
    model.eval()
    held_out = utterances(64)
    with torch.no_grad():
        generated = model(held_out.only((TEXT,))).reconstructions[VISION].mean((1, 2))
    truth = held_out.vision.values.mean((1, 2))
    assert (generated - truth).abs().mean() < 0.5 * truth.abs().mean()


@torch.no_grad()
def test_gates_are_open_in_part_and_padding_is_not_pooled():
    torch.manual_seed(0)
    pooling, states = GatedPooling(10, 4), torch.randn(2, 5, 10)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    states[1, 2:] = 0.0
    pooled, gates = pooling(states, mask)
    assert ((gates > 0) == mask).all() and (gates < 1).all()
    alone, gate = pooling(states[1:, :2], mask[1:, :2])
    torch.testing.assert_close(pooled[1:], alone)
    torch.testing.assert_close(gates[1:, :2], gate)
