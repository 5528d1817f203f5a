"""Random features for the tests of the methods."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from models.types import MODALITIES, Features, Modality, Sequence

DIMS = {Modality.TEXT: 12, Modality.AUDIO: 6, Modality.VISION: 8}


@pytest.fixture
def dims() -> dict[Modality, int]:
    return dict(DIMS)


@pytest.fixture
def make_features() -> Callable[..., Features]:
    """make(rows, seed=0, steps=9): every modality present, ragged lengths, NaN in the padding."""

    def make(rows: int, seed: int = 0, steps: int = 9, dims: dict[Modality, int] = DIMS) -> Features:
        random = torch.Generator().manual_seed(seed)
        sequences = {}
        for modality in MODALITIES:
            lengths = torch.randint(2, steps + 1, (rows,), generator=random)
            values = torch.randn(rows, steps, dims[modality], generator=random)
            values[torch.arange(steps) >= lengths[:, None]] = torch.nan
            sequences[modality] = Sequence(values, lengths, torch.ones(rows, dtype=torch.bool))
        return Features(**sequences)

    return make
