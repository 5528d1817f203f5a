"""Figures for what MFM imagines: error against the mean state, and whether it says what the label says."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.checkpoint import subset_name
from models.extractors.readers import OWN_READINGS, PolarityReader, Read
from models.features.utterances import Utterance, collate
from models.fusion.alignment import align
from models.fusion.mfm import MFM
from models.shipped.sources import Sources, Speech
from models.shipped.triples import TripleMaker
from models.training.metrics import correlation
from models.types import MODALITIES, Modality

PARTIAL = [subset for subset in Modality.subsets() if len(subset) < len(MODALITIES)]

# {"text from audio+vision": (n, 5)}, columns: error, error of the mean predictor, readings of the imagined
# and of the real modality, label; parts of several models or folds are joined with `pooled`
Measured = dict[str, np.ndarray]


def fit_reader(read: Read, modality: Modality, items: list[Utterance]) -> PolarityReader:
    """The reader whose neutral point is that of real `items` with a target other than 0."""
    readings = np.array([float(read(item.states[modality])) for item in items])
    targets = np.array([item.target for item in items])
    return PolarityReader(read, float((readings[targets > 0].mean() + readings[targets < 0].mean()) / 2))


def polarity_readers(sources: Sources, speech: Speech) -> dict[Modality, PolarityReader]:
    """The `local` profile's readers, trained without any fusion; only the neutral points are fitted here."""
    items = {Modality.TEXT: sources.text, Modality.AUDIO: speech.train, Modality.VISION: sources.faces}
    return {m: fit_reader(read, m, items[m]) for m, read in OWN_READINGS.items()}


def matched_triples(sources: Sources, speech: Speech, seed: int = 0) -> list[Utterance]:
    """Label-matched triples of items no fusion model trained on: transcripts, unheard actors, test faces."""
    maker = TripleMaker(speech.test, sources.test_faces, noise=0.0, unrelated=0.0, partners=15)
    rng = np.random.default_rng(seed)
    return [maker.make(transcript, rng) for transcript in sources.text_validation]


@torch.inference_mode()
def measure_reconstruction(
    model: MFM,
    items: list[Utterance],
    dims: dict[Modality, int],
    readers: dict[Modality, PolarityReader],
    batch: int = 64,
) -> Measured:
    """What the model imagines of each modality from every part of the others, item by item.

    items : utterances the model did not train on; those without the modality, or without a part of what it
    should be imagined from, are left out of that figure
    Errors are mean squares of standardised states over the steps; the mean predictor says 0, the training
    mean. Readings are less the neutral point. Only the number of steps is taken from the whole utterance.
    """
    model.eval()
    device = next(model.parameters()).device
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(items), batch):
        features, target = collate(items[start : start + batch], dims)
        features = features.to(device)
        standard = model.normalised(features)
        aligned = align(standard, model.steps)
        for given in PARTIAL:
            kept = torch.tensor([m in given for m in MODALITIES], device=device).expand(len(features), 3)
            generated = model.imagine(aligned, kept)
            for i, modality in enumerate(MODALITIES):
                usable = aligned.present[:, i] & (aligned.present | ~kept).all(1)
                if modality in given or not usable.any():
                    continue
                truth, observed = aligned.states[modality], aligned.observed[modality]
                mask, reader = aligned.mask(), readers[modality]
                columns = [
                    _mean_over((generated[modality] - truth).square().mean(2), observed),
                    _mean_over(truth.square().mean(2), observed),
                    _read(reader, model.raw(modality, generated[modality]), mask),
                    _read(reader, model.raw(modality, truth), observed),
                    target.to(device),
                ]
                rows = torch.stack([c.cpu() for c in columns], dim=1)[usable.cpu()]
                key = f"{modality} from {subset_name(given)}"
                parts.setdefault(key, []).append(rows.double().numpy())
    return {key: np.concatenate(rows) for key, rows in parts.items()}


def pooled(parts: list[Measured]) -> Measured:
    """The items of several measurements, of the folds of a cross-validation, together."""
    keys = dict.fromkeys(key for part in parts for key in part)
    return {key: np.concatenate([part[key] for part in parts if key in part]) for key in keys}


def reconstruction_figures(measured: Measured) -> dict[str, dict[str, float]]:
    """Per modality and what it was imagined from: error and semantic agreement.

    `error` and `mean_error`: mean squared error of the model and of the mean predictor; `gain` is
    1 - error / mean_error, 0 where nothing was learned.
    `agreement`: share of the `polar` items, those with a label other than 0, whose imagined modality, read
    by that modality's own classifier, has the label's polarity; `chance` is what the same readings would
    reach if they were dealt out at random; `real` is the agreement of the real modality. `corr` is Pearson's
    r of the imagined reading with the label over all items, `real_corr` that of the real one.
    """
    figures = {}
    for key, rows in measured.items():
        error, mean_error, imagined, real, target = rows.T
        signed = target != 0
        positive = target[signed] > 0
        says, truly = imagined[signed] > 0, real[signed] > 0
        share, wanted = says.mean(), positive.mean()
        figures[key] = {
            "items": len(rows),
            "polar": int(signed.sum()),
            "error": float(error.mean()),
            "mean_error": float(mean_error.mean()),
            "gain": float(1 - error.mean() / mean_error.mean()),
            "agreement": float((says == positive).mean()),
            "chance": float(share * wanted + (1 - share) * (1 - wanted)),
            "real": float((truly == positive).mean()),
            "corr": correlation(imagined, target),
            "real_corr": correlation(real, target),
        }
    return figures


def _mean_over(values: Tensor, mask: Tensor) -> Tensor:
    """Mean (B,) of values (B, S) where mask (B, S)."""
    return (values * mask).sum(1) / mask.sum(1).clamp_min(1)


def _read(reader: PolarityReader, states: Tensor, mask: Tensor) -> Tensor:
    """Reading (B,), less the neutral point, of the masked steps of states (B, S, d)."""
    readings = [
        float(reader(row[valid].cpu())) if valid.any() else 0.0
        for row, valid in zip(states, mask, strict=True)
    ]
    return torch.tensor(readings)
