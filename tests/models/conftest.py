"""Random features for the tests of the methods."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from models.fusion.base import FusionModel
from models.registry import spec
from models.types import MODALITIES, Features, Modality, Sequence
from tests.small_language_model import SHAPE, random_weights, with_small_language_model

DIMS = {Modality.TEXT: 12, Modality.AUDIO: 6, Modality.VISION: 8}


@pytest.fixture
def dims() -> dict[Modality, int]:
    return dict(DIMS)


@pytest.fixture
def make_features() -> Callable[..., Features]:
    """make(rows, seed=0, steps=9): all present, ragged lengths, NaN in the padding; words have token ids."""

    def make(rows: int, seed: int = 0, steps: int = 9, dims: dict[Modality, int] = DIMS) -> Features:
        random = torch.Generator().manual_seed(seed)
        sequences = {}
        for modality in MODALITIES:
            lengths = torch.randint(2, steps + 1, (rows,), generator=random)
            values = torch.randn(rows, steps, dims[modality], generator=random)
            values[torch.arange(steps) >= lengths[:, None]] = torch.nan
            ids = None
            if modality is Modality.TEXT:
                ids = torch.randint(
                    SHAPE.vocabulary, (rows, steps), generator=torch.Generator().manual_seed(seed)
                )
            sequences[modality] = Sequence(values, lengths, torch.ones(rows, dtype=torch.bool), ids)
        return Features(**sequences)

    return make


@pytest.fixture(scope="session")
def language_model() -> dict[str, torch.Tensor]:
    """Random weights of a small BERT, by their names in transformers."""
    return random_weights()


@pytest.fixture
def build_method(language_model) -> Callable[..., FusionModel]:
    """build_method(name, dims): the untrained method, ready to run."""

    def build_method(name: str, dims: dict[Modality, int] = DIMS) -> FusionModel:
        model = spec(name).build(dims, with_small_language_model(name))
        if model.needs_language_model:
            model.attach_language_model(language_model)
        return model

    return build_method
