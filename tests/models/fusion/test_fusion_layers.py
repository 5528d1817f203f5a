"""The parts several methods share."""

from __future__ import annotations

import pytest
import torch

from models.fusion.layers import PresentBatchNorm, SubNetsConfig, TextSubNet, masked_mean
from models.registry import spec


def test_masked_mean_reads_valid_steps_only():
    states = torch.tensor([[[1.0], [3.0], [torch.nan]], [[torch.nan]] * 3])
    mask = torch.tensor([[True, True, False], [False] * 3])
    assert masked_mean(states, mask).tolist() == [[2.0], [0.0]]


def test_batch_norm_statistics_come_from_present_rows():
    norm, inputs = PresentBatchNorm(1, momentum=1.0), torch.tensor([[1.0], [3.0], [1000.0]])
    outputs = norm(inputs, torch.tensor([True, True, False]))
    assert norm.running_mean.item() == pytest.approx(2.0)
    torch.testing.assert_close(outputs.detach(), torch.tensor([[-1.0], [1.0], [0.0]]), atol=1e-4, rtol=0)


def test_one_present_row_is_normalised_with_the_running_statistics():
    norm = PresentBatchNorm(1)
    norm.running_mean.fill_(4.0)
    outputs = norm(torch.tensor([[5.0], [0.0]]), torch.tensor([True, False]))
    assert outputs[0].item() == pytest.approx(1.0, abs=1e-4)
    assert norm.running_mean.item() == 4.0


@torch.no_grad()
def test_text_pools_read_the_last_word_or_all_of_them():
    torch.manual_seed(0)
    subnets = {
        pool: TextSubNet(4, SubNetsConfig(pool, text_hidden=6, text_out=3, dropout=0.0))
        for pool in ("last", "mean")
    }
    subnets["mean"].load_state_dict(subnets["last"].state_dict())
    states, mask = torch.randn(1, 5, 4), torch.tensor([[True, True, True, False, False]])
    outputs, (final, _) = subnets["last"].lstm(states[:, :3])
    linear = subnets["last"].linear
    torch.testing.assert_close(subnets["last"](states, mask), linear(final[0]))
    torch.testing.assert_close(subnets["mean"](states, mask), linear(outputs.mean(1)))


def test_an_unknown_text_pool_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="last, mean"):
        SubNetsConfig(text_pool="max")


@torch.no_grad()
def test_a_coordinate_that_never_moved_in_training_cannot_explode(dims, make_features):
    train = make_features(50)
    train.audio.values[..., 0] = 0.0
    model = spec("concat").build(dims)
    model.set_normalisation(train)
    clip = make_features(1, seed=1)
    clip.audio.values[..., 0] = 0.01
    assert model.normalised(clip).audio.values.abs().max() < 10
