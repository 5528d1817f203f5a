"""States that fusion models put in the place of a modality they were not shown, and the true ones beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from app.service.subsets import Subset
from models.fusion.alignment import align
from models.fusion.attention import shortened
from models.fusion.base import FusionModel
from models.fusion.mfm import MFM
from models.fusion.tate import TATE
from models.fusion.tfr_net import TFRNet
from models.types import MODALITIES, Features, Modality


@dataclass(frozen=True)
class Imputed:
    """One modality as a model infers it from others: S steps of d raw states, on the CPU.

    states, true : (S, d); draws : (D, S, d), as likely as each other, of which `states` is the mean; one
    where a method does not draw
    spans : (S, 2) start and end of each step
    observed : (S,) bool, steps at which the utterance really has the modality; nowhere where it is absent
    error, mean_error : mean square of the standardised states over the observed steps, of the model and of
    the mean predictor; None where there is no truth
    """

    states: Tensor
    draws: Tensor
    true: Tensor
    spans: Tensor
    observed: Tensor
    error: float | None
    mean_error: float | None


IMAGINING = "mfm"  # the method that imagines for every other
Imputations = dict[Modality, Imputed]


@dataclass(frozen=True)
class Wish:
    """What a visitor asks of MFM's latents.

    score : in [-3, 3], what the shared factor Z_y should say; None for what it says by itself
    seed : of the draws of the private factors Z_m
    """

    score: float | None = None
    seed: int = 0


NO_WISH = Wish()


@torch.inference_mode()
def by_mfm(model: MFM, features: Features, given: Subset, wish: Wish = NO_WISH) -> Imputations:
    """Every modality but the `given` ones, from these alone: Z_y by MFM's surrogates, Z_m drawn.

    features : batch of one. Only the steps are taken from all of it, so that what is imagined lies on those
    of the truth: as the figures on the card are measured.
    """
    aligned = align(model.normalised(features), model.steps)
    device = aligned.lengths.device
    kept = torch.tensor([[m in given for m in MODALITIES]], device=device)
    score = None if wish.score is None else torch.tensor([wish.score], device=device)
    missing = tuple(m for m in MODALITIES if m not in given)
    drawn = model.imagine(aligned, kept, score, wish.seed, missing)
    return {
        m: _compared(model, m, drawn[m][:, 0], aligned.states[m][0], aligned.spans[0], aligned.observed[m][0])
        for m in missing
    }


@torch.inference_mode()
def by_tfr_net(model: TFRNet, features: Features, given: Subset, wish: Wish = NO_WISH) -> Imputations:
    """The same by TFR-Net: a modality of which every frame dropped, as `absent_steps` even steps.

    It has no latents to wish anything of.
    """
    generated = model(features.only(given)).reconstructions
    steps = torch.arange(model.absent_steps, device=features.text.present.device)
    whole = align(features, model.absent_steps).spans[0]
    start, end = whole[..., 0].min(), whole[..., 1].max()
    edges = start + (end - start) * torch.stack([steps, steps + 1], dim=1) / len(steps)
    standard = model.normalised(features)
    imputed = {}
    for m in (m for m in MODALITIES if m not in given):
        mean, std = getattr(model, f"{m}_mean"), getattr(model, f"{m}_std")
        truth = shortened(standard[m], model.most_steps)
        true = truth.values[0, steps * int(truth.lengths[0].clamp_min(1)) // len(steps)]
        made = (generated[m][0, : len(steps)] - mean) / std
        imputed[m] = _compared(model, m, made[None], true, edges, truth.present[0].expand(len(steps)))
    return imputed


@dataclass(frozen=True)
class Recovered:
    """How far TATE's encoding of one modality is from that of its teacher, who sees everything.

    hidden : with the modality hidden from TATE; shown : with everything shown to it
    """

    modality: Modality
    hidden: float
    shown: float


@torch.inference_mode()
def by_tate(model: TATE, features: Features, off: Subset) -> list[Recovered]:
    """What TATE recovers of the modalities that are `off`; empty where the input itself lacks one."""
    present = features.present()
    if not present.all():
        return []
    shown = model.distances(features, present)
    kept = torch.tensor([[m not in off for m in MODALITIES]], device=present.device)
    hidden = model.distances(features, kept)
    return [Recovered(m, hidden[m].item(), shown[m].item()) for m in off]


# {class: what a model of it puts in the place of a missing modality}
IMPUTERS: dict[type[FusionModel], Callable[..., Imputations]] = {MFM: by_mfm, TFRNet: by_tfr_net}


def _compared(
    model: FusionModel, modality: Modality, draws: Tensor, true: Tensor, spans: Tensor, observed: Tensor
) -> Imputed:
    """Standardised draws (D, S, d) beside the true states (S, d), all given back raw."""
    there, made = bool(observed.any()), draws.mean(0)
    return Imputed(
        states=model.raw(modality, made).cpu(),
        draws=model.raw(modality, draws).cpu(),
        true=model.raw(modality, true).cpu(),
        spans=spans.cpu(),
        observed=observed.cpu(),
        error=(made - true)[observed].square().mean().item() if there else None,
        mean_error=true[observed].square().mean().item() if there else None,
    )
