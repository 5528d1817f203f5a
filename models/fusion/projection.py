"""Updates of a shared linear head that leave its answers to protected features alone (MLA).

Recursive least squares as in OWM (Zeng et al., Nature Machine Intelligence 2019), with the scalar
denominator alpha + r k; the matrix is not divided by its norm, which would only shrink the step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def protection(features: list[Tensor], head: nn.Linear, alpha: float) -> Tensor:
    """P (D + 1, D + 1), close to the projector onto the complement of the features' span.

    features : [(D,)] mean features to protect, none for no protection
    alpha : above 0; what is left of a direction r is alpha / (alpha + |r|^2) of it
    The last coordinate is the constant 1 that carries the head's bias, so the bias is projected too.
    """
    projection = torch.eye(head.in_features + 1, device=head.weight.device)
    for feature in features:
        direction = torch.cat([feature, feature.new_ones(1)])
        gain = projection @ direction
        projection = projection - torch.outer(gain, gain) / (alpha + direction @ gain)
    return projection


@torch.no_grad()
def protected_step(head: nn.Linear, optimizer: torch.optim.Optimizer, projection: Tensor) -> None:
    """`optimizer.step()`, with the head's update multiplied by `projection`.

    For plain SGD this is the paper's phi <- phi - gamma * grad P. The update rather than the gradient is
    projected because Adam's scaling, momentum and weight decay would turn a projected gradient back into
    the protected directions.
    """
    before = torch.cat([head.weight, head.bias[:, None]], dim=1)
    optimizer.step()
    update = torch.cat([head.weight, head.bias[:, None]], dim=1) - before
    after = before + update @ projection
    head.weight.copy_(after[:, :-1])
    head.bias.copy_(after[:, -1])
