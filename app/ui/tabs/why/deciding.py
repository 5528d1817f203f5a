"""Methods in which each modality says something of its own: MLA, QMF, late fusion, MCLEA and MMIN."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from app.service.traces import Traces
from app.ui import charts, words
from app.ui.tabs.why.figures import INK, Bar, Figure, StepRow, bars, steps
from app.ui.tabs.why.other import alone_or_adds


def mla(traces: Traces, language: str) -> list[Figure]:
    """Entropies, the weights that follow from them, and the guesses of every modality."""
    rows = of_modalities(traces, traces.named["entropies"], language)
    title = words.say("why_mla_entropies", language, most=words.share(words.MOST_ENTROPY))
    entropies = bars(title, words.say("why_mla_note", language), rows, language, most=words.MOST_ENTROPY)
    return [entropies, weights(traces, language), guesses(traces, language)]


def qmf(traces: Traces, language: str) -> list[Figure]:
    """Confidences, their shares, and the guesses of every modality."""
    rows = of_modalities(traces, traces.named["confidences"], language)
    title, note = words.say("why_qmf_confidences", language), words.say("why_qmf_note", language)
    return [bars(title, note, rows, language), weights(traces, language), guesses(traces, language)]


def late(traces: Traces, language: str) -> list[Figure]:
    """Each modality's own score, whose mean is the score."""
    rows = of_modalities(traces, traces.named["unimodal_scores"], language)
    title, note = words.say("why_late_scores", language), words.say("why_late_note", language)
    return [bars(title, note, rows, language, most=charts.HIGHEST)]


def mclea(traces: Traces, language: str) -> list[Figure]:
    """The global weights, as learned and over what is used, and the weights of the losses."""
    rows = [
        Bar(words.modality_name(m, language), float(value), m)
        for m, value in zip(words.MODALITIES, traces.named["global_weights"], strict=True)
    ]
    title, note = words.say("why_mclea_global", language), words.say("why_mclea_note", language)
    figures = [bars(title, note, rows, language, most=1.0)]
    if len(traces.used) < len(words.MODALITIES):
        figures.append(weights(traces, language))
    rows = [
        Bar(f"{loss.upper()} · {words.modality_name(m, language)}", float(value), m)
        for loss in ("icl", "ial")
        for m, value in zip(words.MODALITIES, traces.named[f"{loss}_loss_weights"], strict=True)
    ]
    title, note = words.say("why_mclea_losses", language), words.say("why_mclea_losses_note", language)
    return [*figures, bars(title, note, rows, language)]


def mmin(traces: Traces, language: str) -> list[Figure]:
    """How far each missing embedding was imagined."""
    imagined = traces.named["imagined"]
    lengths = np.linalg.norm(imagined, axis=1) / np.sqrt(imagined.shape[1])
    title, adds = words.say("why_mmin_imagined", language), alone_or_adds(traces, language)
    rows = [
        Bar(words.modality_name(m, language), float(lengths[words.MODALITIES.index(m)]), m, dashed=True)
        for m in words.MODALITIES
        if m not in traces.used
    ]
    if not rows:
        return [Figure(title, words.say("why_mmin_nothing", language)), adds]
    most = max(1.0, float(lengths.max()))
    return [bars(title, words.say("why_mmin_note", language), rows, language, most=most), adds]


def weights(traces: Traces, language: str) -> Figure:
    """The method's own weights of this utterance."""
    values = [(traces.weights or {}).get(m, 0.0) for m in words.MODALITIES]
    rows = of_modalities(traces, values, language)
    return bars(words.say("why_weights", language), "", rows, language, most=1.0)


def guesses(traces: Traces, language: str) -> Figure:
    """The class distribution of every used modality, and of their fusion."""
    rows = [
        _guess(words.modality_name(m, language), m, _softmax(traces.named["unimodal_logits"][i]))
        for i, m in enumerate(words.MODALITIES)
        if m in traces.used
    ]
    rows.append(_guess(words.say("why_fused", language), INK, np.array(traces.probabilities)))
    classes = [words.signed(value).removesuffix(".0") for value in range(charts.LOWEST, charts.HIGHEST + 1)]
    title, note = words.say("why_guesses", language), words.say("why_guesses_note", language)
    return steps(title, note, classes, rows, language, zoom=False)


def _guess(title: str, colour: str, probabilities: np.ndarray) -> StepRow:
    return StepRow(title, {colour: probabilities}, 1.0)


def of_modalities(traces: Traces, values: Iterable[float], language: str) -> list[Bar]:
    """One bar a modality (3,); hatched where it is not used."""
    return [
        Bar(words.modality_name(m, language), float(value), m, hatched=m not in traces.used)
        for m, value in zip(words.MODALITIES, values, strict=True)
    ]


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()
