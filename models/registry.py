"""The list of what there is: fusion methods and extractor profiles. Nothing else knows it.

Adding a method is one file in `models/fusion` and one entry here; page, command line, API and tests read
the entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.fusion.base import FusionModel
from models.fusion.concat import ConcatFusion
from models.fusion.late import LateFusion
from models.fusion.lmf import LMF
from models.fusion.mla import MLA
from models.fusion.tfn import TFN
from models.types import Modality


@dataclass(frozen=True)
class ModelSpec:
    """One fusion method.

    name : key in `FUSION_MODELS`, also its checkpoint's file name
    title : what people call it; paper, year, url : where it comes from
    kind : "regression" or "classification" (the prediction then has logits of seven classes)
    model, config : class, and its keywords beyond `dims`
    aligned : True where it needs one audio and one vision state per word
    weights_kind : name of the modality weights it reports, None where the method has none
    reconstructs : True where it generates missing modalities
    faithful : where the implementation departs from the paper, and why
    training : lr and weight_decay of its optimiser (AdamW)
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
    faithful: str
    url: str
    training: dict[str, float] = field(default_factory=dict)

    def build(self, dims: dict[Modality, int], config: dict[str, Any] | None = None) -> FusionModel:
        """An untrained model for states of these widths; `config` replaces the one of the entry."""
        return self.model(dims, **(self.config if config is None else config))


SUBNETS = "The text subnet averages the LSTM's states instead of reading the last: better on validation data."

FUSION_MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="lmf",
            title="LMF",
            paper="Efficient Low-rank Multimodal Fusion with Modality-Specific Factors",
            year=2018,
            kind="regression",
            model=LMF,
            config={
                "rank": 4,
                "subnets": {
                    "text_pool": "mean",
                    "text_hidden": 64,
                    "text_out": 64,
                    "audio": 32,
                    "vision": 32,
                    "dropout": 0.3,
                },
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "Sum over ranks of products, as the authors' code (the paper's last derivation line would "
                "collapse to rank 1); factors initialised per rank with the constant entry at 1; score "
                "clamped to [-3, 3] outside training; an absent modality's embedding is masked. " + SUBNETS
            ),
            url="https://arxiv.org/abs/1806.00064",
            training={"lr": 1e-3, "weight_decay": 1e-2},
        ),
        ModelSpec(
            name="tfn",
            title="TFN",
            paper="Tensor Fusion Network for Multimodal Sentiment Analysis",
            year=2017,
            kind="regression",
            model=TFN,
            config={
                "post_fusion": 64,
                "post_dropout": 0.5,
                "subnets": {
                    "text_pool": "mean",
                    "text_hidden": 64,
                    "text_out": 32,
                    "audio": 24,
                    "vision": 24,
                    "dropout": 0.3,
                },
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "A cube of 33 x 25 x 25 instead of 129 x 33 x 33, so that the model stays below 2.5 million "
                "parameters; an absent modality's embedding is masked, which leaves exactly the TFN of the "
                "others. " + SUBNETS
            ),
            url="https://arxiv.org/abs/1707.07250",
            training={"lr": 1e-3, "weight_decay": 1e-2},
        ),
        ModelSpec(
            name="mla",
            title="MLA",
            paper="Multimodal Representation Learning by Alternating Unimodal Adaptation",
            year=2024,
            kind="classification",
            model=MLA,
            config={
                "width": 128,
                "ordinal_sigma": 0.0,
                "subnets": {"text_pool": "mean", "text_hidden": 64, "dropout": 0.3, "nonverbal_dropout": 0.0},
            },
            aligned=False,
            weights_kind="entropy",
            reconstructs=False,
            faithful=(
                "A classifier over seven rounded scores, read as their expectation; entropies per clip and "
                "over classes (the released code takes the softmax over the batch), only of present "
                "modalities; the projection is applied (it never runs in the released code), to the head's "
                "update with its bias, with the scalar denominator, rebuilt every turn from the other "
                "modalities' mean features; one temperature per modality, fitted on held-out data; no "
                "dropout in the audio and vision subnets. " + SUBNETS
            ),
            url="https://arxiv.org/abs/2311.10707",
            training={"lr": 1e-3, "weight_decay": 1e-2},
        ),
        ModelSpec(
            name="late",
            title="Late fusion",
            paper="Multimodal Machine Learning: A Survey and Taxonomy (late fusion)",
            year=2017,
            kind="regression",
            model=LateFusion,
            config={
                "weighting": "mean",
                "subnets": {
                    "text_pool": "mean",
                    "text_hidden": 64,
                    "text_out": 64,
                    "audio": 32,
                    "vision": 32,
                    "dropout": 0.3,
                },
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful="The textbook baseline: one predictor per modality, plain mean over those present. "
            + SUBNETS,
            url="https://arxiv.org/abs/1705.09406",
            training={"lr": 1e-3, "weight_decay": 1e-2},
        ),
        ModelSpec(
            name="concat",
            title="Concat fusion",
            paper="Recognizing Emotions in Video Using Multimodal DNN Feature Fusion",
            year=2018,
            kind="regression",
            model=ConcatFusion,
            config={
                "post_fusion": 128,
                "post_dropout": 0.3,
                "subnets": {
                    "text_pool": "mean",
                    "text_hidden": 64,
                    "text_out": 128,
                    "audio": 32,
                    "vision": 64,
                    "dropout": 0.3,
                },
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "The network MMSA calls LF_DNN, with half its text embedding; score clamped to [-3, 3] "
                "outside training; an absent modality's embedding is masked. " + SUBNETS
            ),
            url="https://aclanthology.org/W18-3302/",
            training={"lr": 1e-3, "weight_decay": 1e-2},
        ),
    )
}

# profile -> the module that loads its extractors; plain data, so that listing the methods loads no extractor
EXTRACTORS: dict[str, dict[str, str]] = {"local": {"module": "models.extractors.profile"}}


def spec(name: str) -> ModelSpec:
    """The entry of a method; ValueError for an unknown name lists the known ones."""
    if name not in FUSION_MODELS:
        raise ValueError(f"unknown fusion method {name!r}; known are {', '.join(FUSION_MODELS)}")
    return FUSION_MODELS[name]
