"""What can be shown of any method: traces under the names it gives them, and what each modality adds."""

from __future__ import annotations

import numpy as np

from app.service.traces import Traces
from app.ui import words
from app.ui.tabs.why.figures import INK, MOST_ROWS, Bar, Figure, bars, heat, picture


def view(traces: Traces, language: str) -> list[Figure]:
    """Every trace as bars, a heat map or a picture, by its shape; without any, what each modality adds."""
    rows = [Bar(name, float(trace)) for name, trace in traces.named.items() if trace.ndim == 0]
    figures = [bars(words.say("why_numbers", language), "", rows, language)] if rows else []
    figures += [_trace(name, trace, language) for name, trace in traces.named.items() if trace.ndim]
    return figures if traces.named else [alone_or_adds(traces, language)]


def alone_or_adds(traces: Traces, language: str) -> Figure:
    """How the score changes when one modality is pulled out, where more than one is used."""
    title = words.say("why_adds", language)
    if not traces.adds:
        name = words.names(traces.used, language)
        return Figure(title, words.say("why_alone", language, name=name))
    rows = [Bar(words.modality_name(m, language), value, m) for m, value in traces.adds.items()]
    return bars(title, words.say("why_adds_note", language), rows, language)


def _trace(name: str, trace: np.ndarray, language: str) -> Figure:
    note = words.say(
        "why_shape",
        language,
        shape=" × ".join(str(size) for size in trace.shape),
        low=words.number(float(trace.min(initial=0.0))),
        high=words.number(float(trace.max(initial=0.0))),
    )
    flat = trace if trace.ndim == 1 else trace.reshape(len(trace), -1)
    if flat.ndim == 1 and len(flat) <= MOST_ROWS:
        return bars(name, note, _rows(flat, language), language)
    if flat.ndim == 1:
        flat = flat[None]
    if flat.size <= MOST_ROWS and flat.min() >= 0:
        rows, columns = (_names(size, language) for size in flat.shape)
        return heat(name, note, flat, rows, columns, language)
    columns = [str(i) for i in range(1, flat.shape[1] + 1)]
    return picture(name, note, np.abs(flat), INK, [], columns, f"{name}: {note}", language)


def _rows(values: np.ndarray, language: str) -> list[Bar]:
    if len(values) != len(words.MODALITIES):
        return [Bar(str(i), float(value)) for i, value in enumerate(values, 1)]
    return [
        Bar(words.modality_name(m, language), float(value), m)
        for m, value in zip(words.MODALITIES, values, strict=True)
    ]


def _names(count: int, language: str) -> list[str]:
    """Three entries of a trace are taken to be the modalities, in their order, as everywhere."""
    if count == len(words.MODALITIES):
        return [words.modality_name(m, language) for m in words.MODALITIES]
    return [str(i) for i in range(1, count + 1)]
