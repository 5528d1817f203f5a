"""Three switches, and beside each what its modality thinks, how sure it is, and what it is worth."""

from __future__ import annotations

from html import escape

import gradio as gr

from app.service.analysis import ModalityAnalysis
from app.ui import charts, imagined_pictures, subsets_table, words
from app.ui.shown import Panel, Shown

Switches = list[gr.Checkbox]


def build() -> tuple[Panel, Switches]:
    """The panel and its switches, in modality order."""
    switches, meters = [], []
    heading = gr.HTML(_heading(None, words.ENGLISH), elem_id="fuses")
    for modality in words.MODALITIES:
        with gr.Row(elem_classes=["fb-fuse", f"fb-fuse-{modality}"]):
            key = "audio_name" if modality == "audio" else modality
            switches.append(
                gr.Checkbox(
                    value=True,
                    interactive=False,
                    label=words.label(key),
                    container=False,
                    min_width=0,
                    elem_id=f"switch-{modality}",
                    elem_classes=["fb-switch"],
                )
            )
            meters.append(gr.HTML(_meter(None, modality, words.ENGLISH), elem_id=f"meter-{modality}"))
    with gr.Accordion(words.label("subsets"), elem_id="subsets-fold"):
        subsets = gr.HTML(subsets_table.render(None, words.ENGLISH), elem_id="subsets")
    panel = Panel(
        per_answer=[heading, *meters, subsets],
        render_answer=lambda shown, language: [
            _heading(shown, language),
            *(_meter(shown, modality, language) for modality in words.MODALITIES),
            subsets_table.render(shown, language),
        ],
        per_clip=list(switches),
        render_clip=lambda shown, language: [_switch(shown, modality) for modality in words.MODALITIES],
    )
    return panel, switches


def _switch(shown: Shown | None, modality: str) -> dict:
    if shown is None:
        return gr.update(value=True, interactive=False)
    return gr.update(value=modality in shown.on, interactive=shown.analysis.modalities[modality].present)


def _heading(shown: Shown | None, language: str) -> str:
    cells = "".join(
        f'<span title="{escape(words.say(f"{key}_hint", language))}">{words.say(key, language)}</span>'
        for key in ("sure", "guess", "alone", "counts")
    )
    kind = shown.analysis.weights_kind if shown else None
    if kind:
        hint = words.say("own_hint", language, method=shown.title)
        cells += f'<span title="{escape(hint)}">{escape(words.weights_name(kind, language))}</span>'
    return (
        f'<h2 class="fb-title">{words.say("fuses", language)}'
        f"<small>{words.say('fuses_hint', language)}</small></h2>"
        f'<div class="fb-columns{" fb-own" if kind else ""}" aria-hidden="true">{cells}</div>'
    )


def _meter(shown: Shown | None, modality: str, language: str) -> str:
    if shown is None:
        return _cells(None, modality, None, language)
    part = shown.analysis.modalities[modality]
    if not part.present:
        reason = words.say(f"absent_{modality}", language)
        said = f'<span class="fb-reason">{escape(reason)}</span>{_imagined(shown, modality, language)}'
        return f'<div class="fb-meter fb-off">{said}</div>'
    return _cells(shown, modality, shown.analysis.weights_kind, language)


def _cells(shown: Shown | None, modality: str, kind: str | None, language: str) -> str:
    part = shown.analysis.modalities[modality] if shown else None
    used = shown is not None and shown.uses(modality)
    guess = (
        charts.distribution(part.probabilities, modality, language)
        if part
        else '<div class="fb-guess"></div>'
    )
    cells = [
        _cell(words.say("sure", language), _sureness(part, used, modality, language)),
        _cell(words.say("guess", language), guess),
    ]
    imagined = "" if used or shown is None else _imagined(shown, modality, language)
    own = words.share(part.own_weight) if used and part.own_weight is not None else None
    own_cell = [_cell(words.weights_name(kind, language), _number(own))] if kind else []
    if imagined:  # on a phone the empty cell keeps the row's height
        cells += [imagined, *own_cell]
    else:
        cells += [
            _cell(words.say("alone", language), _number(words.signed(part.score) if used else None)),
            _cell(words.say("counts", language), _number(_moved(part.occlusion) if used else None)),
            *own_cell,
        ]
    off = " fb-off" if part and not used else ""
    return f'<div class="fb-meter{" fb-own" if kind else ""}{off}">{"".join(cells)}</div>'


def _imagined(shown: Shown, modality: str, language: str) -> str:
    """A glimpse of what takes the modality's place; "" where nothing does."""
    seen = shown.analysis.imagined.get(modality) if shown.on else None
    return imagined_pictures.glimpse(seen, modality, language) if seen else ""


def _sureness(part: ModalityAnalysis | None, used: bool, modality: str, language: str) -> str:
    weight, number, entropy = 0.0, "–", ""
    if part:
        weight = part.weight if used else None
        number = words.share(weight) if used else words.say("pulled", language)
        value, most = words.share(part.entropy), words.share(words.MOST_ENTROPY)
        entropy = words.say("entropy", language, value=value, most=most)
    bar = charts.bar(weight, modality)
    return f'<div class="fb-sure">{bar}<b>{escape(number)}</b></div><small>{escape(entropy)}</small>'


def _moved(occlusion: float | None) -> str | None:
    return None if occlusion is None else f"{occlusion:.1f}"


def _number(text: str | None) -> str:
    return f"<b>{text or '–'}</b>"


def _cell(caption: str, content: str) -> str:
    return f'<div class="fb-cell"><span class="fb-caption">{escape(caption)}</span>{content}</div>'
