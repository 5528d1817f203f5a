"""What is known of a fusion method besides its class; each method's file ends with its `SPEC`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.fusion.base import FusionModel
from models.types import Modality

ADAMW = {"lr": 2e-3, "weight_decay": 1e-2}


@dataclass(frozen=True)
class ModelSpec:
    """One fusion method.

    name : key in the registry's `FUSION_MODELS`, also its checkpoint's file name
    title : what people call it; paper, year, url : where it comes from
    kind : "regression" or "classification" (the prediction then has logits of seven classes)
    model, config : class, and its keywords beyond `dims`
    aligned : True where it needs one audio and one vision state per word
    weights_kind : name of the modality weights it reports, None where the method has none
    reconstructs : True where it generates missing modalities
    faithful : each departure from the paper in one sentence, and why
    training : lr and weight_decay of its optimiser (AdamW); features_lr, where another lr is better on a
    researcher's features; items, where a step is costly: share of stage one's items that an epoch shows
    on_features : what of `config` is otherwise for weights trained on a researcher's features
    """

    name: str
    title: str
    paper: str
    year: int
    kind: str
    model: type[FusionModel]
    config: dict[str, Any]
    aligned: bool
    weights_kind: str | None
    reconstructs: bool
    faithful: tuple[str, ...]
    url: str
    training: dict[str, float] = field(default_factory=lambda: dict(ADAMW))
    on_features: dict[str, Any] = field(default_factory=dict)

    @property
    def features_config(self) -> dict[str, Any]:
        """`config` for weights trained on a researcher's features."""
        return {**self.config, **self.on_features}

    def build(self, dims: dict[Modality, int], config: dict[str, Any] | None = None) -> FusionModel:
        """An untrained model for states of these widths; `config` replaces the one of the entry."""
        return self.model(dims, **(self.config if config is None else config))


# the subnets of TFN, as every method here uses them
SUBNET_SHAPE = {"text_pool": "mean", "text_hidden": 64, "dropout": 0.5, "nonverbal_dropout": 0.0}
SUBNETS = (
    "The text subnet averages the LSTM's states instead of reading the last, and the audio and vision "
    "subnets have no dropout: both better on validation data."
)
CLAMPED = "The score is clamped to [-3, 3] outside training."
