"""MFM's gradient norms over the steps of what it generates."""

from __future__ import annotations

import pytest
import torch

from models.fusion.flow import flow
from models.fusion.mfm import FACTORS, LABEL, MFM
from models.types import MODALITIES, Features, Modality


@pytest.fixture
def model(build_method, make_features) -> MFM:
    torch.manual_seed(3)
    model = build_method("mfm").eval()
    model.set_normalisation(make_features(64, seed=99))
    return model


def exact(model: MFM, features: Features, modality: Modality, name: str) -> torch.Tensor:
    """(steps,) from the Jacobian of the generated states by the latent `name`, as autograd has it."""
    with torch.no_grad():
        traces = model(features).traces
    latents = {factor: traces[f"latent_{factor}"] for factor in FACTORS}

    def states(latent: torch.Tensor) -> torch.Tensor:
        return model.generated({**latents, name: latent}, model.steps)[1][modality][0]

    jacobian = torch.autograd.functional.jacobian(states, latents[name])[:, :, 0]
    return jacobian.square().sum(2).mean(1).sqrt()


@pytest.mark.parametrize("used", [MODALITIES, (Modality.AUDIO,)], ids=["all", "voice"])
def test_norms_are_those_of_the_exact_derivatives(used, model, make_features):
    features = make_features(1).only(used)
    flows = flow(model, features)
    for modality in MODALITIES:
        assert flows[modality].shape == (model.steps, 2)
        for column, name in enumerate((LABEL, modality)):
            wanted = exact(model, features, modality, name)
            torch.testing.assert_close(flows[modality][:, column], wanted, rtol=0.01, atol=1e-5)


@torch.no_grad()
def test_nothing_flows_from_a_factor_that_is_not_read(model, make_features):
    shared = model.config.factors.label
    model.generators[Modality.TEXT].lstm.weight_ih_l0[:, shared:] = 0
    model.generators[Modality.AUDIO].lstm.weight_ih_l0[:, :shared] = 0
    flows = flow(model, make_features(1))
    assert (flows[Modality.TEXT][:, 1] == 0).all() and (flows[Modality.TEXT][:, 0] > 0).all()
    assert (flows[Modality.AUDIO][:, 0] == 0).all() and (flows[Modality.AUDIO][:, 1] > 0).all()
    assert (flows[Modality.VISION] > 0).all()


def test_one_utterance_at_a_time(model, make_features):
    with pytest.raises(ValueError, match="one utterance; these are 2"):
        flow(model, make_features(2))
