"""Temperatures that make a classifier as sure as it is right (Guo et al., ICML 2017)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURES = torch.logspace(math.log10(0.25), math.log10(8.0), 101)


def best_temperature(logits: Tensor, classes: Tensor) -> float:
    """The temperature in [0.25, 8] with the least cross entropy of logits (n, C) / t against classes (n,)."""
    losses = torch.stack([F.cross_entropy(logits / t, classes) for t in TEMPERATURES.tolist()])
    return TEMPERATURES[int(losses.argmin())].item()
