"""Methods that multiply the modalities: LMF and TFN."""

from __future__ import annotations

from app.service.traces import TFN_BLOCKS, Traces
from app.ui import words
from app.ui.tabs.why.figures import INK, Bar, Figure, bars


def lmf(traces: Traces, language: str) -> list[Figure]:
    """Rank terms and the constant, which together are the score."""
    terms = traces.named["rank_terms"]
    rows = [
        Bar(words.say("why_lmf_term", language, rank=rank), float(term)) for rank, term in enumerate(terms, 1)
    ]
    constant = traces.constant or 0.0
    rows.append(Bar(words.say("why_lmf_constant", language), constant))
    total = float(terms.sum()) + constant
    note = words.say("why_lmf_sum", language, sum=words.number(total))
    if abs(total) > 3:
        note += " " + words.say("why_lmf_limit", language, score=words.number(traces.score))
    return [bars(words.say("why_lmf_terms", language), note, rows, language)]


def tfn(traces: Traces, language: str) -> list[Figure]:
    """Shares of the cube's seven blocks."""
    energy = traces.named["block_energy"]
    total = float(energy.sum()) or 1.0
    rows = [
        Bar(
            " × ".join(words.modality_name(m, language) for m in block),
            float(value) / total,
            block[0] if len(block) == 1 else INK,
            hatched=not set(block) <= set(traces.used),
        )
        for block, value in zip(TFN_BLOCKS, energy, strict=True)
    ]
    title, note = words.say("why_tfn_blocks", language), words.say("why_tfn_note", language)
    return [bars(title, note, rows, language, most=1.0)]
