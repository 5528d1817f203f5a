"""Methods whose parts attend to each other: LRCMT, TFR-Net, TATE and MEAformer."""

from __future__ import annotations

import numpy as np

from app.service.traces import Traces
from app.ui import words
from app.ui.tabs.why.deciding import weights
from app.ui.tabs.why.figures import Bar, Figure, StepRow, bars, heat, picture, shaded, steps

TAG_DIGITS = ("nothing", "vision", "audio", "text")  # of TATE's tag: what is missing
MOST_STEPS = 48  # of a gate that are drawn


def lrcmt(traces: Traces, language: str) -> list[Figure]:
    """Who reads whom: voice and face each other, then the words both; and how far the adapters moved."""
    figures = [
        _reading(traces, f"{name}_from_{other}", reader, read, language)
        for name, other, reader, read in (
            ("words", "voice", "text", "audio"),
            ("words", "face", "text", "vision"),
            ("voice", "face", "audio", "vision"),
            ("face", "voice", "vision", "audio"),
        )
    ]
    title, note = words.say("why_lrcmt_adapters", language), words.say("why_lrcmt_adapters_note", language)
    layers = [
        Bar(words.say("why_layer", language, number=number), 100 * float(value))
        for number, value in enumerate(traces.named["adapter_strength"], 1)
    ]
    return [*figures, bars(title, note, layers, language)]


def tfr_net(traces: Traces, language: str) -> list[Figure]:
    """The gates over each modality's time, and the six attentions between modalities."""
    gates = [_gate(traces, m, language) for m in words.MODALITIES]
    return gates + [
        _reading(traces, f"{reader}_from_{read}", reader, read, language)
        for reader in words.MODALITIES
        for read in words.MODALITIES
        if reader != read
    ]


def tate(traces: Traces, language: str) -> list[Figure]:
    """The tag as it went in and as it was recovered, and the shares of the pooling attention."""
    columns = [words.say("why_tate_in", language), words.say("why_tate_recovered", language)]
    names = [words.say(f"why_tate_{digit}", language) for digit in TAG_DIGITS]
    both = np.stack([traces.named["tag"], traces.named["tag_recovered"]], axis=1)
    title, note = words.say("why_tate_tag", language), words.say("why_tate_note", language)
    return [heat(title, note, both, names, columns, language), weights(traces, language)]


def meaformer(traces: Traces, language: str) -> list[Figure]:
    """Meta weights, the 3 x 3 attention that they are summed from, and the scores before and after it."""
    matrix = traces.named["attention"].copy()
    off = [m not in traces.used for m in words.MODALITIES]
    matrix[off, :] = matrix[:, off] = np.nan
    names = [words.modality_name(m, language) for m in words.MODALITIES]
    title, note = words.say("why_meaformer_attention", language), words.say("why_meaformer_note", language)
    attention = heat(title, note, matrix, names, names, language)
    scores = [
        Bar(words.say(f"why_meaformer_{name}", language), float(traces.named[f"{name}_score"]))
        for name in ("early", "late")
    ]
    title = words.say("why_meaformer_scores", language)
    mean = words.say("why_meaformer_mean", language, score=words.number(traces.score))
    return [weights(traces, language), attention, bars(title, mean, scores, language, most=3)]


def _gate(traces: Traces, modality: str, language: str) -> Figure:
    gate = traces.named[f"gate_{modality}"][:MOST_STEPS]
    name = words.modality_name(modality, language)
    title = words.say("why_tfr_gate", language, name=name)
    if modality not in traces.used:
        mean = words.number(float(gate.mean()))
        return Figure(title, words.say("why_tfr_gate_lost", language, steps=len(gate), mean=mean))
    labels = traces.axis(modality, len(gate))
    if modality == "text":
        return shaded(title, labels, gate, "text", language)
    rows = [StepRow(name, {modality: gate}, 1.0)]
    return steps(title, words.say("why_seconds", language), labels, rows, language)


def _reading(traces: Traces, trace: str, reader: str, read: str, language: str) -> Figure:
    """One attention map: rows who reads, columns what is read; without a map where a side is not used."""
    title = words.say(
        "why_reads",
        language,
        reader=words.modality_name(reader, language),
        read=words.modality_name(read, language).lower(),
    )
    if read not in traces.used or reader not in traces.used:
        absent = words.names([m for m in (reader, read) if m not in traces.used], language)
        return Figure(title, words.say("why_reads_nothing", language, names=absent))
    matrix = traces.named[trace]
    rows: list[str] = []
    if reader == "text" and len(matrix) == traces.tokens:
        matrix, rows = traces.by_word(matrix), [word.text for word in traces.words]
    names = traces.axis(read, matrix.shape[1])
    columns = _named(names, read, language)
    readers = _named(rows or traces.axis(reader, len(matrix)), reader, language)
    by, at = np.unravel_index(matrix.argmax(), matrix.shape)
    share = words.number(float(matrix.max()))
    spoken = words.say("why_reads_most", language, title=title, by=readers[by], at=columns[at], share=share)
    in_words = read == "text"
    return picture(title, spoken, matrix, read, rows, names, spoken, language, in_words=in_words)


def _named(labels: list[str], modality: str, language: str) -> list[str]:
    """Words in quotation marks, seconds with their unit."""
    if modality != "text":
        return [words.say("why_at_second", language, second=label) if label else "" for label in labels]
    no_word = words.say("why_at_no_word", language)
    return [words.say("why_at_word", language, word=label) if label else no_word for label in labels]
