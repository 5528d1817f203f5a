"""What F_y and F_m of MFM tell of each generated modality: its information-based interpretation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.features.utterances import Utterance, collate
from models.fusion.mfm import FACTORS, LABEL, MFM
from models.training.prediction import PREDICTION_BATCH
from models.types import MODALITIES, Modality

ROUNDING = 1e-10  # of |x|^2: squared distances that come from float32 alone
FEWEST = 4  # utterances that the estimate needs
MOST = 2048  # utterances that are read, evenly spaced: time and memory grow with their square


@dataclass(frozen=True)
class Dependence:
    """Of a generated modality X_m: `hsic` of F_y and X_m, and of F_m and X_m, each about 0 to 1."""

    shared: float
    private: float

    @property
    def ratio(self) -> float:
        """shared / private: above 1 where F_y tells more of X_m; NaN where F_m tells nothing."""
        return self.shared / self.private if self.private > 0 else math.nan


def hsic(a: Tensor, b: Tensor) -> float:
    """Normalised dependence of paired rows (n, d1) and (n, d2), n at least 4: 1 of equal ones, at most.

    HSIC (Gretton et al., ALT 2005) over the root of each one's HSIC with itself, as Wu et al. (2018) and Tsai
    et al. (ICLR 2019) normalise it. Two departures: the estimate is the unbiased one (Song et al., JMLR
    2012), about 0, also below, of independent rows, where the biased one nears 1 for wide rows; and the
    kernel exp(-|x - x'|^2 / s) has s the mean of |x - x'|^2, so that moving or scaling rows changes nothing.
    0 where the rows of either are all equal, but for rounding.
    """
    if len(a) < FEWEST or len(a) != len(b):
        raise ValueError(f"HSIC needs pairs of rows, at least {FEWEST}; got {len(a)} and {len(b)}")
    one, other = _centred_kernel(a), _centred_kernel(b)
    norm = one.norm() * other.norm()
    return float((one * other).sum() / norm) if norm > 0 else 0.0


@torch.inference_mode()
def dependences(model: MFM, utterances: list[Utterance]) -> dict[Modality, Dependence]:
    """{modality: how it depends on F_y and on F_m}, over utterances that have all that the training data has.

    Factors and modalities are as MFM infers and generates them, standardised, on all its steps whatever the
    utterance's length, which would itself be a dependence. At most MOST utterances are read; ValueError for
    fewer than FEWEST. A modality that the training data lacks is left out.
    """
    device = model.label.bias.device
    parts: dict[str, list[Tensor]] = {name: [] for name in (*FACTORS, *(f"x_{m}" for m in MODALITIES))}
    chosen = utterances[:: math.ceil(len(utterances) / MOST) or 1]
    for start in range(0, len(chosen), PREDICTION_BATCH):
        features = collate(chosen[start : start + PREDICTION_BATCH], model.dims)[0].to(device)
        rows = model.whole(features.present()).nonzero()[:, 0]
        if not len(rows):
            continue
        traces = model(features.select(rows)).traces
        factors, generated = model.generated({n: traces[f"latent_{n}"] for n in FACTORS}, model.steps)
        for name, values in {**factors, **{f"x_{m}": x.flatten(1) for m, x in generated.items()}}.items():
            parts[name].append(values.cpu())
    count = sum(map(len, parts[LABEL]))
    if count < FEWEST:
        raise ValueError(
            f"the dependence needs at least {FEWEST} utterances with every modality; there are {count}"
        )
    values = {name: torch.cat(tensors) for name, tensors in parts.items()}
    return {
        m: Dependence(*(hsic(values[name], values[f"x_{m}"]) for name in (LABEL, m)))
        for m, known in zip(MODALITIES, model.known.tolist(), strict=True)
        if known
    }


def _centred_kernel(rows: Tensor) -> Tensor:
    """Gaussian kernel (n, n) of rows (n, d), 0 on the diagonal, centred so that products are unbiased.

    U-centring (Szekely & Rizzo, Annals of Statistics 2014), the same estimate as Song et al.'s.
    """
    rows, n = rows.double(), len(rows)
    apart = rows - rows.mean(0)
    squared = torch.cdist(apart, apart).square()
    if squared.max() <= ROUNDING * rows.square().sum(1).max():
        return torch.zeros_like(squared)
    kernel = (-squared * (n * (n - 1)) / squared.sum()).exp().fill_diagonal_(0)
    sums = kernel.sum(1) / (n - 2)
    centred = kernel - sums[:, None] - sums + kernel.sum() / ((n - 1) * (n - 2))
    return centred.fill_diagonal_(0)
