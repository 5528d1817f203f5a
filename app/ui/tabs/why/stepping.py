"""Methods that go through the utterance step by step: EF-LSTM, MFN, and MFM over any encoder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.service.traces import Traces
from app.ui import words
from app.ui.tabs.why.figures import INK, Bar, Figure, StepRow, bars, shaded, steps


def ef_lstm(traces: Traces, language: str) -> list[Figure]:
    """The length of the one memory, step by step."""
    norms = traces.named["hidden_norm"][: len(traces.steps)]
    title, note = words.say("why_ef_lstm_norm", language), words.say("why_steps_note", language)
    rows = [StepRow(title, {INK: norms}, _most(norms))]
    changes = np.abs(np.diff(norms, prepend=0.0))
    return [
        steps(title, note, traces.steps, rows, language, in_words=bool(traces.words)),
        shaded(words.say("why_ef_lstm_change", language), traces.steps, changes, INK, language),
    ]


def mfn(traces: Traces, language: str) -> list[Figure]:
    """Delta-memory attention over the steps, and what the gates let into the shared memory."""
    count = len(traces.steps)
    attention = traces.named["attention"][:count]
    per_modality = attention.sum(axis=1)
    before, now = attention.sum(axis=2).mean(axis=0) if count else (0.0, 0.0)
    colours = [m for m in words.MODALITIES if m in traces.used]
    shares: dict[str, np.ndarray] = {m: per_modality[:, words.MODALITIES.index(m)] for m in colours}
    gates = {name: traces.named[name][:count] for name in ("update", "retain", "memory_norm")}
    rows = [
        StepRow(words.say("why_mfn_attention", language), shares, 1.0),
        StepRow(words.say("why_mfn_update", language), {INK: gates["update"]}, 1.0),
        StepRow(words.say("why_mfn_retain", language), {INK: gates["retain"]}, 1.0),
        StepRow(
            words.say("why_mfn_norm", language), {INK: gates["memory_norm"]}, _most(gates["memory_norm"])
        ),
    ]
    title = words.say("why_mfn_steps", language)
    note = words.say("why_mfn_note", language, before=words.number(before), now=words.number(now))
    over_time = steps(title, note, traces.steps, rows, language, in_words=bool(traces.words))
    if not traces.words:
        return [over_time]
    title = words.say("why_mfn_words", language)
    return [shaded(title, traces.steps, shares["text"], "text", language), over_time]


def mfm(
    traces: Traces, language: str, encoder: Callable[[Traces, str], list[Figure]] | None = None
) -> list[Figure]:
    """Lengths of the latents, what generation follows, and the encoder's own traces where it ran.

    encoder : draws these; None for one that has none
    """
    whole = len(traces.used) == len(words.MODALITIES)
    rows = [_latent(traces, "label", words.say("why_mfm_label", language), inferred=not whole)]
    rows += [
        _latent(traces, m, words.modality_name(m, language), inferred=m not in traces.used)
        for m in words.MODALITIES
    ]
    title = words.say("why_mfm_latents", language)
    note = words.say("why_mfm_note" if whole else "why_mfm_inferred", language)
    figures = [bars(title, note, rows, language), _flow(traces, language)]
    return [*figures, *encoder(traces, language)] if encoder and whole else figures


def _latent(traces: Traces, name: str, label: str, *, inferred: bool) -> Bar:
    """|z| / sqrt(width): about 1 for a draw of the prior N(0, I)."""
    latent = traces.named[f"latent_{name}"]
    length = float(np.linalg.norm(latent) / np.sqrt(len(latent)))
    return Bar(label, length, INK if name == "label" else name, dashed=inferred)


def _flow(traces: Traces, language: str) -> Figure:
    """How far each generated modality moves with the shared latent and with its own, step by step, in %.

    Each row has its own scale: words, generated in some 770 coordinates, move far less than a voice in 12.
    """
    shared, own = words.say("why_mfm_shared", language), words.say("why_mfm_own", language)
    rows = []
    for m in words.MODALITIES:
        flow = 100 * traces.flow[m][: len(traces.steps)]
        name = words.modality_name(m, language)
        title = name if m in traces.used else words.say("why_mfm_imagined", language, name=name)
        rows.append(
            StepRow(title, {INK: flow[:, 0], m: flow[:, 1]}, _most(flow.sum(axis=1)), {INK: shared, m: own})
        )
    title, note = words.say("why_mfm_flow", language), words.say("why_mfm_flow_note", language)
    return steps(title, note, traces.steps, rows, language, in_words=bool(traces.words))


def _most(series: np.ndarray) -> float:
    return float(series.max(initial=0.0)) or 1.0
