"""The tab that disturbs one modality on purpose and shows what every method makes of it."""

from __future__ import annotations

import gradio as gr
import numpy as np

from app.service.analysis import as_displayed, side_of
from app.service.perturbations import KINDS
from app.service.robustness import (
    STRENGTHS,
    Perturbed,
    Robustness,
    measure_robustness,
    perturbed,
    usable_kinds,
)
from app.ui import charts, words
from app.ui.controller import in_plain_words
from app.ui.page_state import PageState, Visit
from app.ui.panels import LazyTab, TabContext, nothing_yet
from app.ui.templates import fill
from models.media.clip import SAMPLE_RATE

STEP = STRENGTHS[1]  # of the slider: every place on it has been computed
FIRST_STRENGTH = STRENGTHS[3]
SEEDS = 2**32
LISTEN_SECONDS = 10  # of a perturbed voice that travel with the page
COUNTED = ("blur", "darken")  # kinds whose unit has a name in each language; others are shares
COLOURS, DASHES = 4, 4  # of the lines; stress.css has one rule for each


def build(context: TabContext) -> LazyTab:
    """The tab, its controls out of sight until there is an answer."""
    controller = context.controller
    analyst, titles, methods = controller.analyst, controller.titles, list(controller.available)

    def render(
        state: PageState | None,
        visit: Visit,
        kind: str | None = None,
        strength: float = FIRST_STRENGTH,
        seed: float | None = 0,
    ) -> list:
        language = visit.language
        if state is None or not state.on:
            return [
                gr.Column(visible=False),
                gr.update(),
                gr.update(),
                None,
                "",
                nothing_yet(state, language),
            ]
        offered = usable_kinds(state.on)
        kind, strength = kind if kind in offered else offered[0], _notch(strength)
        progress = gr.Progress()

        def tell(stage: str, done: float) -> None:
            progress(done, desc=words.doing(stage, language))

        utterance, _, used = controller.open(state, visit)
        found = measure_robustness(
            utterance, used, analyst.profile, analyst.checkpoint, methods, kind, _seed(seed), tell
        )
        given = perturbed(utterance, used, kind, strength, found.seed)
        by_chance = KINDS[kind].by_chance
        info = words.label("stress_seed_info" if by_chance else "stress_seed_unused")
        return [
            gr.Column(visible=True),
            gr.Radio(choices=[(words.label(f"stress_kind_{name}"), name) for name in offered], value=kind),
            gr.Number(interactive=by_chance, info=info),
            found,
            _not_offered(state, language),
            _draw(found, given, strength, state, titles, language),
        ]

    def slide(
        state: PageState | None, found: Robustness | None, strength: float, language: str, request: gr.Request
    ) -> str | dict:
        if state is None or not state.on or found is None:
            return gr.skip()
        with in_plain_words(language):
            visit, strength = Visit.of(request, language), _notch(strength)
            utterance, _, used = controller.open(state, visit)
            given = perturbed(utterance, used, found.kind, strength, found.seed)
            return _draw(found, given, strength, state, titles, language)

    with gr.Column(visible=False, elem_id="stress-controls") as controls:
        kind = gr.Radio(
            [(words.label(f"stress_kind_{name}"), name) for name in KINDS],
            value=next(iter(KINDS)),
            label=words.label("stress_kind"),
            elem_id="stress-kind",
        )
        unused = gr.HTML("", elem_id="stress-unused")
        with gr.Row():
            strength = gr.Slider(
                STRENGTHS[0],
                STRENGTHS[-1],
                value=FIRST_STRENGTH,
                step=STEP,
                label=words.label("stress_strength"),
                info=words.label("stress_strength_info"),
                buttons=[],
                scale=3,
                min_width=240,
                elem_id="stress-strength",
            )
            seed = gr.Number(
                0,
                precision=0,
                label=words.label("stress_seed"),
                info=words.label("stress_seed_info"),
                min_width=140,
                elem_id="stress-seed",
            )
    found = gr.State(None)
    result = gr.HTML(nothing_yet(None, words.ENGLISH), elem_id="stress")
    components = [controls, kind, seed, found, unused, result]
    strength.input(
        slide,
        [context.page_state, found, strength, context.language],
        result,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    return LazyTab("stress", components, render, controls=[kind, strength, seed], asking=[kind, seed])


def _seed(given: float | None) -> int:
    """What is in the field as a seed, also while the visitor is still typing it."""
    return abs(int(given or 0)) % SEEDS


def _notch(strength: float) -> float:
    """The one of STRENGTHS that a place on the slider stands for."""
    return min(STRENGTHS, key=lambda known: abs(known - strength))


def _not_offered(state: PageState, language: str) -> str:
    """Why the kinds of a modality that is not in use cannot be chosen; "" where all are."""
    reasons = []
    for modality in words.MODALITIES:
        if modality in state.on:
            continue
        if state.analysis.modalities[modality].present:
            name = words.modality_name(modality, language)
            reasons.append(words.say("stress_pulled", language, name=name))
        else:
            reasons.append(words.say(f"absent_{modality}", language))
    if not reasons:
        return ""
    listed = ("；" if language == words.CHINESE else "; ").join(reasons)
    return fill("charts.small", language, text=words.say("stress_not_offered", language, reasons=listed))


def _draw(
    found: Robustness,
    given: Perturbed,
    strength: float,
    state: PageState,
    titles: dict[str, str],
    language: str,
) -> str:
    """Everything below the controls: the perturbed input, and the scores as sentence, curves and table."""
    chosen = state.query.method
    rows = [_row(found, method, strength, chosen, titles[method], language) for method in found.curves]
    spoken = words.say(
        "stress_plot",
        language,
        count=len(found.curves),
        method=titles[chosen],
        course=", ".join(_points(found, chosen, language)),
    )
    return fill(
        "robustness.tab",
        language,
        kind=found.kind,
        modality=KINDS[found.kind].modality,
        given=given,
        heard=None if given.waveform is None else _heard(given.waveform),
        amount=_amount(found.kind, strength, language, whole=True),
        sentence=_sentence(found, strength, chosen, titles, language),
        spoken=spoken,
        strength=strength,
        strengths=[(known, _amount(found.kind, known, language)) for known in STRENGTHS],
        chosen=found.curves[chosen],
        rows=rows,
    )


def _heard(waveform: np.ndarray) -> np.ndarray:
    """The first seconds of a perturbed voice, no louder than what can be played."""
    heard = waveform[: LISTEN_SECONDS * SAMPLE_RATE]
    return heard / max(1.0, float(abs(heard).max(initial=0.0)))  # loud noise must not clip


def _sentence(found: Robustness, strength: float, chosen: str, titles: dict[str, str], language: str) -> str:
    parts, at = [], STRENGTHS.index(strength)
    after = found.curves[chosen][at]
    if after is None:
        return words.say("stress_nothing_left", language)
    if strength > 0:
        before, after = words.signed(found.untouched(chosen)), words.signed(after)
        parts.append(words.say("stress_says", language, method=titles[chosen], before=before, after=after))
        turned = sum(_turned(found.untouched(method), curve[at]) for method, curve in found.curves.items())
        parts.append(words.say("stress_turned", language, count=turned, all=len(found.curves)))
    moved = {method: _mean_change(found, method) for method in found.curves}
    steady, shaky = min(moved, key=lambda m: moved[m]), max(moved, key=lambda m: moved[m])
    parts.append(
        words.say(
            "stress_steady",
            language,
            steady=titles[steady],
            least=f"{moved[steady]:.1f}",
            shaky=titles[shaky],
            most=f"{moved[shaky]:.1f}",
        )
    )
    return ("" if language == words.CHINESE else " ").join(parts)


def _turned(before: float, after: float | None) -> bool:
    """True where the label changes from positive to negative or back."""
    return after is not None and {side_of(before), side_of(after)} == {"negative", "positive"}


def _mean_change(found: Robustness, method: str) -> float:
    """Mean distance from the untouched score over the strengths that leave something to judge."""
    untouched = found.untouched(method)
    moved = [abs(score - untouched) for score in found.curves[method][1:] if score is not None]
    return sum(moved) / max(1, len(moved))


def _amount(kind: str, strength: float, language: str, *, whole: bool = False) -> str:
    """How much a strength is in the kind's own unit: "40 %"; `whole` says of what."""
    if strength == 0:
        return words.say("stress_untouched", language)
    value = KINDS[kind].amount(strength)
    if kind == "noise":
        amount = f"{value:.0f} dB".replace("-", "−")
    elif kind in COUNTED:
        amount = words.say(f"stress_{kind}", language, value=f"{value:.1f}")
    else:
        amount = f"{100 * value:.0f} %"
    return words.say(f"stress_of_{kind}", language, amount=amount) if whole else amount


def _points(found: Robustness, method: str, language: str) -> list[str]:
    """ "22 dB +1.4" at every strength, for ears and for a pointer that rests on a line."""
    return [
        f"{_amount(found.kind, known, language)} {'–' if score is None else words.signed(score)}"
        for known, score in zip(STRENGTHS, found.curves[method], strict=True)
    ]


def _row(
    found: Robustness, method: str, strength: float, chosen: str, title: str, language: str
) -> dict[str, object]:
    """What line and table show of a method, and what is said of it."""
    before, after = found.untouched(method), found.curves[method][STRENGTHS.index(strength)]
    said = "–" if after is None else words.signed(after)
    left = [
        f"{charts.position(score).rstrip('%')} {100 * known:.0f}"
        for known, score in zip(STRENGTHS, found.curves[method], strict=True)
        if score is not None
    ]
    return {
        "title": title,
        "chosen": method == chosen,
        "look": _look(found, method, method == chosen),
        "path": "M" + "L".join(left),
        "hint": f"{title}: {', '.join(_points(found, method, language))}",
        "before": before,
        "after": after,
        # of the numbers as they are shown, so that the row adds up
        "change": None if after is None else as_displayed(after) - as_displayed(before),
        "spoken": words.say("stress_row", language, method=title, before=words.signed(before), after=said),
    }


def _look(found: Robustness, method: str, chosen: bool) -> str:
    """The classes of a method's line: the chosen one is ink, any other has its own colour and dash."""
    if chosen:
        return "fb-stress-line fb-stress-chosen"
    place = list(found.curves).index(method)
    return f"fb-stress-line fb-hue-{place % COLOURS} fb-dash-{place // COLOURS % DASHES}"
