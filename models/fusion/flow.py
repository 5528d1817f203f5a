"""How far what MFM generates moves with Z_y and with Z_m, step by step: its gradient-based interpretation."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor

from models.fusion.mfm import FACTORS, LABEL, MFM, Latents
from models.types import MODALITIES, Features, Modality

DIFFERENCE = 0.01  # by which a latent's coordinate is moved each way; 1 is its standard deviation


@torch.no_grad()
def flow(model: MFM, features: Features) -> dict[Modality, Tensor]:
    """Gradient norms {modality: (steps, 2)} of one utterance (B = 1), on the CPU; columns: by Z_y, by Z_m.

    An entry is |J_t| / sqrt(d). J_t (d, width) holds the derivatives of the d standardised coordinates of the
    generated state at step t by the latent; |.| is the Frobenius norm. Latents follow N(0, I), so to first
    order it tells how far the state moves, as the root mean square of its coordinates, in standard deviations
    of the training data, when a draw of N(0, I) is added to the latent: modalities and latents compare,
    whatever their widths. Tsai et al. (ICLR 2019) have the square without the division by d, and
    differentiate by the factors F_y and F_m, whose scale is arbitrary.

    The point is where `forward` is: Z_m of an absent modality is 0. Steps past the utterance's end go on.
    Derivatives are central differences, to about 0.1 %: exact ones would take four times as long.
    """
    if len(features) != 1:
        raise ValueError(f"flow follows one utterance; these are {len(features)}")
    traces = model(features).traces
    latents = {name: traces[f"latent_{name}"].cpu() for name in FACTORS}
    if model.label.bias.device.type != "cpu":  # where TF32 would round the differences away
        model = deepcopy(model).cpu()
    by_label = _norms(model, latents, {LABEL})
    by_own = _norms(model, latents, set(MODALITIES))  # at once: a modality depends on no other's
    return {m: torch.stack([by_label[m], by_own[m]], dim=1) for m in MODALITIES}


def _norms(model: MFM, latents: Latents, moved: set[str]) -> dict[Modality, Tensor]:
    """{modality: (steps,)} of |J_t| / sqrt(d) by all latents (1, width) that are named in `moved`."""
    rows = max(latents[name].shape[1] for name in moved)  # those past a latent's width do not move it
    pairs = {}
    for name, z in latents.items():
        by = DIFFERENCE * torch.eye(rows, z.shape[1]) * (name in moved)
        pairs[name] = torch.cat([z + by, z - by])
    _, generated = model.generated(pairs, model.steps)
    norms = {}
    for m, states in generated.items():
        forth, back = states.chunk(2)
        norms[m] = ((forth - back) / (2 * DIFFERENCE)).square().sum(0).mean(1).sqrt()
    return norms
