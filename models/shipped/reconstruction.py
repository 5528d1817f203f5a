"""Figures for what MFM imagines: beside the mean state, the nearest triple and the real modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from models.checkpoint import subset_name
from models.extractors.audio import BEYOND_WORDS
from models.extractors.readers import AROUSAL_READINGS, OWN_READINGS, PolarityReader, Read
from models.features.utterances import Utterance, collate
from models.fusion.alignment import Aligned, align
from models.fusion.mfm import MFM
from models.shipped.sources import Sources, Speech
from models.shipped.triples import TripleMaker
from models.training.metrics import correlation
from models.types import MODALITIES, Modality

PARTIAL = [subset for subset in Modality.subsets() if len(subset) < len(MODALITIES)]
NEUTRAL = {"label": 0.5, "valence": 0.3}  # of either sign, what counts as neutral: of a score, of a valence
BANK = 2000  # matched triples of training items among which the nearest is looked for

# One row an item: mean squared errors of the draws' mean, of a single draw, of the mean predictor and of the
# nearest item; readings of polarity of the imagined, the real and the nearest; label; arousal of the imagined
# and the real; standard deviation of the reading over draws; shares of the draws that the judge names bad,
# neutral and good, and what it names the real
ERRORS = ("error", "draw_error", "mean_error", "nearest_error")
COLUMNS = (
    *ERRORS,
    "imagined",
    "real",
    "nearest",
    "target",
    "arousal",
    "real_arousal",
    "spread",
    "bad",
    "neutral",
    "good",
    "named_real",
)
# {"text from audio+vision": (n, COLUMNS)}; parts of several models or folds are joined with `pooled`
Measured = dict[str, np.ndarray]


@dataclass(frozen=True)
class Judges:
    """What judges the imagined, trained without any fusion.

    readers, arousal : of polarity, and of arousal
    families : of voice and face, classifiers of mean states into negative (-1), neutral (0) and positive
    (1), trained on other people; bank : triples to find the nearest in, with what a voice adds in the label,
    as in training
    """

    readers: dict[Modality, PolarityReader]
    arousal: Mapping[Modality, Read]
    families: dict[Modality, Pipeline]
    bank: list[Utterance]


def judges(sources: Sources, speech: Speech) -> Judges:
    """Judges of the training's people, all others than those of `matched_triples` and of the clips."""
    rank = sources.text_arousal_rank
    maker = TripleMaker(speech.train, sources.faces, noise=1.0, unrelated=0.0, arousal_rank=rank)
    rng = np.random.default_rng(0)
    transcripts = [sources.text[i] for i in rng.choice(len(sources.text), BANK, replace=False)]
    faces = [(item.states[Modality.VISION], item.target) for item in sources.faces]
    return Judges(
        polarity_readers(sources, speech),
        {**AROUSAL_READINGS, Modality.TEXT: sources.text_arousal},
        {Modality.AUDIO: _fit_families(_voices(speech)), Modality.VISION: _fit_families(faces)},
        [maker.make(transcript, rng) for transcript in transcripts],
    )


def middle_voice(speech: Speech) -> list[float]:
    """Mean state (d,) of the training's voices, good, neutral and bad ones counting alike.

    Acted ones are mostly bad, and so is the middle of what is imagined after them: from here the performance
    of an imagined voice starts.
    """
    means, families = _means_and_families(_voices(speech))
    return np.mean([means[families == side].mean(0) for side in (-1, 0, 1)], axis=0).tolist()


def _voices(speech: Speech) -> list[tuple[Tensor, float]]:
    """States and valence of the training's voices, whose targets hold what they were said to add to words."""
    voices = [(item.states[Modality.AUDIO], item.target) for item in speech.train]
    return [(states, target - float(states[:, BEYOND_WORDS].mean())) for states, target in voices]


def _fit_families(items: list[tuple[Tensor, float]]) -> Pipeline:
    judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    return judge.fit(*_means_and_families(items))


def _means_and_families(items: list[tuple[Tensor, float]]) -> tuple[np.ndarray, np.ndarray]:
    means = np.stack([states.mean(0).numpy() for states, _ in items])
    return means, family(np.array([valence for _, valence in items]), NEUTRAL["valence"])


def family(scores: np.ndarray, neutral: float) -> np.ndarray:
    """-1, 0 or 1 of scores (n,): the sign of those that are further than `neutral` from 0."""
    return np.sign(scores) * (np.abs(scores) > neutral)


def fit_reader(read: Read, modality: Modality, items: list[Utterance]) -> PolarityReader:
    """The reader whose neutral point best parts real `items` with a target above 0 from those below."""
    readings = np.array([float(read(item.states[modality])) for item in items])
    return PolarityReader(read, _parting(readings, np.array([item.target for item in items])))


def _parting(readings: np.ndarray, targets: np.ndarray) -> float:
    """The point that best parts readings of targets above 0 from those below, either kind counting alike."""
    good, bad = np.sort(readings[targets > 0]), np.sort(readings[targets < 0])
    places = np.sort(np.concatenate([good, bad]))
    points = (places[1:] + places[:-1]) / 2
    right = np.searchsorted(bad, points) / len(bad) + 1 - np.searchsorted(good, points) / len(good)
    return float(points[right.argmax()])


def polarity_readers(sources: Sources, speech: Speech) -> dict[Modality, PolarityReader]:
    """The `local` profile's readers, trained without any fusion; only the neutral points are fitted here."""
    items = {Modality.TEXT: sources.text, Modality.AUDIO: speech.train, Modality.VISION: sources.faces}
    return {m: fit_reader(read, m, items[m]) for m, read in OWN_READINGS.items()}


def matched_triples(sources: Sources, speech: Speech, seed: int = 0) -> list[Utterance]:
    """Triples of items no fusion model trained on: transcripts, unheard actors, test faces.

    They match by the label of the words, which is theirs, and by arousal as it is read: what a voice adds to
    the words cannot be imagined from these.
    """
    maker = TripleMaker(
        speech.test,
        sources.test_faces,
        noise=0.0,
        unrelated=0.0,
        partners=15,
        arousal_rank=sources.text_arousal_rank,
    )
    rng = np.random.default_rng(seed)
    return [replace(maker.make(words, rng), target=words.target) for words in sources.text_validation]


@torch.inference_mode()
def measure_reconstruction(
    model: MFM,
    items: list[Utterance],
    dims: dict[Modality, int],
    judges: Judges,
    neutral: Mapping[str, float] | None = None,
    batch: int = 64,
) -> Measured:
    """What the model imagines of each modality from every part of the others, item by item.

    items : utterances the model did not train on; those without the modality, or without a part of what it
    should be imagined from, are left out of that figure
    Errors are mean squares of standardised states over the steps; the mean predictor says 0, the training
    mean, and the nearest item is that of `judges` whose given modalities have the nearest mean states: its
    own mean state is compared. Readings are less the neutral point; those of the imagined also less
    `neutral`, see `imagined_neutral`. Only the number of steps is taken from
    the whole utterance.
    """
    model.eval()
    bank = _mean_states(model, judges.bank, dims, batch)
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(items), batch):
        features, target = collate(items[start : start + batch], dims)
        aligned = align(model.normalised(features.to(next(model.parameters()).device)), model.steps)
        for given in PARTIAL:
            kept = torch.tensor([m in given for m in MODALITIES], device=aligned.present.device)
            kept = kept.expand(len(target), 3)
            draws = model.imagine(aligned, kept)
            for i, modality in enumerate(MODALITIES):
                usable = (aligned.present[:, i] & (aligned.present | ~kept).all(1)).cpu()
                if modality in given or not usable.any():
                    continue
                nearest = bank[modality][_nearest(aligned, given, bank)]
                rows = _judged(model, modality, aligned, draws[modality], nearest, target, judges)
                key = f"{modality} from {subset_name(given)}"
                rows[:, COLUMNS.index("imagined")] -= (neutral or {}).get(key, 0.0)
                parts.setdefault(key, []).append(rows[usable].double().numpy())
    return {key: np.concatenate(rows) for key, rows in parts.items()}


def imagined_neutral(
    model: MFM, dims: dict[Modality, int], judges: Judges, items: int = 500
) -> dict[str, float]:
    """{"text from audio": point that best parts what is imagined of good and of bad `items` of the bank}.

    What a model imagines leans to the side that most of its training was on.
    """
    measured = measure_reconstruction(model, judges.bank[:items], dims, judges)
    columns = COLUMNS.index("imagined"), COLUMNS.index("target")
    return {key: _parting(*(rows[:, column] for column in columns)) for key, rows in measured.items()}


def usual_arousal(clips: list[Utterance]) -> dict[Modality, tuple[float, float]]:
    """Mean and standard deviation of the arousal that is read in the clips' voices and in their faces."""
    usual = {}
    for m, read in AROUSAL_READINGS.items():
        read_in = np.array([float(read(clip.states[m])) for clip in clips if m in clip.states])
        usual[m] = float(read_in.mean()), float(read_in.std())
    return usual


@torch.inference_mode()
def imagined_middle(
    model: MFM, dims: dict[Modality, int], judges: Judges, items: int = 500
) -> dict[str, list[float]]:
    """{"audio": …, "vision": raw state (d,)}, half way from what it imagines of bad words to that of good.

    What is farther from there is exaggerated.
    """
    features, target = collate(judges.bank[:items], dims)
    aligned = align(model.normalised(features), model.steps)
    kept = torch.tensor([m is Modality.TEXT for m in MODALITIES]).expand(len(target), 3)
    drawn, mask = model.imagine(aligned, kept), aligned.mask()
    middles = {}
    for m in (Modality.AUDIO, Modality.VISION):
        means = _masked_mean(model.raw(m, drawn[m].mean(0)), mask)
        middles[str(m)] = ((means[target > 0].mean(0) + means[target < 0].mean(0)) / 2).tolist()
    return middles


def _judged(
    model: MFM,
    modality: Modality,
    aligned: Aligned,
    drawn: Tensor,
    nearest: Tensor,
    target: Tensor,
    judges: Judges,
) -> Tensor:
    """COLUMNS (B, 15) of draws (DRAWS, B, S, d) and of the nearest item's mean state (B, d), standardised."""
    truth, observed, mask = aligned.states[modality], aligned.observed[modality], aligned.mask()
    read, arousal = judges.readers[modality], judges.arousal.get(modality)
    raw, real = model.raw(modality, drawn), model.raw(modality, truth)
    readings = torch.stack([_read(read, draw, mask) for draw in raw])
    named = [_named(judges, modality, draw, mask) for draw in raw]
    mean = raw.mean(0)
    nothing = torch.full_like(target, torch.nan)
    return torch.stack(
        [
            column.cpu()
            for column in (
                _error(drawn.mean(0), truth, observed),
                torch.stack([_error(draw, truth, observed) for draw in drawn]).mean(0),
                _error(torch.zeros_like(truth), truth, observed),
                _error(nearest[:, None].expand_as(truth), truth, observed),
                readings.mean(0),
                _read(read, real, observed),
                read(model.raw(modality, nearest)[:, None]),
                target,
                nothing if arousal is None else _read(arousal, mean, mask),
                nothing if arousal is None else _read(arousal, real, observed),
                readings.std(0),
                *(torch.stack([name == side for name in named]).float().mean(0) for side in (-1, 0, 1)),
                _named(judges, modality, real, observed),
            )
        ],
        dim=1,
    )


def _mean_states(
    model: MFM, items: list[Utterance], dims: dict[Modality, int], batch: int
) -> dict[Modality, Tensor]:
    """Standardised states (n, d) of whole items, each the mean over its steps."""
    means: dict[Modality, list[Tensor]] = {m: [] for m in MODALITIES}
    for start in range(0, len(items), batch):
        features = collate(items[start : start + batch], dims)[0].to(next(model.parameters()).device)
        aligned = align(model.normalised(features), model.steps)
        for m in MODALITIES:
            means[m].append(_masked_mean(aligned.states[m], aligned.observed[m]))
    return {m: torch.cat(parts) for m, parts in means.items()}


def _nearest(aligned: Aligned, given: tuple[Modality, ...], bank: dict[Modality, Tensor]) -> Tensor:
    """(B,) the row of the bank whose given modalities are nearest, each of them counting alike."""
    own = [
        _masked_mean(aligned.states[m], aligned.observed[m]) / aligned.states[m].shape[2] ** 0.5
        for m in given
    ]
    others = [bank[m] / bank[m].shape[1] ** 0.5 for m in given]
    return torch.cdist(torch.cat(own, 1), torch.cat(others, 1)).argmin(1)


def _named(judges: Judges, modality: Modality, states: Tensor, mask: Tensor) -> Tensor:
    """Family (B,) of the masked steps of raw states (B, S, d); NaN for words, which have no such judge."""
    if modality not in judges.families:
        return torch.full((len(states),), torch.nan)
    means = _masked_mean(states, mask).cpu().numpy()
    return torch.from_numpy(judges.families[modality].predict(means)).float()


def pooled(parts: list[Measured]) -> Measured:
    """The items of several measurements, of the folds of a cross-validation, together."""
    keys = dict.fromkeys(key for part in parts for key in part)
    return {key: np.concatenate([part[key] for part in parts if key in part]) for key in keys}


def reconstruction_figures(measured: Measured) -> dict[str, dict[str, float]]:
    """Per modality and what it was imagined from: error, semantic agreement and variety.

    ERRORS : see COLUMNS; `gain` is 1 - error / mean_error.
    `agreement`: share of the `polar` items, those with a label other than 0, whose imagined modality, read
    by that modality's own classifier, has the label's polarity; `chance` is what the same readings would
    reach if they were dealt out at random; `real` and `nearest` are the agreement of the real modality and
    of the nearest item's; `agreement_real` is that of the imagined with the real one. `corr` is Pearson's r
    of the imagined reading with the label over all items, `real_corr` that of the real one; `arousal_corr`
    is that of the imagined arousal with the real one. `variety` is the standard deviation of the reading
    over draws beside that of the real ones over items. `named` is the share of draws whose family, as the
    judge names it, is the label's, `named_chance` what the same names dealt out at random would reach,
    `named_real` that of the real one. What a modality lacks is left out.
    """
    figures = {}
    for key, rows in measured.items():
        column = dict(zip(COLUMNS, rows.T, strict=True))
        signed = column["target"] != 0
        positive = column["target"][signed] > 0
        says, truly, nearest = (column[name][signed] > 0 for name in ("imagined", "real", "nearest"))
        share, wanted = says.mean(), positive.mean()
        errors = {name: float(column[name].mean()) for name in ERRORS}
        figures[key] = {
            "items": len(rows),
            "polar": int(signed.sum()),
            **errors,
            "gain": 1 - errors["error"] / errors["mean_error"],
            "agreement": float((says == positive).mean()),
            "chance": float(share * wanted + (1 - share) * (1 - wanted)),
            "real": float((truly == positive).mean()),
            "nearest": float((nearest == positive).mean()),
            "agreement_real": float((says == truly).mean()),
            "corr": correlation(column["imagined"], column["target"]),
            "real_corr": correlation(column["real"], column["target"]),
            "variety": float(column["spread"].mean() / max(column["real"].std(), 1e-9)),
        }
        if not np.isnan(column["arousal"]).any():
            figures[key]["arousal_corr"] = correlation(column["arousal"], column["real_arousal"])
        if not np.isnan(column["named_real"]).any():
            true = family(column["target"], NEUTRAL["label"])
            named = {-1: column["bad"], 0: column["neutral"], 1: column["good"]}
            figures[key] |= {
                "named": float(sum((share * (true == side)).mean() for side, share in named.items())),
                "named_chance": float(
                    sum(share.mean() * (true == side).mean() for side, share in named.items())
                ),
                "named_real": float((column["named_real"] == true).mean()),
            }
    return figures


def _error(made: Tensor, truth: Tensor, observed: Tensor) -> Tensor:
    """Mean squared error (B,) of states (B, S, d) over the steps observed (B, S)."""
    return ((made - truth).square().mean(2) * observed).sum(1) / observed.sum(1).clamp_min(1)


def _masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Mean (B, d) of states (B, S, d) where mask (B, S)."""
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp_min(1)


def _read(read: Read, states: Tensor, mask: Tensor) -> Tensor:
    """Reading (B,), linear in the states, of the masked steps of states (B, S, d); 0 where there is none."""
    return torch.where(mask.any(1).cpu(), read(_masked_mean(states, mask)[:, None]).cpu(), 0.0)
