"""Three switches, and beside each its share of certainty, its guess, and what it is worth."""

from __future__ import annotations

from html import escape

import gradio as gr
import numpy as np

from app.service.analysis import LABELS, ModalityAnalysis
from app.ui import charts, imagined_pictures, subsets_table, words
from app.ui.panels import Panel
from app.ui.shown import Shown

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


def columns(shown: Shown | None, language: str) -> dict[str, tuple[str, str]]:
    """{column: its name and what it means, in a sentence}, from left to right."""
    kind = shown.analysis.weights_kind if shown else None
    named = {
        key: (words.say(key, language), words.say(f"{key}_hint", language))
        for key in ("sure", "guess", "alone", "counts")
    }
    if kind and words.own_column(kind) is None:
        named["sure"] = (named["sure"][0], words.say("sure_hint_fusion", language, method=shown.title))
    elif kind:
        hint = words.say("own_hint", language, method=shown.title)
        named["own"] = (words.weights_name(kind, language), hint)
    return named


def _heading(shown: Shown | None, language: str) -> str:
    named = columns(shown, language)
    buttons = "".join(charts.help_button(name, key) for key, (name, _) in named.items())
    texts = "".join(charts.help_text(name, key, meaning) for key, (name, meaning) in named.items())
    return (
        f'<h2 class="fb-title">{words.say("fuses", language)}'
        f"<small>{words.say('fuses_hint', language)}</small></h2>"
        f'<div class="fb-columns{" fb-own" if "own" in named else ""}">{buttons}</div>{texts}'
    )


def _meter(shown: Shown | None, modality: str, language: str) -> str:
    part = shown.analysis.modalities[modality] if shown else None
    if part and not part.present:
        reason = words.say(f"absent_{modality}", language)
        said = f'<span class="fb-reason">{escape(reason)}</span>{_imagined(shown, modality, language)}'
        return f'<div class="fb-meter fb-off">{said}</div>'
    used = shown is not None and shown.uses(modality)
    known = part if used else None
    contents = {
        "sure": _sureness(part, used, modality, language),
        "guess": charts.distribution(part and part.probabilities, modality, language),
        "alone": _number(known and words.signed(known.score)),
        "counts": _number(known and _moved(known.occlusion)),
        "own": _number(known and known.own_weight is not None and words.share(known.own_weight)),
    }
    named = columns(shown, language)
    cells = "".join(_cell(key, name, contents[key]) for key, (name, _) in named.items())
    below = _in_words(known, language) if known else _imagined(shown, modality, language)
    own, off = " fb-own" if "own" in named else "", " fb-off" if part and not used else ""
    return f'<div class="fb-meter{own}{off}">{cells}<div class="fb-below">{below}</div></div>'


def _in_words(part: ModalityAnalysis, language: str) -> str:
    """What a modality in use says, in words."""
    likeliest = int(np.argmax(part.probabilities))
    said = words.say(
        "in_words",
        language,
        likeliest=words.class_label(LABELS[likeliest], language),
        value=words.share(part.probabilities[likeliest]),
        alone=words.score_label(part.score, language),
    )
    return f"<small>{escape(said)}</small>"


def _imagined(shown: Shown, modality: str, language: str) -> str:
    """A glimpse of what takes the modality's place; "" where nothing does."""
    seen = shown.analysis.imagined.get(modality) if shown and shown.on else None
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


def _number(text: str | bool | None) -> str:
    return f"<b>{text or '–'}</b>"


def _cell(key: str, name: str, content: str) -> str:
    """A number under its own name, which a narrow page shows in place of the columns' heading."""
    return (
        f'<div class="fb-cell"><div class="fb-caption">{charts.help_button(name, key)}</div>{content}</div>'
    )
