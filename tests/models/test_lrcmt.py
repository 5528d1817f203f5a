"""LRCMT: a frozen language model with adapters, and the order in which the modalities meet."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from transformers import BertModel

from models.fusion.language_model import AdaptedLanguageModel, LanguageModelShape
from models.registry import spec
from models.training.utterances import Utterance, collate
from models.types import MODALITIES
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
    model = AdaptedLanguageModel(LanguageModelShape(**SHAPE), adapters="low_rank", rank=4, alpha=8)
    model.attach(language_model)
    ids, lengths = torch.randint(128, (5, 11)), torch.tensor([11, 3, 7, 1, 3])
    mask = torch.arange(11) < lengths[:, None]
    expected = reference(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(model(ids, lengths)[mask], expected[mask], atol=1e-5, rtol=1e-5)
    assert (model.adapter_strength() == 0).all()


def test_training_leaves_the_language_model_as_it_was_and_moves_every_adapter(
    lrcmt, language_model, make_features
):
    before = copy.deepcopy(language_model)
    adapters = {n: p.detach().clone() for n, p in lrcmt.named_parameters() if ".down" in n or ".up" in n}
    train(lrcmt, make_features(16))
    attached = dict(lrcmt.subnets["text"].named_buffers())
    assert all(torch.equal(language_model[name], tensor) for name, tensor in before.items())
    assert torch.equal(attached["word.weight"], before["embeddings.word_embeddings.weight"])
    parameters = dict(lrcmt.named_parameters())
    assert [n for n, p in adapters.items() if torch.equal(p, parameters[n])] == []
    assert len(adapters) == 2 * 6 * 2  # two matrices for each of six maps in each of two layers
    assert (lrcmt.subnets["text"].adapter_strength() > 0).all()


def test_the_counts_are_those_of_the_optimiser(lrcmt):
    sizes = lrcmt.sizes()
    groups = lrcmt.parameter_groups(1e-3)
    counted = [sum(p.numel() for p in group["params"]) for group in groups]
    assert counted == [sizes["total"] - sizes["adapters"], sizes["adapters"]]
    assert all(p.requires_grad for group in groups for p in group["params"])
    assert groups[1]["lr"] == 1e-3 * spec("lrcmt").config["language_rate"]


def test_of_the_shipped_language_model_less_than_0_76_percent_is_trained(dims):
    with torch.device("meta"):
        sizes = spec("lrcmt").build(dims).sizes()
    assert sizes["language_model"] == 22_565_376  # all-MiniLM-L6-v2 without its pooler
    assert 0.005 < sizes["adapters"] / sizes["language_model"] <= 0.0076


def test_full_fine_tuning_trains_the_same_language_model_itself(dims, language_model, make_features):
    torch.manual_seed(1)
    model = spec("lrcmt").build(dims, {**with_small_language_model("lrcmt"), "adapters": "full"})
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


@torch.no_grad()
def test_the_text_encoders_language_model_comes_with_its_adapters_merged():
    from models.checkpoint import CHECKPOINTS
    from models.extractors.profile import Profile

    if not (CHECKPOINTS / "local" / "extractors" / "text.safetensors").exists():
        pytest.skip("the text encoder has no weights")
    profile = Profile.load("local")
    model = spec("lrcmt").build(profile.dims)
    model.attach_language_model(profile.language_model())
    ids, lengths = profile.text.tokenize(["i really liked it", "what a long and boring film it was"])
    mask = torch.arange(ids.shape[1]) < lengths[:, None]
    expected = profile.text.states(ids, lengths)[..., : profile.text.width]
    torch.testing.assert_close(
        model.subnets["text"](ids, lengths)[mask], expected[mask], atol=1e-4, rtol=1e-4
    )
