"""What the papers ask of their own methods, answered on CMU-MOSI's segments aligned word by word.

    python tests/benchmarks/paper_questions.py [--studies all] [--seeds 5] [--show]

mfm         is each part needed (the ablation of Tsai et al., ICLR 2019)
mla_missing MLA beside late fusion, MMIN and QMF as modalities go missing in training and test (Q2 of Zhang
            et al., CVPR 2024): each modality of each utterance is missing with that probability, one stays
mla_gap     how far apart the modalities lie where the head reads them, and what each says alone as words go
            missing in training (Q4)
mclea, meaformer  what each term brings (Lin et al., COLING 2022; Chen et al., ACM MM 2023)
tate        its score and the tag that it gives back, for each pattern of what is missing (Zeng et al., SIGIR
            2022)

Five folds by video, whose held-out scores are measured together; every training ends at its best epoch on
validation videos. Sizes and learning rates are the methods' own. Finished runs are lines of --out and are not
repeated.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.checkpoint import subset_name  # noqa: E402
from models.config import Config  # noqa: E402
from models.features.feature_set import SPLITS, FeatureSet  # noqa: E402
from models.features.utterances import Utterance, collate  # noqa: E402
from models.fusion.base import FusionModel  # noqa: E402
from models.fusion.layers import SubNetShape  # noqa: E402
from models.fusion.mclea import MCLEA  # noqa: E402
from models.fusion.meaformer import MEAformer  # noqa: E402
from models.fusion.mfm import LABEL, MFM, Latents, MFMConfig  # noqa: E402
from models.fusion.mla import MLA, MLAConfig  # noqa: E402
from models.fusion.tate import tag_of  # noqa: E402
from models.registry import FUSION_MODELS, spec  # noqa: E402
from models.training.fitting import ResearchRecipe, fit  # noqa: E402
from models.training.metrics import sentiment_metrics, spread  # noqa: E402
from models.training.prediction import predict  # noqa: E402
from models.training.tables import figures_table, markdown_table  # noqa: E402
from models.types import MODALITIES, Features, Modality, Prediction  # noqa: E402
from tests.benchmarks.mla_ablation import FreeMLA  # noqa: E402
from tests.benchmarks.mosi import SET_NAMES, load_set  # noqa: E402
from tests.benchmarks.results import Results, options_of_runs  # noqa: E402

METRICS = ("mae", "corr", "acc7", "acc2_non0", "f1_non0")
MASK_RATES = (0.0, 0.3, 0.5, 0.7)
WORDLESS_RATES = (0.0, 0.7)

# a reading gives, of a model and its test items, {row: (n,) scores, or {name: a figure of this fold}}
Reading = Callable[[FusionModel, list[Utterance]], dict]


class WithoutPrivate(MFM):
    """MFM without modality-specific factors: everything is generated from F_y alone."""

    def _factor(self, name: str, latent: Tensor) -> Tensor:
        factor = super()._factor(name, latent)
        return factor if name == LABEL else torch.zeros_like(factor)


class OnlyDiscriminative(MFM):
    """MFM without generation and its regulariser: the losses of the score."""

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """L1 of the score, and of the score with a part hidden."""
        losses = super().loss(features, target)
        return {name: losses[name] for name in ("l1", "l1_hidden", "latents") if name in losses}


class OnlyGenerative(MFM):
    """MFM whose latents learn nothing from the score: its head reads what generation needs."""

    def _score(self, factors: Latents) -> Tensor:
        return super()._score({LABEL: factors[LABEL].detach()})


class EqualMCLEA(MCLEA):
    """MCLEA whose modalities weigh alike."""

    def __init__(self, dims: dict[Modality, int], config):
        super().__init__(dims, config)
        self.weight_logits.requires_grad_(False)


class WithoutICL(MCLEA):
    """MCLEA without the intra-modal contrast."""

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """L1 and IAL."""
        return {name: loss for name, loss in super().loss(features, target).items() if "icl" not in name}


class EqualMEAformer(MEAformer):
    """MEAformer whose modalities weigh alike, whatever they attend to."""

    def _hybrid(self, features: Features):
        early, late, _, attention = super()._hybrid(features)
        present = features.present().float()
        return early, late, present / present.sum(1, keepdim=True).clamp_min(1), attention


class EarlyMEAformer(MEAformer):
    """MEAformer that reads the tokens before they attend to each other."""

    read, losses = "early_score", ("l1_early", "icl_joint", "icl_early")

    def forward(self, features: Features) -> Prediction:
        """The score of one of the two heads."""
        prediction = super().forward(features)
        return Prediction(prediction.traces[self.read], weights=prediction.weights)

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """The losses of what is read."""
        losses = super().loss(features, target)
        return {name: losses[name] for name in self.losses}


class LateMEAformer(EarlyMEAformer):
    """MEAformer that reads the tokens after they attended to each other."""

    read, losses = "late_score", ("l1_late", "icl_late")


def scores_of(*subsets: tuple[Modality, ...]) -> Reading:
    """A reading of the scores with only some modalities switched on."""

    def read(model: FusionModel, items: list[Utterance]) -> dict:
        return {subset_name(subset): predict(model, items, model.dims, subset) for subset in subsets}

    return read


EVERYTHING = scores_of(MODALITIES)


@torch.inference_mode()
def tags(model: FusionModel, items: list[Utterance]) -> dict:
    """TATE's scores by what is there, and in how many of the utterances the whole tag is given back."""
    rows = {}
    for subset in Modality.subsets():
        features = collate(items, model.dims)[0].only(subset)
        found = model(features).traces["tag_recovered"].round() == tag_of(features.present())
        rows[subset_name(subset)] = predict(model, items, model.dims, subset)
        rows[f"tag, {subset_name(subset)}"] = {"recovered": float(found.all(1).float().mean())}
    return rows


@torch.inference_mode()
def gaps(model: FusionModel, items: list[Utterance]) -> dict:
    """Scores of each modality alone and of all, and how far apart two modalities lie where a head reads them.

    The gap is the distance of the modalities' mean embeddings, each of norm 1 (Liang et al., Mind the Gap,
    NeurIPS 2022).
    """
    means = {m: h.mean(0) for m, h in embeddings(model, items).items()}
    found = {f"{a} to {b}": float((means[a] - means[b]).norm()) for a, b in combinations(MODALITIES, 2)}
    return {**scores_of(MODALITIES, *((m,) for m in MODALITIES))(model, items), "gap": found}


def embeddings(model: FusionModel, items: list[Utterance]) -> dict[Modality, Tensor]:
    """(n, d) of norm 1 of each modality, as the head of MLA or of concat fusion reads them."""
    features = collate(items, model.dims)[0]
    found = model._embed(features) if isinstance(model, MLA) else model.subnets(model.normalised(features))
    return {m: F.normalize(h, dim=1) for m, h in found.items()}


@dataclass(frozen=True)
class Variant:
    """A method, maybe another class or other settings of it, trained on data that may lack something."""

    method: str
    model: type[FusionModel] | None = None
    changes: dict = field(default_factory=dict)  # of the settings
    missing: dict[Modality, float] = field(default_factory=dict)  # probability of each in training
    missing_in_test: bool = False  # with the same probabilities

    def config(self) -> Config:
        """The method's settings on features, with the changes."""
        return replace(spec(self.method).features_config, **self.changes)


@dataclass(frozen=True)
class Study:
    """Variants by the title of their row, and what is read of each."""

    question: str
    variants: dict[str, Variant]
    reading: Reading = EVERYTHING


def one_latent() -> dict:
    """MFM's settings with Z_y and F_y as wide as all latents and factors together."""
    config = spec("mfm").features_config
    assert isinstance(config, MFMConfig)
    widths = {name: getattr(config, name) for name in ("latents", "factors")}
    return {name: replace(own, label=sum(asdict(own).values())) for name, own in widths.items()}


def everywhere(rate: float) -> dict[Modality, float]:
    """The same probability for each modality."""
    return dict.fromkeys(MODALITIES, rate)


STUDIES = {
    "mfm": Study(
        "MFM: is each part needed?",
        {
            "MFM": Variant("mfm"),
            "no factorisation": Variant("mfm", WithoutPrivate, one_latent()),
            "only discriminative": Variant("mfm", OnlyDiscriminative),
            "only generative": Variant("mfm", OnlyGenerative),
            "without modality-specific factors": Variant("mfm", WithoutPrivate),
        },
        scores_of(MODALITIES, (Modality.AUDIO, Modality.VISION)),
    ),
    "mclea": Study(
        "MCLEA: what does each term bring?",
        {
            "MCLEA": Variant("mclea"),
            "without ICL": Variant("mclea", WithoutICL),
            "without IAL": Variant("mclea", changes={"alignment": 0.0}),
            "without both": Variant("mclea", changes={"contrast": 0.0}),
            "equal weights": Variant("mclea", EqualMCLEA),
        },
    ),
    "meaformer": Study(
        "MEAformer: what does each part bring?",
        {
            "MEAformer": Variant("meaformer"),
            "without contrast": Variant("meaformer", changes={"contrast": 0.0}),
            "early fusion alone": Variant("meaformer", EarlyMEAformer),
            "late fusion alone": Variant("meaformer", LateMEAformer),
            "equal weights": Variant("meaformer", EqualMEAformer),
        },
    ),
    "mla_missing": Study(
        "MLA's Q2: modalities missing in training and test",
        {
            f"{spec(name).title}, {rate:g} missing": Variant(
                name, missing=everywhere(rate), missing_in_test=True
            )
            for name in ("mla", "late", "mmin", "qmf")
            for rate in MASK_RATES
        },
    ),
    "mla_gap": Study(
        "MLA's Q4: the gap between modalities",
        {
            f"{title}, words missing in {rate:g} of the training": Variant(
                name, model, changes, {Modality.TEXT: rate}
            )
            for title, name, model, changes in (
                ("MLA", "mla", None, {}),
                ("MLA without projection", "mla", FreeMLA, {}),
                ("concat", "concat", None, {"subnets": SubNetShape().of_width(MLAConfig().width)}),
            )
            for rate in WORDLESS_RATES
        },
        gaps,
    ),
    "tate": Study("TATE: the tag, by what is there", {"TATE": Variant("tate")}, tags),
}


def without(items: list[Utterance], missing: dict[Modality, float], seed: int) -> list[Utterance]:
    """The utterances, each modality gone with its probability; one that it had always stays."""
    rng, left = np.random.default_rng(seed), []
    for item in items:
        drawn = {m: rng.random() for m in item.states}
        kept = [m for m, number in drawn.items() if number >= missing.get(m, 0.0)]
        kept = kept or [max(drawn, key=drawn.__getitem__)]
        left.append(replace(item, states={m: item.states[m] for m in kept}))
    return left


def trained(
    variant: Variant, dataset: FeatureSet, seed: int, recipe: ResearchRecipe
) -> tuple[FusionModel, FeatureSet]:
    """A variant trained on a fold, and the fold less what the variant lacks."""
    method = spec(variant.method)
    splits = SPLITS if variant.missing_in_test else ("train", "valid")
    lacking = replace(dataset, **{s: without(dataset[s], variant.missing, seed) for s in splits})
    # a name of its own in the registry, as long as it is trained
    FUSION_MODELS["variant"] = replace(method, name="variant", model=variant.model or method.model)
    try:
        return fit("variant", lacking, seed, recipe, config=variant.config()), lacking
    finally:
        del FUSION_MODELS["variant"]


def run(study: Study, variant: Variant, folds: list[FeatureSet], seed: int, recipe: ResearchRecipe) -> dict:
    """One line of the results: {row: figures} of the held-out scores of all folds."""
    start, found, true = time.perf_counter(), {}, []
    for dataset in folds:
        model, lacking = trained(variant, dataset, seed, recipe)
        for row, part in study.reading(model, lacking.test).items():
            found.setdefault(row, []).append(part)
        true += [item.target for item in dataset.test]
    figures = {}
    for row, parts in found.items():
        if isinstance(parts[0], dict):
            figures[row] = {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}
        else:
            metrics = sentiment_metrics(np.concatenate(parts), np.array(true))
            figures[row] = {metric: metrics[metric] for metric in METRICS}
    return {"seconds": round(time.perf_counter() - start, 1), "figures": figures}


def tables(study: Study, runs: dict[str, list[dict]]) -> str:
    """Markdown: a table a reading, a row a variant; of a single variant the readings are the rows."""
    seeds = min(map(len, runs.values()))
    found = {title: [line["figures"] for line in lines[:seeds]] for title, lines in runs.items()}
    title, figures = next(iter(found.items()))
    readings = {reading: METRICS[0] in part for reading, part in figures[0].items()}
    if len(found) == 1:
        kinds = [[r for r, measured in readings.items() if measured is kind] for kind in (True, False)]
        by_corner = [(title, {r: spread([run[r] for run in figures]) for r in kind}) for kind in kinds]
    else:
        by_corner = [
            (reading, {name: spread([run[reading] for run in each]) for name, each in found.items()})
            for reading in readings
        ]
    made = [_table(f"{corner} ({seeds} seeds)", rows) for corner, rows in by_corner]
    return "\n\n".join([f"## {study.question}", *made])


def _table(corner: str, rows: dict[str, dict[str, list[float]]]) -> str:
    names = list(next(iter(rows.values())))
    if METRICS[0] in names:
        return figures_table(corner, rows)
    cells = [
        [title, *(f"{mean:.3f} ± {std:.3f}" for mean, std in row.values())] for title, row in rows.items()
    ]
    return markdown_table([corner, *names], cells)


def main() -> None:
    recipe = ResearchRecipe()
    parser = options_of_runs(__doc__, "paper_questions.jsonl", seeds=5, epochs=recipe.epochs)
    parser.add_argument("--studies", default="all", help=f"of {', '.join(STUDIES)}")
    parser.add_argument("--set", choices=SET_NAMES, default="aligned")
    parser.add_argument("--show", action="store_true", help="print the tables, train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe, results = replace(recipe, epochs=options.epochs), Results(options.out)
    folds = [] if options.show else load_set(options.set, options.data, options.cache)
    for name in STUDIES if options.studies == "all" else options.studies.split(","):
        study, runs = STUDIES[name], {}
        for seed in range(options.seeds):
            for title, variant in study.variants.items():
                settings = {"config": asdict(variant.config()), "recipe": asdict(recipe)}
                key = {"set": options.set, "study": name, "variant": title, "seed": seed, **settings}
                job = partial(run, study, variant, folds, seed, recipe)
                line = results.line(key, f"{name}, {title}, seed {seed}", job, train=not options.show)
                if line is not None:
                    runs.setdefault(title, []).append(line)
        if runs:
            print(tables(study, runs) + "\n")


if __name__ == "__main__":
    main()
