"""Methods in which each modality says something of its own: MLA, QMF, late fusion, MCLEA and MMIN."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from markupsafe import Markup

from app.service.traces import Traces
from app.ui import charts, words
from app.ui.tabs.why.figures import INK, Bar, StepRow, bars, figure, steps
from app.ui.tabs.why.other import alone_or_adds


def mla(traces: Traces, language: str) -> str:
    """Entropies, the weights that follow from them, and the guesses of every modality."""
    entropies = of_modalities(traces, traces.named["entropies"], language)
    title = words.say("why_mla_entropies", language, most=words.share(words.MOST_ENTROPY))
    return (
        figure(
            title,
            words.say("why_mla_note", language),
            bars(entropies, title, language, most=words.MOST_ENTROPY),
            language,
        )
        + weights(traces, language)
        + guesses(traces, language)
    )


def qmf(traces: Traces, language: str) -> str:
    """Confidences, their shares, and the guesses of every modality."""
    confidences = of_modalities(traces, traces.named["confidences"], language)
    title = words.say("why_qmf_confidences", language)
    return (
        figure(title, words.say("why_qmf_note", language), bars(confidences, title, language), language)
        + weights(traces, language)
        + guesses(traces, language)
    )


def late(traces: Traces, language: str) -> str:
    """Each modality's own score, whose mean is the score."""
    scores = of_modalities(traces, traces.named["unimodal_scores"], language)
    title = words.say("why_late_scores", language)
    shown = bars(scores, title, language, most=charts.HIGHEST)
    learned = weights(traces, language) if traces.weights else ""
    return figure(title, words.say("why_late_note", language), shown, language) + learned


def mclea(traces: Traces, language: str) -> str:
    """The global weights, as learned and over what is used, and the weights of the losses."""
    learned = [
        Bar(words.modality_name(m, language), float(value), m)
        for m, value in zip(words.MODALITIES, traces.named["global_weights"], strict=True)
    ]
    title = words.say("why_mclea_global", language)
    parts = [
        figure(
            title, words.say("why_mclea_note", language), bars(learned, title, language, most=1.0), language
        )
    ]
    if len(traces.used) < len(words.MODALITIES):
        parts.append(weights(traces, language))
    rows = [
        Bar(f"{loss.upper()} · {words.modality_name(m, language)}", float(value), m)
        for loss in ("icl", "ial")
        for m, value in zip(words.MODALITIES, traces.named[f"{loss}_loss_weights"], strict=True)
    ]
    title = words.say("why_mclea_losses", language)
    parts.append(
        figure(title, words.say("why_mclea_losses_note", language), bars(rows, title, language), language)
    )
    return Markup().join(parts)


def mmin(traces: Traces, language: str) -> str:
    """How far each missing embedding was imagined."""
    imagined = traces.named["imagined"]
    lengths = np.linalg.norm(imagined, axis=1) / np.sqrt(imagined.shape[1])
    missing = [m for m in words.MODALITIES if m not in traces.used]
    if not missing:
        note = words.say("why_mmin_nothing", language)
        return figure(words.say("why_mmin_imagined", language), note, "", language) + alone_or_adds(
            traces, language
        )
    rows = [
        Bar(words.modality_name(m, language), float(lengths[words.MODALITIES.index(m)]), m, dashed=True)
        for m in missing
    ]
    title = words.say("why_mmin_imagined", language)
    shown = bars(rows, title, language, most=max(1.0, float(lengths.max())))
    return figure(title, words.say("why_mmin_note", language), shown, language) + alone_or_adds(
        traces, language
    )


def weights(traces: Traces, language: str) -> str:
    """The method's own weights of this utterance."""
    values = [traces.weights.get(m, 0.0) for m in words.MODALITIES]
    title = words.say("why_weights", language)
    return figure(
        title, "", bars(of_modalities(traces, values, language), title, language, most=1.0), language
    )


def guesses(traces: Traces, language: str) -> str:
    """The class distribution of every used modality, and of their fusion."""
    rows = [
        _guess(words.modality_name(m, language), m, _softmax(traces.named["unimodal_logits"][i]))
        for i, m in enumerate(words.MODALITIES)
        if m in traces.used
    ]
    rows.append(_guess(words.say("why_fused", language), INK, np.array(traces.probabilities)))
    classes = [words.signed(value).removesuffix(".0") for value in range(charts.LOWEST, charts.HIGHEST + 1)]
    title = words.say("why_guesses", language)
    return figure(
        title,
        words.say("why_guesses_note", language),
        steps(classes, rows, title, language, zoom=False),
        language,
    )


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
