"""Features that mean the same to MMSA and to us: every step valid, no padding to disagree on."""

from __future__ import annotations

import pytest
import torch

from models.types import MODALITIES, Features, Sequence
from tests.parity import mmsa
from tests.parity.weights import DIMS

ROWS, STEPS = 5, 7


@pytest.fixture(autouse=True)
def needs_mmsa() -> None:
    try:
        mmsa.folder()
    except RuntimeError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def features() -> Features:
    """Five utterances of seven aligned steps."""
    random = torch.Generator().manual_seed(1)
    return Features(
        **{
            m: Sequence(
                torch.randn(ROWS, STEPS, DIMS[m], generator=random),
                torch.full((ROWS,), STEPS),
                torch.ones(ROWS, dtype=torch.bool),
            )
            for m in MODALITIES
        }
    )
