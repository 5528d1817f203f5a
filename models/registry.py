"""The list of what there is: fusion methods and extractor profiles. Nothing else knows it.

Adding a method is one file in `models/fusion` and one entry here; page, command line, API and tests read
the entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.fusion.base import FusionModel
from models.fusion.concat import ConcatFusion
from models.fusion.ef_lstm import EFLSTM
from models.fusion.late import LateFusion
from models.fusion.lmf import LMF
from models.fusion.lrcmt import LRCMT
from models.fusion.mclea import MCLEA
from models.fusion.meaformer import MEAformer
from models.fusion.mfm import MFM
from models.fusion.mfn import MFN
from models.fusion.mla import MLA
from models.fusion.mmin import MMIN
from models.fusion.qmf import QMF
from models.fusion.tate import TATE
from models.fusion.tfn import TFN
from models.fusion.tfr_net import TFRNet
from models.types import Modality

ADAMW = {"lr": 2e-3, "weight_decay": 1e-2}


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
    faithful: str
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
# the memory fusion of MFN, and of MFM's shared latent
MEMORY_FUSION = {
    "hidden": {"text": 64, "audio": 8, "vision": 32},
    "memory": 64,
    "attention": 32,
    "proposal": 64,
    "gates": 32,
    "dropout": 0.2,
}
# nearer to MMSA's sizes: better on the validation videos of both public sets
LARGER_MEMORY_FUSION = {
    **MEMORY_FUSION,
    "hidden": {"text": 128, "audio": 32, "vision": 64},
    "memory": 128,
    "gates": 64,
}
# language models for LRCMT, with one vocabulary: all-mpnet-base-v2 and all-MiniLM-L6-v2
MPNET = {
    "vocabulary": 30522,
    "positions": 512,
    "width": 768,
    "layers": 12,
    "heads": 12,
    "intermediate": 3072,
    "segments": 0,
    "buckets": 32,
    "epsilon": 1e-5,
}
MINILM = {
    "vocabulary": 30522,
    "positions": 512,
    "width": 384,
    "layers": 6,
    "heads": 12,
    "intermediate": 1536,
}
CLAMPED = "The score is clamped to [-3, 3] outside training."

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
                "subnets": {**SUBNET_SHAPE, "text_out": 64, "audio": 32, "vision": 32},
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "Sum over ranks of products, as the authors' code (the paper's last derivation line would "
                "collapse to rank 1); factors initialised per rank with the constant entry at 1; an absent "
                "modality's embedding is masked. " + f"{CLAMPED} {SUBNETS}"
            ),
            url="https://arxiv.org/abs/1806.00064",
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
                "subnets": {**SUBNET_SHAPE, "text_out": 32, "audio": 24, "vision": 24},
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
            training={**ADAMW, "features_lr": 4e-3},
        ),
        ModelSpec(
            name="ef_lstm",
            title="EF-LSTM",
            paper="Memory Fusion Network for Multi-view Sequential Learning (its early-fusion baseline)",
            year=2018,
            kind="regression",
            model=EFLSTM,
            config={"steps": 24, "encoder": {"hidden": 64}, "dropout": 0.3},
            aligned=True,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "One LSTM layer of 64 units; states are standardised per coordinate instead of by a "
                "BatchNorm over step numbers, which would fix the length; the state after the last real step "
                "is read, not one that has run over padding; an utterance has at most 24 steps. " + CLAMPED
            ),
            url="https://arxiv.org/abs/1802.00927",
        ),
        ModelSpec(
            name="mfn",
            title="MFN",
            paper="Memory Fusion Network for Multi-view Sequential Learning",
            year=2018,
            kind="regression",
            model=MFN,
            config={
                "steps": 24,
                "encoder": MEMORY_FUSION,
                "head": 64,
                "dropout": 0.3,
            },
            aligned=True,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "As the paper, smaller (less so on a researcher's features); an absent modality's cell "
                "states are masked and get no attention; the state after the last real step is read; an "
                "utterance has at most 24 steps. " + CLAMPED
            ),
            url="https://arxiv.org/abs/1802.00927",
            on_features={"encoder": LARGER_MEMORY_FUSION},
        ),
        ModelSpec(
            name="mfm",
            title="MFM",
            paper="Learning Factorized Multimodal Representations",
            year=2019,
            kind="regression",
            model=MFM,
            config={
                "encoder": "mfn",
                "encoder_config": MEMORY_FUSION,
                "steps": 16,
                "latents": {"label": 48, "text": 48, "audio": 12, "vision": 32},
                "factors": {"label": 48, "text": 48, "audio": 16, "vision": 32},
                "hidden": {"text": 64, "audio": 16, "vision": 32},
                "surrogate": 64,
                "factor_hidden": 64,
                "head": 64,
                "dropout": 0.3,
                "weights": {
                    "mmd": 0.1,
                    "latents": 1.0,
                    "borrowed": 1.0,
                    "text": 0.5,
                    "audio": 0.5,
                    "vision": 0.5,
                },
            },
            aligned=True,
            weights_kind=None,
            reconstructs=True,
            faithful=(
                "The regulariser is an unbiased MMD with a multi-scale inverse multiquadric kernel (the "
                "released one hardly sees collapsed latents; it is an option), its weight tuned to that; a "
                "row counts as whole when it has all that the training data has; "
                "surrogates for two missing modalities as well as one, each one LSTM with a map per latent, "
                "learning from detached latents; rows that lack a modality train what they have, and what "
                "they imagine of the rest is compared with that modality of a row of nearly the same score, "
                "a term in no paper that favours imagining the label's polarity; on natural clips, whose "
                "voice and face follow no label, only the score's head learns; the state after the last real "
                "step is read; smaller (less so on a researcher's features), at most 16 steps. " + CLAMPED
            ),
            url="https://arxiv.org/abs/1806.06176",
            training={**ADAMW, "weight_decay": 1e-3, "features_lr": 4e-3},
            on_features={"encoder_config": LARGER_MEMORY_FUSION},
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
                "subnets": SUBNET_SHAPE,
            },
            aligned=False,
            weights_kind="entropy",
            reconstructs=False,
            faithful=(
                "A classifier over seven rounded scores, read as their expectation; entropies per clip and "
                "over classes (the released code takes the softmax over the batch), only of present "
                "modalities; the projection is applied (it never runs in the released code), to the head's "
                "update with its bias, with the scalar denominator, rebuilt every turn from the other "
                "modalities' mean features; one temperature per modality, fitted on held-out data. " + SUBNETS
            ),
            url="https://arxiv.org/abs/2311.10707",
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
                "subnets": {**SUBNET_SHAPE, "text_out": 64, "audio": 32, "vision": 32},
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful="The textbook baseline: one predictor per modality, plain mean over those present. "
            + f"{CLAMPED} {SUBNETS}",
            url="https://arxiv.org/abs/1705.09406",
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
                "subnets": {**SUBNET_SHAPE, "text_out": 128, "audio": 32, "vision": 64},
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "The network MMSA calls LF_DNN, with subnets of 64, 32 and 64 units instead of 128, 16 and "
                "128, and half its text embedding; an absent modality's embedding is masked. "
                + f"{CLAMPED} {SUBNETS}"
            ),
            url="https://aclanthology.org/W18-3302/",
        ),
        ModelSpec(
            name="lrcmt",
            title="LRCMT (rebuilt)",
            paper="A Low-rank Cross-modal Transformer for Multimodal Sentiment Analysis",
            year=2024,
            kind="regression",
            model=LRCMT,
            config={
                "language_model": MPNET,
                "adapters": "low_rank",
                "rank": 4,
                "alpha": 8.0,
                "language_rate": 0.5,
                "silence": [101, 102],
                "most_steps": 64,
                "width": 32,
                "heads": 4,
                "dropout": 0.1,
                "hidden": 64,
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "Rebuilt from the abstract, the only part that could be read: low-rank adapters in every "
                "layer of the frozen language model (here rank 4 on its six maps: 0.61 % of its parameters), "
                "voice and face attend to each other before the words attend to them; all else is ours. The "
                "language model is MPNet with sentiment adapters trained beforehand and merged in (2.4 % of "
                "its parameters), on a researcher's features MiniLM (there the adapters are 0.74 %); absent "
                "words are read as [CLS] [SEP]; more than 64 states of voice or face are averaged to 64. "
                + CLAMPED
            ),
            url="https://search.napstic.cn/literature/periodical/010jsjgcykx202410018",
            training={**ADAMW, "items": 0.4},
            on_features={"language_model": MINILM},
        ),
        ModelSpec(
            name="tfr_net",
            title="TFR-Net",
            paper="Transformer-based Feature Reconstruction Network for Robust Multimodal Sentiment Analysis",
            year=2021,
            kind="regression",
            model=TFRNet,
            config={
                "most_steps": 48,
                "width": 32,
                "heads": 4,
                "layers": 1,
                "dropout": 0.1,
                "gates": {"text": 24, "audio": 12, "vision": 16},
                "hidden": 64,
                "most_dropped": 0.6,
                "lost": 0.25,
                "absent_steps": 12,
                "reconstruction": {"text": 0.5, "audio": 0.5, "vision": 0.5},
            },
            aligned=False,
            weights_kind=None,
            reconstructs=True,
            faithful=(
                "States of the frozen extractors drop, not the words' ids; the transformer before the "
                "generator attends over time (the released one attends over the batch); nothing reads "
                "padding, and no attention within or between modalities reads dropped frames; one model for "
                "all drop rates, drawn anew for each clip, instead of one model a rate; an absent modality "
                "is twelve dropped frames; no causal mask; the generators learn from the first epoch; one "
                "layer instead of three, LayerNorm for BatchNorm, ReLU for LeakyReLU, loss factors for "
                "standardised states; more than 48 frames are averaged to 48. " + CLAMPED
            ),
            url="https://doi.org/10.1145/3474085.3475585",
        ),
        ModelSpec(
            name="tate",
            title="TATE",
            paper="Tag-assisted Multimodal Sentiment Analysis under Uncertain Missing Modalities",
            year=2022,
            kind="classification",
            model=TATE,
            config={
                "most_steps": 48,
                "width": 60,
                "heads": 4,
                "dropout": 0.2,
                "hidden": 64,
                "teacher_share": 0.34,
                "weights": {"forward": 0.1, "backward": 0.1, "tag": 0.1},
            },
            aligned=False,
            weights_kind="attention",
            reconstructs=False,
            faithful=(
                "Seven rounded scores instead of three classes, read as their expectation; the tag comes "
                "from the data (in the released graph it seems constant) and is a learned embedding beside "
                "its digits; the teacher learns from whole clips, which have all that the training data "
                "has, in the first third of the same training, then is frozen and sees all of what the "
                "student sees in part (the released code corrupts both), a random part of every other row; "
                "the backward loss does not move its target; "
                "attention and pooling read no padding and no absent token; a fifth of the width, pre-norm "
                "blocks; more than 48 tokens of a modality are averaged to 48."
            ),
            url="https://arxiv.org/abs/2204.13707",
        ),
        ModelSpec(
            name="mclea",
            title="MCLEA (adapted)",
            paper="Multi-modal Contrastive Representation Learning for Entity Alignment",
            year=2022,
            kind="regression",
            model=MCLEA,
            config={
                "width": 100,
                "hidden": 64,
                "dropout": 0.3,
                "margin": 0.5,
                "temperatures": [0.1, 4.0],
                "contrast": 0.1,
                "alignment": 0.1,
                "subnets": SUBNET_SHAPE,
            },
            aligned=False,
            weights_kind="global",
            reconstructs=False,
            faithful=(
                "Adapted from entity alignment, in no paper on sentiment: utterances instead of entities of "
                "two graphs, those of like score as aligned pairs with the other positives out of the "
                "denominator, an L1 head on the joint embedding; weights renormalised over present "
                "modalities; losses only between clips that both have the modality; IAL scaled once and "
                "averaged per clip (the released code scales it twice and averages over pairs), all "
                "contrastive terms at a tenth of their weight. " + f"{CLAMPED} {SUBNETS}"
            ),
            url="https://arxiv.org/abs/2209.00891",
        ),
        ModelSpec(
            name="meaformer",
            title="MEAformer (adapted)",
            paper="MEAformer: Multi-modal Entity Alignment Transformer for Meta Modality Hybrid",
            year=2023,
            kind="regression",
            model=MEAformer,
            config={
                "width": 128,
                "heads": 1,
                "intermediate": 170,
                "hidden": 64,
                "dropout": 0.3,
                "margin": 0.5,
                "temperature": 0.1,
                "contrast": 0.1,
                "subnets": SUBNET_SHAPE,
            },
            aligned=False,
            weights_kind="meta",
            reconstructs=False,
            faithful=(
                "Adapted from entity alignment, in no paper on sentiment: utterances instead of entities of "
                "two graphs, those of like score as aligned pairs, L1 heads on the early and on the late "
                "joint embedding whose mean is the score; absent modalities neither read nor are read, and "
                "M counts the present ones; weights from the attention before dropout; tokens of 128 instead "
                "of 300; without replay and minimum-confidence weighting, as the released script. "
                + f"{CLAMPED} {SUBNETS}"
            ),
            url="https://arxiv.org/abs/2212.14454",
        ),
        ModelSpec(
            name="qmf",
            title="QMF",
            paper="Provable Dynamic Fusion for Low-Quality Multimodal Data",
            year=2023,
            kind="classification",
            model=QMF,
            config={
                "rank": 0.1,
                "subnets": {**SUBNET_SHAPE, "text_out": 64, "audio": 32, "vision": 32},
            },
            aligned=False,
            weights_kind="confidence",
            reconstructs=False,
            faithful=(
                "A classifier over seven rounded scores, read as their expectation; the rank term orders by "
                "the losses of the batch instead of a history over epochs, since training items are drawn "
                "anew, with the paper's margin (the released code turns it into slack) and a tenth of the "
                "weight; energies pass a softplus, so that no vote is turned round; shown weights are shares "
                "of confidences that the method itself leaves unnormalised; one temperature per number of "
                "present modalities, fitted on held-out data. " + SUBNETS
            ),
            url="https://arxiv.org/abs/2306.02050",
        ),
        ModelSpec(
            name="mmin",
            title="MMIN",
            paper=(
                "Missing Modality Imagination Network for Emotion Recognition with Uncertain Missing "
                "Modalities"
            ),
            year=2021,
            kind="regression",
            model=MMIN,
            config={
                "width": 128,
                "blocks": 3,
                "hidden": [128, 64, 32],
                "dropout": 0.3,
                "imagination": 1.0,
                "cycle": 1.0,
                "subnets": SUBNET_SHAPE,
            },
            aligned=False,
            weights_kind=None,
            reconstructs=False,
            faithful=(
                "A regression head with L1 instead of a classifier; subnets and imagination are trained "
                "together, on embeddings of fixed scale with stopped gradient, instead of after a teacher; "
                "complete rows are trained on too; only what is hidden is compared with its truth; an absent "
                "embedding is zero, not that of zero inputs. It imagines embeddings, not states. An LSTM "
                "reads the text instead of a TextCNN. " + f"{CLAMPED} {SUBNETS}"
            ),
            url="https://aclanthology.org/2021.acl-long.203/",
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
