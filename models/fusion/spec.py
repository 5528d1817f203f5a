"""What is known of a fusion method besides its class; each method's file ends with its `SPEC`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.config import Config
from models.fusion.base import FusionModel
from models.types import Modality


@dataclass(frozen=True)
class TrainingSettings:
    """How a method's optimiser, AdamW, is set."""

    lr: float = 2e-3  # learning rate
    weight_decay: float = 1e-2
    features_lr: float | None = None  # learning rate on a researcher's features, None where it is `lr`
    items: float = 1.0  # share of stage one's items that an epoch shows: less where a step is costly


@dataclass(frozen=True)
class ModelSpec:
    """One fusion method.

    name : key in the registry's `FUSION_MODELS`, also its checkpoint's file name
    title : what people call it; paper, year, url : where it comes from
    kind : "regression" or "classification" (the prediction then has logits of seven classes)
    model, config : class, and the settings of the weights that ship
    aligned : True where it needs one audio and one vision state per word
    weights_kind : name of the modality weights it reports, None where the method has none
    reconstructs : True where it generates missing modalities
    faithful : each departure from the paper in one sentence, and why
    on_features : settings of weights trained on a researcher's features, None where they are `config`
    """

    name: str
    title: str
    paper: str
    year: int
    kind: str
    model: type[FusionModel]
    config: Config
    aligned: bool
    weights_kind: str | None
    reconstructs: bool
    faithful: tuple[str, ...]
    url: str
    training: TrainingSettings = TrainingSettings()
    on_features: Config | None = None

    @property
    def features_config(self) -> Config:
        """Settings of weights trained on a researcher's features."""
        return self.on_features or self.config

    def read_config(self, values: Any) -> Config:
        """The settings in a checkpoint's metadata; ValueError names a key that does not fit."""
        return type(self.config).from_json(values)

    def build(self, dims: dict[Modality, int], config: Config | None = None) -> FusionModel:
        """An untrained model for states of these widths; `config` replaces the one of the entry."""
        return self.model(dims, config or self.config)


SUBNETS = (
    "The text subnet averages the LSTM's states instead of reading the last, and the audio and vision "
    "subnets have no dropout: both better on validation data."
)
READOUT = (
    "The score goes through an affine map for each set of modalities, fitted to people (or validation data) "
    "some of whom training never saw: an average is drawn to the middle of the scale. Ours."
)
CLAMPED = "The score is clamped to [-3, 3] outside training."
