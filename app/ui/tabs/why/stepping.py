"""Methods that go through the utterance step by step: EF-LSTM, MFN and MFM."""

from __future__ import annotations

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


def mfm(traces: Traces, language: str) -> list[Figure]:
    """Lengths of the latents, which of them were inferred, and the encoder's attention where it ran."""
    whole = len(traces.used) == len(words.MODALITIES)
    rows = [_latent(traces, "label", words.say("why_mfm_label", language), inferred=not whole)]
    rows += [
        _latent(traces, m, words.modality_name(m, language), inferred=m not in traces.used)
        for m in words.MODALITIES
    ]
    title = words.say("why_mfm_latents", language)
    note = words.say("why_mfm_note" if whole else "why_mfm_inferred", language)
    latents = bars(title, note, rows, language)
    return [latents, *mfn(traces, language)] if whole else [latents]


def _latent(traces: Traces, name: str, label: str, *, inferred: bool) -> Bar:
    """|z| / sqrt(width): about 1 for a draw of the prior N(0, I)."""
    latent = traces.named[f"latent_{name}"]
    length = float(np.linalg.norm(latent) / np.sqrt(len(latent)))
    return Bar(label, length, INK if name == "label" else name, dashed=inferred)


def _most(series: np.ndarray) -> float:
    return float(series.max(initial=0.0)) or 1.0
