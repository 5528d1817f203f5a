"""Each ablation takes away what its row says, and nothing else."""

from __future__ import annotations

import pytest
import torch

from models.features.utterances import Utterance, collate
from models.registry import spec
from models.types import MODALITIES, Modality
from tests.benchmarks.gap_map import plane
from tests.benchmarks.paper_questions import (
    EarlyMEAformer,
    EqualMCLEA,
    EqualMEAformer,
    LateMEAformer,
    OnlyDiscriminative,
    OnlyGenerative,
    WithoutICL,
    WithoutPrivate,
    everywhere,
    without,
)

DIMS = {Modality.TEXT: 12, Modality.AUDIO: 5, Modality.VISION: 4}


@pytest.fixture(scope="module")
def items() -> list[Utterance]:
    generator = torch.Generator().manual_seed(0)
    states = [{m: torch.randn(6, d, generator=generator) for m, d in DIMS.items()} for _ in range(24)]
    return [Utterance(own, i / 4 - 3, "test", f"video{i}") for i, own in enumerate(states)]


def built(kind, name: str):
    torch.manual_seed(0)
    return kind(DIMS, spec(name).config)


def learned(model, items) -> set[str]:
    """The parts of a model that one step's losses change."""
    features, target = collate(items, DIMS)
    sum(model.loss(features, target).values()).backward()
    return {
        name.split(".")[0]
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().sum() > 0
    }


def test_only_discriminative_generates_nothing_and_only_generative_learns_nothing_from_the_score(items):
    assert "generators" in learned(built(spec("mfm").model, "mfm"), items)
    assert "generators" not in learned(built(OnlyDiscriminative, "mfm"), items)
    model = built(OnlyGenerative, "mfm")
    features, target = collate(items, DIMS)
    model.loss(features, target)["l1"].backward()
    assert all(p.grad is not None for p in model.head.parameters())
    assert all(p.grad is None for p in model.encoder.parameters())


def test_without_specific_factors_every_draw_is_the_same():
    model = built(WithoutPrivate, "mfm").eval()
    latents = {name: torch.randn(4, width) for name, width in (("label", 48), ("text", 48))}
    assert model._factor("label", latents["label"]).abs().sum() > 0
    assert model._factor("text", latents["text"]).abs().sum() == 0


def test_mclea_s_terms(items):
    features, target = collate(items, DIMS)
    assert {"l1", "ial"} == built(WithoutICL, "mclea").loss(features, target).keys()
    assert "weight_logits" not in learned(built(EqualMCLEA, "mclea"), items)
    weights = built(EqualMCLEA, "mclea").eval()(features).weights.values
    torch.testing.assert_close(weights, torch.full_like(weights, 1 / 3))


def test_meaformer_s_parts(items):
    features, _ = collate(items, DIMS)
    whole = built(spec("meaformer").model, "meaformer").eval()(features)
    for kind, name in ((EarlyMEAformer, "early_score"), (LateMEAformer, "late_score")):
        torch.testing.assert_close(built(kind, "meaformer").eval()(features).score, whole.traces[name])
    weights = built(EqualMEAformer, "meaformer").eval()(features).weights.values
    torch.testing.assert_close(weights, torch.full_like(weights, 1 / 3))


def test_what_is_missing_is_drawn_at_its_rate_and_one_modality_stays(items):
    assert all(len(item.states) == 3 for item in without(items, everywhere(0.0), 0))
    assert all(len(item.states) == 1 for item in without(items, everywhere(1.0), 0))
    many = without(items * 40, {Modality.TEXT: 0.7}, 0)
    missing = sum(Modality.TEXT not in item.states for item in many) / len(many)
    assert missing == pytest.approx(0.7, abs=0.05)
    assert all(set(MODALITIES[1:]) <= set(item.states) for item in many)


def test_the_plane_shows_what_differs_most():
    generator = torch.Generator().manual_seed(0)
    apart = {m: torch.randn(20, 8, generator=generator) * 0.1 for m in MODALITIES}
    apart[Modality.TEXT][:, 3] += 5
    places, kept = plane(apart)
    assert kept > 0.9
    text, audio, vision = (places[m].mean(0) for m in MODALITIES)
    assert (text - audio).norm() > 0.8 and (audio - vision).norm() < 0.1
    assert all(part.min() >= 0 and part.max() <= 1 for part in places.values())
