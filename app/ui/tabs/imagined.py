"""The tab of what is imagined in the place of modalities that are off or absent, and how far to trust it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from app.service.analysis import side_of
from app.service.imputation import NO_WISH, Wish
from app.ui import charts, words
from app.ui.page_state import PageState, Visit
from app.ui.panels import LazyTab, TabContext, nothing_yet
from app.ui.templates import fill
from models.fusion.mfm import MFM
from models.registry import spec

if TYPE_CHECKING:
    from app.service.imputation_rendering import Imagined

MOST_FACES = 8  # side by side
SEEDS = 2**24
WIDTH, HEIGHT = 600, 96  # of the curves' own coordinates


def build(context: TabContext) -> LazyTab:
    """The tab, its controls out of sight until there is an answer."""
    analyst, titles = context.controller.analyst, context.controller.titles

    def render(
        state: PageState | None,
        visit: Visit,
        moved: bool = False,
        score: float = 0.0,
        seed: float | None = 0,
    ) -> list:
        language = visit.language
        if state is None or not state.on:
            return [gr.Column(visible=False), gr.update(), nothing_yet(state, language)]
        imaginer = analyst.imaginer()
        if imaginer is None:
            why = "imagined_unavailable" if analyst.profile.interpretable else "imagined_unreadable"
            said = words.say(why, language)
            return [gr.Column(visible=False), gr.update(), fill("charts.empty", language, said=said)]
        opened = context.controller.open(state, visit)
        wish = Wish(float(score) if moved else None, abs(int(seed or 0)) % SEEDS)
        imagined, recovered = imaginer.imagine(*opened, wish), imaginer.recover(*opened)
        everything = len(state.on) == len(words.MODALITIES)
        blocks = [_block(part, titles, state.analysis.score, wish, language) for part in imagined]
        tate = None if everything else recovered
        page = fill("imagined.tab", language, everything=everything, blocks=blocks, recovered=tate)
        return [gr.Column(visible=True), gr.Slider(visible=moved), page]

    with gr.Column(visible=False, elem_id="imagined-controls") as controls, gr.Row():
        moved = gr.Checkbox(
            False,
            label=words.label("imagined_move"),
            info=words.label("imagined_move_info"),
            elem_id="imagined-move",
        )
        score = gr.Slider(
            charts.LOWEST,
            charts.HIGHEST,
            value=0.0,
            step=0.25,
            label=words.label("imagined_shared"),
            info=words.label("imagined_shared_info"),
            buttons=[],
            visible=False,
            scale=2,
            min_width=240,
            elem_id="imagined-shared",
        )
        seed = gr.Number(
            0,
            precision=0,
            label=words.label("imagined_seed"),
            info=words.label("imagined_seed_info"),
            min_width=140,
            elem_id="imagined-seed",
        )
    imagined = gr.HTML(nothing_yet(None, words.ENGLISH), elem_id="imagined")
    asked = [moved, score, seed]
    return LazyTab("imagined", [controls, score, imagined], render, controls=asked, asking=asked)


def _block(imagined: Imagined, titles: dict[str, str], score: float, wish: Wish, language: str) -> str:
    """One modality by one method: what stands in, beside the real one, and what to think of it."""
    moved = wish.score is not None and spec(imagined.method).model is MFM
    folded = None
    if imagined.trust is not None and not imagined.trust.informative:
        shares = [f"{100 * share:.0f} %" for share in (imagined.trust.agreement, imagined.trust.chance)]
        folded = words.say("imagined_folded", language, agreement=shares[0], chance=shares[1])
    return fill(
        "imagined.block",
        language,
        imagined=imagined,
        method=titles[imagined.method],
        faces=_faces(imagined, language),
        curve=_curve(imagined, language),
        facts=_facts_moved(imagined, wish, language) if moved else _facts(imagined, titles, score, language),
        folded=folded,
        opened=wish != NO_WISH,
    )


def _facts_moved(imagined: Imagined, wish: Wish, language: str) -> list[str]:
    """Polarity, and that the visitor made it so."""
    score = words.signed(wish.score or 0.0)
    return [_polarity(imagined, language), words.say("imagined_moved", language, score=score)]


def _polarity(imagined: Imagined, language: str) -> str:
    side = words.score_label(imagined.reading, language)
    return words.say("imagined_polarity", language, reading=words.signed(imagined.reading), side=side)


def _facts(imagined: Imagined, titles: dict[str, str], score: float, language: str) -> list[str]:
    """Polarity beside the real one's and the score's; error; how far to trust it."""
    agreeing = [_polarity(imagined, language), _agrees("score", imagined.reading, score, language)]
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
        agreement=f"{100 * trust.agreement:.0f} %",
        clips=trust.clips,
        chance=f"{100 * trust.chance:.0f} %",
        real=f"{100 * trust.real:.0f} %",
    )
    if trust.informative and trust.gain <= 0:
        said = f"{said} {words.say('imagined_trust_gain', language)}"
    return said


def _faces(imagined: Imagined, language: str) -> list[tuple[int, str, bool]]:
    """Some steps over time of a real face: index, what is said of it, whether it was seen."""
    if imagined.spans is None or imagined.truth is None or imagined.truth.crops is None:
        return []
    return [
        (
            step,
            words.say("face_at", language, seconds=f"{imagined.spans[step].mean():.1f}"),
            not np.isnan(imagined.truth.readings[step]),
        )
        for step in charts.evenly(len(imagined.readings), MOST_FACES)
    ]


def _curve(imagined: Imagined, language: str) -> dict[str, object]:
    """Polarity over the steps: the lines' paths, {CSS class: path}, and what is read aloud."""
    truth, name = imagined.truth, words.names([imagined.modality], language)
    spoken = _spoken_curve("imagined_curve_says", imagined.readings, language, name=name)
    steps = len(imagined.readings)
    edges = np.arange(steps)[:, None] + np.array([0, 1]) if imagined.spans is None else imagined.spans
    lines = {"fb-dashed": _path(edges, imagined.readings)}
    if truth is not None:
        spoken += " " + _spoken_curve("imagined_curve_real", truth.readings, language)
        lines = {"fb-solid": _path(edges, truth.readings), **lines}
    return {"lines": lines, "spoken": spoken, "width": WIDTH, "height": HEIGHT}


def _path(edges: np.ndarray, readings: np.ndarray) -> str:
    """A level stretch a step, joined where one follows the other; a gap where a reading is NaN."""
    first, last = edges.min(), edges.max()
    path, drawing = [], False
    for (start, end), reading in zip(edges, readings, strict=True):
        if np.isnan(reading):
            drawing = False
            continue
        left, right = (WIDTH * (time - first) / max(last - first, 1e-6) for time in (start, end))
        height = HEIGHT / 2 - np.clip(reading, charts.LOWEST, charts.HIGHEST) * (HEIGHT - 4) / 6
        path.append(f"{'L' if drawing else 'M'}{left:.1f} {height:.1f}H{right:.1f}")
        drawing = True
    return "".join(path)


def _spoken_curve(key: str, readings: np.ndarray, language: str, **values: str) -> str:
    ends = (np.nanmin(readings), np.nanmax(readings), np.nanmean(readings))
    low, high, mean = (words.signed(float(end)) for end in ends)
    return words.say(key, language, low=low, high=high, mean=mean, **values)
