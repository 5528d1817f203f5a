"""Checkpoints are rebuilt from the file alone, and say what is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.catalogue import describe_methods
from models.checkpoint import CheckpointMeta, fusion_path, load_fusion, save_fusion
from models.fusion.lmf import LMFConfig
from models.registry import FUSION_MODELS, spec
from models.tensors import CheckpointError, load_tensors, save_tensors
from models.types import Modality
from tests.small_language_model import with_small_language_model

FINGERPRINTS = {"text": "aa11", "audio": "bb22", "vision": "cc33"}


@pytest.fixture
def meta(dims) -> CheckpointMeta:
    return CheckpointMeta(
        method="lmf",
        config=spec("lmf").config,
        profile="local",
        fingerprints=FINGERPRINTS,
        dims={str(m): d for m, d in dims.items()},
        residual_quantiles={"text+audio": 0.8, "vision": 1.4},
        training={"data": ["clips"], "seed": 1},
        figures={"clips": {"text": {"mae": 0.7}}},
    )


@pytest.fixture
def shipped(tmp_path, dims, meta):
    """A folder with an LMF checkpoint, and its file."""
    torch.manual_seed(0)
    path = fusion_path("lmf", root=tmp_path)
    save_fusion(path, spec("lmf").build(dims), meta)
    return tmp_path, path


@pytest.mark.parametrize("name", FUSION_MODELS)
@torch.no_grad()
def test_comes_back_as_it_was_saved(name, tmp_path, meta, make_features, build_method, language_model):
    torch.manual_seed(0)
    model, features = build_method(name), make_features(6)
    model.set_normalisation(make_features(50, seed=1))
    meta = replace(meta, method=name, config=with_small_language_model(name))
    save_fusion(fusion_path(name, root=tmp_path), model, meta)
    loaded = load_fusion(
        name, root=tmp_path, fingerprints=FINGERPRINTS, language_model=lambda: language_model
    )
    assert loaded.meta == meta
    assert not loaded.model.training
    assert loaded.model.text_std.dtype == torch.float32
    assert torch.equal(loaded.model.text_std, model.text_std)
    expected, found = model.eval()(features).score, loaded.model(features).score
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=5e-3)  # large weights are float16


def test_saving_what_was_loaded_loses_nothing(shipped, meta):
    root, path = shipped
    first = load_fusion("lmf", root=root).model
    save_fusion(path, first, meta)
    second = load_fusion("lmf", root=root).model
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_config_comes_from_the_file_and_not_from_the_registry(tmp_path, dims, meta):
    config = LMFConfig(rank=2)
    path = fusion_path("lmf", root=tmp_path)
    save_fusion(path, spec("lmf").build(dims, config), replace(meta, config=config))
    assert load_fusion("lmf", root=tmp_path).model.sizes()["rank"] == 2


def test_intervals_are_looked_up_by_subset(meta):
    assert meta.quantile((Modality.AUDIO, Modality.TEXT)) == 0.8
    assert meta.quantile(["vision"]) == 1.4
    assert meta.quantile(Modality) is None


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda tensors: tensors.pop("rank_weights"), "missing rank_weights"),
        (lambda tensors: tensors.update(surplus=torch.ones(1)), "extra surplus"),
        (
            lambda tensors: tensors.update(rank_weights=torch.ones(9)),
            r"rank_weights has shape \(9,\), not \(4,\)",
        ),
    ],
)
def test_names_each_tensor_that_does_not_fit(damage, complaint, shipped):
    root, path = shipped
    tensors, raw = load_tensors(path)
    damage(tensors)
    save_tensors(path, tensors, raw)
    with pytest.raises(CheckpointError, match=complaint) as error:
        load_fusion("lmf", root=root)
    assert path.name in str(error.value)


def test_says_which_extractor_it_wants(shipped):
    with pytest.raises(CheckpointError, match=r"wants the audio extractor bb22 .* but dd44 is loaded"):
        load_fusion("lmf", root=shipped[0], fingerprints={**FINGERPRINTS, "audio": "dd44"})


def test_says_which_profile_it_wants(shipped):
    root, path = shipped
    other = fusion_path("lmf", "hub", root)
    other.parent.mkdir()
    other.write_bytes(path.read_bytes())
    with pytest.raises(CheckpointError, match="wants states of the profile 'local', not of 'hub'"):
        load_fusion("lmf", "hub", root)


def test_a_file_under_a_wrong_name_is_refused(shipped):
    root, path = shipped
    fusion_path("tfn", root=root).write_bytes(path.read_bytes())
    with pytest.raises(CheckpointError, match="holds the method 'lmf', not 'tfn'"):
        load_fusion("tfn", root=root)


def test_an_absent_file_names_the_command_that_trains_it(tmp_path):
    with pytest.raises(CheckpointError, match=r"python -m models\.shipped train mla --data FOLDER"):
        load_fusion("mla", root=tmp_path)


def test_an_unknown_method_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"lmf, tfn, .*late, concat"):
        load_fusion("mlp")


@pytest.mark.parametrize("kept", [0, 5, 200, -50])
def test_a_truncated_file_is_reported(kept, shipped):
    root, path = shipped
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="damaged"):
        load_fusion("lmf", root=root)


def test_metadata_of_another_version_is_reported(shipped):
    root, path = shipped
    tensors, raw = load_tensors(path)
    del raw["figures"]
    save_tensors(path, tensors, raw)
    with pytest.raises(CheckpointError, match="figures"):
        load_fusion("lmf", root=root)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda config: config.update(order=2), "config lacks or does not know order"),
        (lambda config: config.pop("rank"), "config lacks or does not know rank"),
        (lambda config: config.update(rank=4.0), r"config\.rank must be int; got 4\.0"),
        (
            lambda config: config.update(subnets=64),
            r"config\.subnets must have the keys text_pool, .*; got 64",
        ),
        (lambda config: config["subnets"].update(order=2), r"config\.subnets lacks or does not know order"),
        (lambda config: config["subnets"].update(text_pool="max"), "text_pool must be one of last, mean"),
        (lambda config: config["subnets"].update(dropout=True), r"config\.subnets\.dropout must be float"),
    ],
)
def test_settings_of_another_version_are_named(damage, complaint, shipped):
    root, path = shipped
    tensors, raw = load_tensors(path)
    damage(raw["config"])
    save_tensors(path, tensors, raw)
    with pytest.raises(CheckpointError, match=f"another version of 'lmf' .*{complaint}.*; train") as error:
        load_fusion("lmf", root=root)
    assert path.name in str(error.value)
    told = {info.spec.name: info.problem for info in describe_methods(root)}
    assert "another version" in told["lmf"]


def test_extractor_weights_keep_their_type_and_metadata(tmp_path):
    path = tmp_path / "local" / "audio.safetensors"
    tensors = {"half": torch.ones(3, dtype=torch.float16), "whole": torch.arange(4)}
    save_tensors(path, tensors, {"classes": ["calm", "happy"]})
    found, meta = load_tensors(path)
    assert meta == {"classes": ["calm", "happy"]}
    assert {name: t.dtype for name, t in found.items()} == {name: t.dtype for name, t in tensors.items()}
    assert [p.name for p in path.parent.iterdir()] == ["audio.safetensors"]
