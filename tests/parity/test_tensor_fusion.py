"""TFN and LMF: MMSA's weights in our modules give MMSA's scores, up to the departures their specs list."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from models.fusion.base import FusionModel
from models.fusion.layers import SubNetsConfig
from models.fusion.lmf import LMF, LMFConfig
from models.fusion.tfn import TFN, TFNConfig
from models.registry import spec
from models.types import MODALITIES, Features, Modality
from tests.parity import mmsa
from tests.parity.weights import DIMS, copy, copy_subnets, stir

pytestmark = pytest.mark.parity

CLOSE = {"rtol": 0, "atol": 1e-5}
PAIRS = ("tfn", "lmf")
SUBNET_OF = {Modality.TEXT: "text_subnet", Modality.AUDIO: "audio_subnet", Modality.VISION: "video_subnet"}


def pair(name: str, text_pool: str = "last") -> tuple[nn.Module, FusionModel]:
    """MMSA's network with random weights, and ours with the same, both in evaluation."""
    torch.manual_seed(2)
    arguments = mmsa.hyper_parameters(
        name, tuple(DIMS.values()), hidden_dims=[10, 4, 6], text_out=5, post_fusion_dim=7
    )
    theirs = stir(mmsa.build(arguments))
    subnets = SubNetsConfig(text_pool, text_hidden=10, text_out=5, audio=4, vision=6)
    if name == "tfn":
        ours = TFN(DIMS, TFNConfig(post_fusion=7, subnets=subnets))
        _copy_tfn_head(theirs, ours)
    else:
        ours = LMF(DIMS, LMFConfig(arguments.rank, subnets))
        _copy_factors(theirs, ours)
    copy_subnets(theirs, ours.subnets)
    return theirs, ours.eval()


def _copy_tfn_head(theirs: nn.Module, ours: TFN) -> None:
    text, audio, vision = ours.cube_shape
    weight = theirs.post_fusion_layer_1.weight.detach().view(
        -1, audio, vision, text
    )  # their order of the cube
    ours.first.weight.data.copy_(weight.permute(0, 3, 1, 2).flatten(1))
    ours.first.bias.data.copy_(theirs.post_fusion_layer_1.bias)
    copy(theirs.post_fusion_layer_2, ours.second)
    copy(theirs.post_fusion_layer_3, ours.last)


def _copy_factors(theirs: nn.Module, ours: LMF) -> None:
    factors = (theirs.text_factor, theirs.audio_factor, theirs.video_factor)
    for modality, factor in zip(MODALITIES, factors, strict=True):
        ours.factors[modality].data.copy_(factor[..., 0])
    ours.rank_weights.data.copy_(theirs.fusion_weights[0])
    ours.bias.data.copy_(theirs.fusion_bias[0, 0])


def scores(theirs: nn.Module, features: Features) -> Tensor:
    """(B,) of MMSA's network, fed as its loader does: audio and vision averaged over all their steps."""
    means = (features[m].values.mean(1, keepdim=True) for m in (Modality.AUDIO, Modality.VISION))
    return theirs(features.text.values, *means)["M"][:, 0]


@pytest.mark.parametrize("rows", [5, 1])
@pytest.mark.parametrize("name", PAIRS)
@torch.no_grad()
def test_same_weights_give_the_same_score(name, rows, features):
    theirs, ours = pair(name)
    features = features.select(torch.arange(rows))
    expected = scores(theirs, features)
    assert (
        rows == 1 or expected.std() > 1e-3
    )  # scores that differ between clips, or equality would say little
    torch.testing.assert_close(ours(features).score, expected, **CLOSE)


@pytest.mark.parametrize("name", PAIRS)
@torch.no_grad()
def test_averages_valid_steps_where_mmsa_averages_padding_too(name, features):
    theirs, ours = pair(name)
    expected = scores(theirs, features)
    padded = Features(
        **{m: replace(s, values=nn.functional.pad(s.values, (0, 0, 0, 9))) for m, s in features}
    )
    torch.testing.assert_close(ours(padded).score, expected, **CLOSE)
    assert (scores(theirs, padded) - expected).abs().max() > 1e-3


@pytest.mark.parametrize("name", PAIRS)
@torch.no_grad()
def test_our_text_subnet_averages_the_states_of_the_same_lstm(name, features):
    assert spec(name).config.subnets.text_pool == "mean"
    theirs, ours = pair(name, text_pool="mean")
    text = theirs.text_subnet
    text.forward = lambda words: text.linear_1(text.rnn(words)[0].mean(1))
    torch.testing.assert_close(ours(features).score, scores(theirs, features), **CLOSE)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("name", PAIRS)
@torch.no_grad()
def test_an_absent_modality_is_mmsas_network_with_its_embedding_at_zero(name, modality, features):
    theirs, ours = pair(name)
    subnet = getattr(theirs, SUBNET_OF[modality])
    others = tuple(m for m in MODALITIES if m != modality)
    poisoned = Features(**{m: replace(s, values=s.values / (m != modality)) for m, s in features})
    silenced = Features(**{m: replace(s, values=s.values * (m != modality)) for m, s in features})
    zero_input = scores(theirs, silenced)
    subnet.register_forward_hook(lambda module, inputs, embedding: embedding * 0)
    expected = scores(theirs, features)
    torch.testing.assert_close(ours(poisoned.only(others)).score, expected, **CLOSE)
    # feeding zeros is not the same: biases and BatchNorm speak
    assert (zero_input - expected).abs().max() > 1e-4


@pytest.mark.parametrize("name", PAIRS)
def test_our_audio_and_vision_subnets_drop_nothing(name):
    ours = spec(name).build(DIMS).subnets
    assert (ours.audio.dropout.p, ours.vision.dropout.p) == (0, 0)
    assert mmsa.hyper_parameters(name, (1, 1, 1)).dropouts[:2] == [0.3, 0.3]


@torch.no_grad()
def test_lmf_clamps_where_mmsa_predicts_beyond_the_scale(features):
    theirs, ours = pair("lmf")
    theirs.fusion_weights *= 1e4
    ours.rank_weights *= 1e4
    expected = scores(theirs, features)
    assert expected.abs().max() > 3
    torch.testing.assert_close(ours(features).score, expected.clamp(-3, 3), **CLOSE)


def test_lmf_starts_with_neutral_constants_where_mmsa_starts_near_zero():
    torch.manual_seed(0)
    theirs = mmsa.build(mmsa.hyper_parameters("lmf", tuple(DIMS.values())))
    ours = spec("lmf").build(DIMS)
    assert all(torch.equal(factor[:, 0], torch.ones(len(factor))) for factor in ours.factors.values())
    assert theirs.text_factor[:, 0].abs().max() < 0.9


def test_tfns_cube_is_smaller_than_mmsas():
    theirs = mmsa.build(mmsa.hyper_parameters("tfn", tuple(DIMS.values())))
    assert theirs.post_fusion_layer_1.in_features == 33 * 129 * 33
    assert spec("tfn").build(DIMS).sizes()["cube"] == 33 * 25 * 25
