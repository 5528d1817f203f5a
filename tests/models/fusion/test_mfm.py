"""MFM: factorised latents, generation, surrogates for what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.checkpoint import subset_name
from models.fusion.alignment import align
from models.fusion.discrepancy import discrepancy
from models.fusion.ef_lstm import EarlyFusionConfig
from models.fusion.layers import SubNetsConfig
from models.fusion.mfm import DRAWS, ENCODERS, FACTORS, MFM, MFMConfig, _energy_score
from models.fusion.mfn import MemoryFusionConfig
from models.fusion.tfn import TensorFusionConfig
from models.types import MODALITIES, Features, Modality, Sequence

PARTIAL = [subset for subset in Modality.subsets() if len(subset) < 3]
ENCODER_CONFIGS = {
    "mfn": MemoryFusionConfig(),
    "ef_lstm": EarlyFusionConfig(hidden=24),
    "tfn": TensorFusionConfig(
        width=24,
        dropout=0.0,
        subnets=SubNetsConfig(text_hidden=8, text_out=8, audio=8, vision=8, dropout=0.0),
    ),
}


@pytest.fixture
def build(dims, make_features):
    """build(encoder="mfn") -> an untrained MFM with constants set, in eval mode."""

    def build(encoder: str = "mfn", **changes) -> MFM:
        torch.manual_seed(5)
        config = MFMConfig(encoder=encoder, encoder_config=ENCODER_CONFIGS[encoder])
        model = MFM(dims, replace(config, **changes))
        model.set_normalisation(make_features(64, seed=99))
        return model.eval()

    return build


def poisoned(features: Features, subset: tuple[Modality, ...]) -> Features:
    """Only `subset` present, NaN in the values of the others."""
    poison = {
        m: s if m in subset else Sequence(torch.full_like(s.values, torch.nan), s.lengths, s.present)
        for m, s in features
    }
    return Features(**poison).only(subset)


def test_the_regulariser_tells_collapsed_and_widened_latents_from_the_prior():
    torch.manual_seed(0)
    prior, same = torch.randn(256, 48), torch.randn(256, 48)
    base = abs(discrepancy(same, prior))
    assert base < 0.02
    for wrong in (torch.zeros(256, 48), 3 * same, same + 1):
        assert discrepancy(wrong, prior) > 0.5


@torch.no_grad()
def test_the_regulariser_is_about_zero_on_average_for_small_batches():
    torch.manual_seed(0)
    draws = [discrepancy(torch.randn(16, 12), torch.randn(16, 12)) for _ in range(200)]
    assert abs(torch.stack(draws).mean()) < 0.01


def test_gradient_descent_on_the_regulariser_undoes_a_collapse():
    torch.manual_seed(0)
    latents = (0.01 * torch.randn(128, 12)).requires_grad_()
    optimizer = torch.optim.Adam([latents], lr=0.05)
    for _ in range(120):
        optimizer.zero_grad()
        discrepancy(latents, torch.randn(128, 12)).backward()
        optimizer.step()
    assert 0.7 < latents.std().item() < 1.3


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("subset", Modality.subsets(), ids=subset_name)
@torch.no_grad()
def test_generates_all_modalities_without_reading_absent_ones(encoder, subset, build, make_features, dims):
    model, features = build(encoder), make_features(4)
    clean, poison = model(features.only(subset)), model(poisoned(features, subset))
    assert set(clean.reconstructions) == set(MODALITIES)
    for modality, states in poison.reconstructions.items():
        assert states.shape == (4, model.steps, dims[modality])
        assert states.isfinite().all()
        assert torch.equal(states, clean.reconstructions[modality])
    assert torch.equal(clean.score, poison.score)


@torch.no_grad()
def test_reconstructions_are_raw_states(build, make_features):
    model, features = build(), make_features(3)
    shift = {m: 10.0 * (i + 1) for i, m in enumerate(MODALITIES)}
    moved = Features(**{m: Sequence(s.values + shift[m], s.lengths, s.present) for m, s in features})
    before = model(features).reconstructions
    for modality in MODALITIES:
        getattr(model, f"{modality}_mean").add_(shift[modality])
    after = model(moved).reconstructions
    for modality in MODALITIES:
        steps = int(features.text.lengths[0])
        wanted = before[modality][0, :steps] + shift[modality]
        torch.testing.assert_close(after[modality][0, :steps], wanted, atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_every_pattern_has_a_surrogate_of_its_own(build, make_features):
    model, features = build(), make_features(2)
    for pattern in PARTIAL:
        before = {name: model(features.only(p)).score for p in PARTIAL for name in [subset_name(p)]}
        for parameter in model.surrogates["_".join(pattern)].parameters():
            parameter.add_(0.3)
        after = {subset_name(p): model(features.only(p)).score for p in PARTIAL}
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert changed == {subset_name(pattern)}


@torch.no_grad()
def test_the_score_comes_from_the_shared_factor_alone(build, make_features):
    model, features = build(), make_features(3)
    before = model(features)
    for modality in MODALITIES:
        for parameter in model.subnets[modality].parameters():
            parameter.add_(1.0)
    after = model(features)
    assert torch.equal(before.score, after.score)
    assert not torch.equal(before.reconstructions[Modality.AUDIO], after.reconstructions[Modality.AUDIO])


def test_surrogates_do_not_drag_the_encoders(build, make_features):
    """What the surrogates are taught has no gradient into the encoders that teach them."""
    model, features = build(), make_features(8)
    model.loss(features, torch.zeros(8))["latents"].backward()
    assert all(p.grad is None or (p.grad == 0).all() for p in model.encoder.parameters())
    assert all(p.grad is None or (p.grad == 0).all() for p in model.label.parameters())
    assert all(p.grad is None or (p.grad == 0).all() for p in model.subnets.parameters())
    taught = [p.grad for p in model.surrogates.parameters() if p.grad is not None]
    assert any((gradient != 0).any() for gradient in taught)


def test_on_natural_clips_the_head_the_map_to_the_latent_and_what_generates_learn(build):
    model = build()
    given = {id(p) for group in model.clip_parameter_groups(1e-3) for p in group["params"]}
    learning = {name.split(".")[0] for name, p in model.named_parameters() if id(p) in given}
    assert learning == {"head", "label", "generators", "factors"}
    assert not any(id(p) in given for p in model.factors["label"].parameters())


def test_what_a_row_lacks_is_compared_with_a_row_of_like_score(build, make_features):
    model, features = build(), make_features(4)
    kept = torch.ones(4, 3, dtype=torch.bool)
    kept[0, 1] = False
    target = torch.tensor([2.0, 2.1, -2.0, -1.0])

    def borrowed(values: torch.Tensor, kept: torch.Tensor = kept) -> torch.Tensor:
        torch.manual_seed(0)  # of what is drawn
        voices = replace(features.audio, values=values)
        return model.loss(Features(features.text, voices, features.vision).keep(kept), target)["borrowed"]

    values = features.audio.values.clone()
    before = borrowed(values)
    assert before > 0
    values[2:] += 5.0  # voices of another mood do not count
    torch.testing.assert_close(borrowed(values), before)
    values[1] += 5.0
    assert not torch.allclose(borrowed(values), before)
    assert borrowed(values, torch.ones(4, 3, dtype=torch.bool)) == 0


@pytest.mark.parametrize("modality", MODALITIES)
def test_each_modality_has_generation_terms_of_its_own(modality, build, make_features):
    model, features = build(), make_features(8)
    losses = model.loss(features, torch.zeros(8))
    for kind in ("generate", "imagine"):
        for other in MODALITIES:
            model.zero_grad(set_to_none=True)
            losses[f"{kind}_{other}"].backward(retain_graph=True)
            drawn = model.generators[modality].draw.weight.grad
            assert (drawn is not None and bool((drawn != 0).any())) == (modality == other)


@pytest.mark.parametrize("subset", PARTIAL, ids=subset_name)
def test_rows_train_only_on_what_they_have(subset, build, make_features):
    model, features = build().train(), poisoned(make_features(8), subset)
    losses = model.loss(features, torch.zeros(8))
    assert all(value.isfinite() for value in losses.values())
    for modality in MODALITIES:
        assert (losses[f"generate_{modality}"] > 0) == (modality in subset)
    sum(losses.values()).backward()
    for modality in set(MODALITIES) - set(subset):
        gradients = [p.grad for p in model.generators[modality].parameters()]
        assert all(g is None or (g == 0).all() for g in gradients)


@torch.no_grad()
def test_latents_are_shown_and_inferred_ones_differ_from_read_ones(build, make_features):
    model, features = build(), make_features(3)
    whole = model(features).traces
    parts = model(features.only((Modality.TEXT, Modality.VISION))).traces
    for name in FACTORS:
        assert whole[f"latent_{name}"].shape[0] == 3
    assert torch.equal(whole["latent_text"], parts["latent_text"])
    assert not torch.equal(whole["latent_audio"], parts["latent_audio"])
    assert (parts["attention"] == 0).all() and (whole["attention"] > 0).any()


def test_the_encoder_reads_rows_that_have_all_the_training_data_has(build, make_features):
    model, features = build(), make_features(3)
    seen = (Modality.TEXT, Modality.AUDIO)
    model.set_normalisation(make_features(64, seed=99).only(seen))
    model.loss(features.only(seen), torch.ones(3))["l1"].backward()
    assert (model.label.weight.grad != 0).any()
    unused = model.surrogates["text_audio"].heads["label"].parameters()
    assert all(p.grad is None or (p.grad == 0).all() for p in unused)
    with torch.no_grad():
        before, alone = model(features.only(seen)), model(features.only((Modality.TEXT,)))
        assert (before.traces["attention"] > 0).any() and (alone.traces["attention"] == 0).all()
        for parameter in model.encoder.parameters():
            parameter.add_(0.3)
        assert not torch.equal(model(features.only(seen)).score, before.score)
        assert torch.equal(model(features.only((Modality.TEXT,))).score, alone.score)


@torch.no_grad()
def test_draws_of_the_private_latent_are_other_faces_of_the_same_mood(build, make_features):
    """They change what is imagined and not what is given; the middle of the prior is what forward answers."""
    model, features = build(), make_features(4)
    aligned = align(model.normalised(features), model.steps)
    kept = torch.tensor([[True, False, False]]).expand(4, 3)
    drawn, again, other = (model.imagine(aligned, kept, seed=seed) for seed in (0, 0, 1))
    for modality in (Modality.AUDIO, Modality.VISION):
        assert drawn[modality].shape[:2] == (DRAWS, 4)
        assert torch.equal(drawn[modality], again[modality])
        for one in (*drawn[modality][1:], *other[modality]):
            assert not torch.allclose(one, drawn[modality][0])
    words = drawn[Modality.TEXT]
    torch.testing.assert_close(words, words[:1].expand_as(words))
    own, _ = model.generated(model.infer(aligned.keep(kept)), model.steps)
    answered = model(features.only((Modality.TEXT,)))  # words decide the steps, so both have the same
    torch.testing.assert_close(own["label"], model.factors["label"](answered.traces["latent_label"]).relu())


@torch.no_grad()
def test_a_draw_is_the_same_in_every_row(build, make_features):
    model, features = build(), make_features(4)
    aligned = align(model.normalised(features), model.steps)
    kept = torch.tensor([[True, False, False]]).expand(4, 3)
    alone = aligned.select(torch.tensor([2]))
    whole, one = model.imagine(aligned, kept), model.imagine(alone, kept[:1])
    torch.testing.assert_close(whole[Modality.VISION][:, 2:3], one[Modality.VISION])


def test_the_shared_latent_moves_to_a_wanted_score(build):
    model = build()
    with torch.inference_mode():
        label, wanted = torch.randn(5, model.config.latents.label), torch.linspace(-0.3, 0.3, 5)
        start = model._score({"label": model.factors["label"](label).relu()})
        moved = model.moved(label, start + wanted)
        reached = model._score({"label": model.factors["label"](moved).relu()})
    torch.testing.assert_close(reached, start + wanted, atol=0.02, rtol=0)
    torch.testing.assert_close(moved[2], label[2], atol=0.05, rtol=0)  # asked for what it has


def test_the_energy_score_is_least_for_draws_spread_as_the_truth():
    torch.manual_seed(0)
    rows, observed = 4000, torch.ones(4000, 1, dtype=torch.bool)

    def score(spread: float, shift: float = 0.0) -> float:
        once, again = (shift + spread * torch.randn(rows, 1, 1) for _ in range(2))
        return _energy_score((once, again), truth, observed).item()

    truth = torch.randn(rows, 1, 1)
    assert score(1.0) < min(score(0.0), score(0.3), score(2.5), score(1.0, shift=1.0)) - 0.02


@pytest.mark.slow
def test_learns_to_imagine_what_the_others_tell(build, dims):
    """A coordinate that all modalities share is imagined from any part of them, better than its mean."""
    torch.manual_seed(0)

    def batch(rows: int) -> tuple[Features, torch.Tensor]:
        shared, sequences = torch.randn(rows), {}
        for modality, dim in dims.items():
            values = 0.3 * torch.randn(rows, 6, dim)
            values[:, :, 0] += shared[:, None]
            lengths, present = torch.full((rows,), 6), torch.ones(rows, dtype=torch.bool)
            sequences[modality] = Sequence(values, lengths, present)
        return Features(**sequences), shared.clamp(-3, 3)

    model = build("ef_lstm", steps=6, dropout=0.0)
    model.set_normalisation(batch(256)[0])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for step in range(150):
        model.training_step(*batch(64), optimizer, step / 150)
    model.eval()
    features, shared = batch(128)
    for given in PARTIAL:
        with torch.no_grad():
            imagined = model(features.only(given)).reconstructions
        for modality in set(MODALITIES) - set(given):
            reading = imagined[modality][:, :, 0].mean(1)
            assert torch.corrcoef(torch.stack([reading, shared]))[0, 1] > 0.8, (given, modality)
        error = (imagined[modality][:, :, 0] - features[modality].values[:, :, 0]).square().mean()
        assert error < 0.6 * features[modality].values[:, :, 0].square().mean()


def test_an_encoder_that_is_unknown_or_has_the_settings_of_another_is_refused():
    with pytest.raises(ValueError, match="mfn, ef_lstm, tfn"):
        MFMConfig(encoder="lstm")
    with pytest.raises(ValueError, match="MemoryFusionConfig, not of 'tfn'"):
        MFMConfig(encoder="tfn")
