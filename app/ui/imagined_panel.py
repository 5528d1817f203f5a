"""The tab of what is imagined in the place of modalities that are off or absent, and how far to trust it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from app.service.analysis import side_of
from app.ui import charts, words
from app.ui import imagined_pictures as pictures
from app.ui.panels import DeepPanel, Desk
from app.ui.shown import Shown, Visit

if TYPE_CHECKING:
    from app.service.imagining import Imagined
    from app.service.inferring import Recovered

PICTURES = {"text": pictures.phrases, "audio": pictures.voice, "vision": pictures.faces}


def build(desk: Desk) -> DeepPanel:
    """The panel, empty until there is an answer."""
    analyst, titles = desk.answering.analyst, desk.answering.titles

    def render(shown: Shown | None, visit: Visit) -> list[str]:
        language = visit.language
        if nothing := charts.nothing_yet(shown, language):
            return [nothing]
        imaginer = analyst.imaginer()
        if imaginer is None:
            return [f'<p class="fb-empty">{words.say("imagined_unavailable", language)}</p>']
        opened = desk.answering.open(shown, visit)
        imagined, recovered = imaginer.imagine(*opened), imaginer.recover(*opened)
        everything = len(shown.on) == len(words.MODALITIES)
        said = words.say("imagined_nothing" if everything else "imagined_some", language)
        blocks = "".join(_block(part, titles, shown.analysis.score, language) for part in imagined)
        return [
            f'<h2 class="fb-title">{words.say("imagined_title", language)}</h2><p class="fb-plain">{said}</p>'
            f"{blocks}{'' if everything else _tate(recovered, language)}"
            f'<p class="fb-small">{words.say("imagined_note", language)}</p>'
        ]

    imagined = gr.HTML(charts.nothing_yet(None, words.ENGLISH), elem_id="imagined")
    return DeepPanel("imagined", [imagined], render)


def _block(imagined: Imagined, titles: dict[str, str], score: float, language: str) -> str:
    """One modality by one method: its picture beside the real one, its polarity, and what to think of it."""
    modality = imagined.modality
    title = words.say(
        "imagined_by",
        language,
        name=words.modality_name(modality, language),
        names=words.names(imagined.given, language),
        method=titles[imagined.method],
    )
    made, real = PICTURES[modality](imagined, language)
    if real is None and imagined.truth is None:
        absent = words.say("imagined_nothing_real", language, name=words.names([modality], language))
        real = f'<p class="fb-reason"><span>{escape(absent)}</span></p>'
    badge = words.say("imagined_badge", language)
    figures = f'<figure class="fb-made"><figcaption>{badge}</figcaption>{made}</figure>'
    if real is not None:
        caption = words.say("imagined_real", language)
        figures += f'<figure class="fb-real"><figcaption>{caption}</figcaption>{real}</figure>'
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in _facts(imagined, titles, score, language))
    return (
        f'<section class="fb-imagined fb-hue-{modality}" data-method="{imagined.method}" '
        f'aria-label="{escape(f"{badge}: {title}")}">'
        f'<h3><span class="fb-badge">{badge}</span> {escape(title)}</h3>'
        f'<div class="fb-pair fb-pair-{modality}">{figures}</div>'
        f'<div class="fb-pair">{pictures.curves(imagined, language)}'
        f"<div>{pictures.track(imagined, language)}"
        f'<ul class="fb-facts">{facts}</ul></div></div></section>'
    )


def _facts(imagined: Imagined, titles: dict[str, str], score: float, language: str) -> list[str]:
    """Polarity beside the real one's and the score's; error; how far to trust it."""
    side = words.score_label(imagined.reading, language)
    agreeing = [
        words.say("imagined_polarity", language, reading=words.signed(imagined.reading), side=side),
        _agrees("score", imagined.reading, score, language),
    ]
    facts = [_trust(imagined, titles, language)]
    if imagined.truth is not None:
        agreeing.insert(1, _agrees("real", imagined.reading, imagined.truth.reading, language))
        error, mean = imagined.truth.error, imagined.truth.mean_error
        nearer = round(error, 2) < round(mean, 2)
        verdict = words.say("imagined_nearer" if nearer else "imagined_no_nearer", language)
        facts.insert(
            0,
            words.say("imagined_error", language, error=f"{error:.2f}", mean=f"{mean:.2f}", verdict=verdict),
        )
    return [" ".join(agreeing), *facts]


def _agrees(whose: str, reading: float, other: float, language: str) -> str:
    sides = {side_of(reading), side_of(other)}
    verdict = "same" if len(sides) == 1 else "neutral" if "neutral" in sides else "other"
    values = {"reading" if whose == "real" else "score": words.signed(other)}
    return words.say(f"imagined_{whose}_{verdict}", language, **values)


def _trust(imagined: Imagined, titles: dict[str, str], language: str) -> str:
    trust = imagined.trust
    if trust is None:
        return words.say("imagined_trust_unknown", language, method=titles[imagined.method])
    said = words.say(
        "imagined_trust" if trust.informative else "imagined_trust_not",
        language,
        name=words.names([imagined.modality], language),
        names=words.names(imagined.given, language),
        agreement=_percent(trust.agreement),
        clips=trust.clips,
        chance=_percent(trust.chance),
        real=_percent(trust.real),
    )
    if trust.informative and trust.gain <= 0:
        said = f"{said} {words.say('imagined_trust_gain', language)}"
    return said


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _tate(recovered: list[Recovered] | None, language: str) -> str:
    """What TATE recovers, where it is the method chosen."""
    if recovered is None:
        return ""
    if not recovered:
        return f'<p class="fb-plain">{words.say("imagined_tate_none", language)}</p>'
    rows = "".join(
        "<li>"
        + words.say(
            "imagined_tate_row",
            language,
            name=words.modality_name(part.modality, language),
            hidden=f"{part.hidden:.3f}",
            shown=f"{part.shown:.3f}",
        )
        + "</li>"
        for part in recovered
    )
    said = f'<p class="fb-plain">{words.say("imagined_tate", language)}</p>'
    return f'<section class="fb-imagined">{said}<ul class="fb-facts">{rows}</ul></section>'
