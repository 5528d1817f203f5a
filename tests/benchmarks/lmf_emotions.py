"""LMF's other task, emotions: RAVDESS's eight by words and voice of actors never heard, by rank.

    python tests/benchmarks/lmf_emotions.py [--seeds 5]

The paper asks whether an utterance of IEMOCAP has an emotion, one network for each. RAVDESS's have exactly
one, so one network answers with eight logits: the weight tensor has a fourth axis (Liu et al., ACL 2018,
section 3.1), its factors a slice for each emotion. TFN and concat fusion with eight outputs stand beside it,
around the same subnets. All read the sentence, of which there are two, each said in every emotion: the rank
is tested here, not what words add. Of the voice they read mean and deviation over time of every layer of
Whisper's encoder.

Four folds by actor, whose answers are measured together; each training is at its best epoch on two more
actors. Finished runs are lines of --out and are not repeated.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.extractors.audio import RAVDESS_EMOTIONS, statistics  # noqa: E402
from models.extractors.local_profile import LocalProfile  # noqa: E402
from models.features.utterances import Utterance, collate  # noqa: E402
from models.fusion.base import FusionModel  # noqa: E402
from models.fusion.concat import ConcatConfig, ConcatFusion  # noqa: E402
from models.fusion.layers import SubNetsConfig, with_one  # noqa: E402
from models.fusion.lmf import LMF, LMFConfig  # noqa: E402
from models.fusion.tfn import TFN, TFNConfig  # noqa: E402
from models.shipped import voice_head  # noqa: E402
from models.shipped.sources import heard_speech  # noqa: E402
from models.tensors import CHECKPOINTS  # noqa: E402
from models.training.fitting import ResearchRecipe  # noqa: E402
from models.training.loop import TrainingLoop  # noqa: E402
from models.training.metrics import spread  # noqa: E402
from models.training.prediction import predict  # noqa: E402
from models.training.runs import TrainingRun  # noqa: E402
from models.training.tables import markdown_table  # noqa: E402
from models.types import MODALITIES, Features, Modality, Prediction  # noqa: E402
from tests.benchmarks.fusion_speed import RANKS  # noqa: E402
from tests.benchmarks.results import Results, keep_latest, options_of_runs  # noqa: E402

EMOTIONS = len(RAVDESS_EMOTIONS)
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.1
SUBNETS = SubNetsConfig(text_out=16, audio=32, vision=1, nonverbal_dropout=0.3)


class Classifier(FusionModel):
    """A method that answers with the number of an emotion; targets are such numbers too."""

    def logits(self, features: Features) -> Tensor:
        """(B, 8), of the emotions."""
        raise NotImplementedError

    def forward(self, features: Features) -> Prediction:
        """The likeliest emotion as the "score"."""
        return Prediction(self.logits(features).argmax(1).float())

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """Cross entropy."""
        return {"ce": F.cross_entropy(self.logits(features), target.long())}


class EmotionLMF(Classifier, LMF):
    """LMF with eight outputs: factors (8, rank, width + 1)."""

    def __init__(self, dims: dict[Modality, int], config: LMFConfig):
        super().__init__(dims, config)
        slices = [LMF(dims, config).factors for _ in RAVDESS_EMOTIONS]
        for name in list(self.factors):
            self.factors[name] = nn.Parameter(torch.stack([one[name].detach() for one in slices]))
        self.bias = nn.Parameter(torch.zeros(EMOTIONS))

    def logits(self, features: Features) -> Tensor:
        """The rank's terms, added up for each emotion."""
        embeddings = self.subnets(self.normalised(features))
        product = torch.ones((), device=self.bias.device)
        for modality in MODALITIES:
            factor = self.factors[modality]
            product = product * torch.einsum("bw,erw->ber", with_one(embeddings[modality]), factor)
        return product @ self.rank_weights + self.bias


class EmotionTFN(Classifier, TFN):
    """TFN with eight outputs."""

    def __init__(self, dims: dict[Modality, int], config: TFNConfig):
        super().__init__(dims, config)
        self.last = nn.Linear(config.post_fusion, EMOTIONS)

    def logits(self, features: Features) -> Tensor:
        """Of the last layer, unbounded."""
        hidden = self.first(self.dropout(self.cube(features).flatten(1))).relu()
        return self.last(self.second(hidden).relu())


class EmotionConcat(Classifier, ConcatFusion):
    """Concat fusion with eight outputs."""

    def __init__(self, dims: dict[Modality, int], config: ConcatConfig):
        super().__init__(dims, config)
        self.head[-1] = nn.Linear(config.post_fusion, EMOTIONS)

    def logits(self, features: Features) -> Tensor:
        """Of the head."""
        embeddings = self.subnets(self.normalised(features))
        return self.head(torch.cat([embeddings[m] for m in MODALITIES], dim=1))


Contender = tuple[type[Classifier], LMFConfig | TFNConfig | ConcatConfig]
CONTENDERS: dict[str, Contender] = {
    **{f"LMF, rank {rank}": (EmotionLMF, LMFConfig(rank=rank, subnets=SUBNETS)) for rank in RANKS},
    "TFN": (EmotionTFN, TFNConfig(subnets=SUBNETS)),
    "Concat fusion": (EmotionConcat, ConcatConfig(subnets=SUBNETS)),
}


def load_speech(data: Path, states: Path) -> list[Utterance]:
    """RAVDESS's utterances in the order of the manifest, the target the number of the emotion.

    states : folder that keeps what Whisper heard
    """
    manifest = pd.read_csv(data / "speech" / "manifest.csv")
    profile = LocalProfile.load(root=CHECKPOINTS)
    sentences = sorted(set(manifest["text"]))
    words = dict(zip(sentences, profile.embed_text(sentences), strict=True))
    voices = heard_speech(data, states)
    columns = (manifest[name] for name in ("text", "emotion", "speaker"))
    return [
        Utterance(
            {Modality.TEXT: words[text], Modality.AUDIO: statistics(encoded.float())[None]},
            RAVDESS_EMOTIONS.index(emotion),
            "speech",
            speaker,
        )
        for text, emotion, speaker, (encoded, _) in zip(*columns, voices, strict=True)
    ]


def fitted(
    contender: Contender, train: list[Utterance], valid: list[Utterance], seed: int, recipe: ResearchRecipe
) -> Classifier:
    """Trained, at its best epoch on `valid`, in eval mode."""
    torch.manual_seed(seed)
    kind, config = contender
    dims = {m: states.shape[1] for m, states in train[0].states.items()}
    model = kind({**dims, Modality.VISION: 1}, config)
    model.set_normalisation(collate(train, model.dims)[0])
    generator = torch.Generator().manual_seed(seed)
    groups = model.parameter_groups(LEARNING_RATE)
    loop = TrainingLoop(model, groups, WEIGHT_DECAY, recipe.epochs, recipe.batch, 0.0, generator)
    state = TrainingRun(model, loop.optimizer, generator, identity={"method": "emotions"})
    while state.epoch < recipe.epochs and state.stale < recipe.patience:
        loss = loop.epoch(state.epoch, train)
        state.record(loss, 1 - accuracy_score(*answers(model, valid)))
    state.load_best()
    return model.eval()


def answers(model: Classifier, items: list[Utterance]) -> tuple[np.ndarray, np.ndarray]:
    """(n,) the numbers of the true emotions, and of those that the model gives."""
    model.eval()
    true = np.array([item.target for item in items])
    return true, predict(model, items, model.dims, MODALITIES)


def run(contender: Contender, load: Callable[[], list[Utterance]], seed: int, recipe: ResearchRecipe) -> dict:
    """One line of the results: share of right answers, F1 of each emotion and their mean, over all folds."""
    items, start, told = load(), time.perf_counter(), []
    folds = voice_head.speech_folds([item.group for item in items])
    for fold in range(voice_head.FOLDS):
        rest = [item for item, own in zip(items, folds, strict=True) if own != fold]
        actors = sorted({item.group for item in rest})
        chosen = set(np.random.default_rng(fold).choice(actors, 2, replace=False))
        train, valid = ([i for i in rest if (i.group in chosen) is kept] for kept in (False, True))
        model = fitted(contender, train, valid, seed, recipe)
        test = [item for item, own in zip(items, folds, strict=True) if own == fold]
        told.append(answers(model, test))
    true, given = (np.concatenate(part) for part in zip(*told, strict=True))
    by_emotion = f1_score(true, given, average=None)
    figures = {
        "accuracy": accuracy_score(true, given),
        "F1": float(by_emotion.mean()),
        **dict(zip(RAVDESS_EMOTIONS, by_emotion.tolist(), strict=True)),
    }
    sizes = {"fusion": model.sizes()["fusion"]}
    return {"seconds": round(time.perf_counter() - start, 1), "sizes": sizes, "figures": figures}


def main() -> None:
    recipe = ResearchRecipe()
    parser = options_of_runs(__doc__, "lmf_emotions.jsonl", seeds=5, epochs=recipe.epochs)
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe, results = replace(recipe, epochs=options.epochs), Results(options.out)
    load = cache(partial(load_speech, options.data, options.cache))
    found, rows = {}, []
    for title, contender in CONTENDERS.items():
        lines = []
        for seed in range(options.seeds):
            key = {"contender": title, "config": asdict(contender[1]), "seed": seed, "recipe": asdict(recipe)}
            job = partial(run, contender, load, seed, recipe)
            lines += [results.line(key, f"{title}, seed {seed}", job, train=True)]
        found[title] = {**lines[0]["sizes"], **spread([line["figures"] for line in lines])}
        measured = {name: value for name, value in found[title].items() if name != "fusion"}
        cells = [f"{100 * mean:.1f} ± {100 * std:.1f}" for mean, std in measured.values()]
        rows.append([title, f"{found[title]['fusion']:,}", *cells])
    heads = [f"{options.seeds} seeds, %", "fusion parameters", *measured]
    print(markdown_table(heads, rows))
    keep_latest(found)


if __name__ == "__main__":
    main()
