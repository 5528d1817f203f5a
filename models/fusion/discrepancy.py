"""Maximum mean discrepancy between latents and a standard normal (Gretton et al., JMLR 2012)."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

IMQ_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def imq(squared: Tensor, width: int) -> Tensor:
    """Sum over scales s of C / (C + |x - y|^2), C = 2 s d (WAE, Tolstikhin et al., ICLR 2018).

    squared : |x - y|^2 of vectors of `width` coordinates. Two draws of N(0, I) are about 2 d apart, so some
    scale always tells latents that are too narrow, too wide or moved from the prior.
    """
    return reduce(torch.add, (2 * s * width / (2 * s * width + squared) for s in IMQ_SCALES))


def discrepancy(latents: Tensor, prior: Tensor) -> Tensor:
    """Unbiased squared MMD of latents (n, d) and draws of the prior (k, d); 0 below two rows of either.

    About 0, also below, where both follow one law.
    """
    if len(latents) < 2 or len(prior) < 2:
        return latents.sum() * 0
    width = latents.shape[1]

    def within(rows: Tensor) -> Tensor:
        pairs = imq(_squared_distances(rows, rows), width)
        return (pairs.sum() - pairs.diagonal().sum()) / (len(rows) * (len(rows) - 1))

    between = imq(_squared_distances(latents, prior), width).mean()
    return within(prior) + within(latents) - 2 * between


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, k) of rows (n, d) and (k, d); from differences, since a root at 0 would have no gradient."""
    return (a[:, None] - b[None]).square().sum(2)
