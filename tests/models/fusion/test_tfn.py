"""TFN's cube, with and without a modality."""

from __future__ import annotations

import pytest
import torch

from models.fusion.tfn import BLOCKS
from models.registry import spec
from models.types import MODALITIES, Modality


@pytest.fixture
def tfn(dims):
    torch.manual_seed(5)
    return spec("tfn").build(dims).eval()


@pytest.mark.parametrize("absent", MODALITIES)
@torch.no_grad()
def test_without_a_modality_the_cube_is_that_of_the_other_two(absent, tfn, make_features):
    others = tuple(m for m in MODALITIES if m != absent)
    cube = tfn.cube(make_features(3).only(others))
    axis = 1 + MODALITIES.index(absent)
    constant, rest = cube.split([1, cube.shape[axis] - 1], dim=axis)
    full = tfn.cube(make_features(3))
    assert torch.equal(constant, full.narrow(axis, 0, 1))
    assert (rest == 0).all()


@torch.no_grad()
def test_block_energies_are_those_of_the_first_layer(tfn, make_features):
    features = make_features(3)
    cube = tfn.cube(features)
    energies = tfn(features).traces["block_energy"]
    assert energies.shape == (3, 7)
    for i, block in enumerate(BLOCKS):
        only = torch.zeros_like(cube)
        index = tuple(slice(1, None) if m in block else slice(0, 1) for m in MODALITIES)
        only[:, *index] = cube[:, *index]
        response = only.flatten(1) @ tfn.first.weight.T
        torch.testing.assert_close(energies[:, i], response.square().sum(1))


@torch.no_grad()
def test_blocks_with_an_absent_modality_have_no_energy(tfn, make_features):
    energies = tfn(make_features(3).only((Modality.TEXT, Modality.VISION))).traces["block_energy"]
    heard = [Modality.AUDIO in block for block in BLOCKS]
    assert (energies[:, heard] == 0).all()
    assert (energies[:, [not h for h in heard]] > 0).all()


def test_blocks_are_in_the_order_the_page_draws():
    assert ["".join(m[0] for m in block) for block in BLOCKS] == ["t", "a", "v", "ta", "tv", "av", "tav"]


def test_stays_small():
    dims = {Modality.TEXT: 384, Modality.AUDIO: 40, Modality.VISION: 128}
    assert spec("tfn").build(dims).sizes()["total"] < 2_500_000
