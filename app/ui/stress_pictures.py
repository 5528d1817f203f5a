"""What a disturbed clip looks and sounds like, and how far it moves every method."""

from __future__ import annotations

from html import escape

from app.service.analysis import as_displayed, side_of
from app.service.disturbing import KINDS
from app.service.stress import STRENGTHS, Disturbed, Stress, Trend
from app.ui import charts, words
from app.ui.shown import Shown
from models.media.clip import SAMPLE_RATE

LISTEN_SECONDS = 10  # of a disturbed voice that travel with the page
COUNTED = ("blur", "darken")  # kinds whose unit has a name in each language; others are shares
COLOURS, DASHES = 4, 4  # of the lines; stress.css has one rule for each


def result(
    found: Stress, given: Disturbed, strength: float, shown: Shown, titles: dict[str, str], language: str
) -> str:
    """Everything below the controls: the disturbed input, and the scores as sentence, curves and table."""
    chosen = shown.query.method
    return (
        f"{_given(found, given, strength, language)}"
        f'<h2 class="fb-title fb-stress-title">{words.say("stress_title", language)}'
        f"<small>{escape(_amount(found.kind, strength, language, whole=True))}</small></h2>"
        f'<p class="fb-plain">{escape(_sentence(found, strength, chosen, titles, language))}</p>'
        f"{_plot(found, strength, chosen, titles, language)}"
        f"{_table(found, strength, chosen, titles, language)}"
        f'<p class="fb-small">{words.say("stress_foot", language)}</p>'
    )


def not_offered(shown: Shown, language: str) -> str:
    """Why the kinds of a modality that is not in use cannot be chosen; "" where all are."""
    reasons = []
    for modality in words.MODALITIES:
        if modality in shown.on:
            continue
        if shown.analysis.modalities[modality].present:
            name = words.modality_name(modality, language)
            reasons.append(words.say("stress_pulled", language, name=name))
        else:
            reasons.append(words.say(f"absent_{modality}", language))
    if not reasons:
        return ""
    listed = ("；" if language == words.CHINESE else "; ").join(reasons)
    return f'<p class="fb-small">{escape(words.say("stress_not_offered", language, reasons=listed))}</p>'


def _given(found: Stress, given: Disturbed, strength: float, language: str) -> str:
    """The disturbed words, voice or face, for eye and ear."""
    modality = KINDS[found.kind].modality
    amount = _amount(found.kind, strength, language, whole=True)
    if given.waveform is not None:
        content = _voice(given, language)
    elif given.crops is not None:
        content = charts.face_strip(given.crops, given.times, language)
    else:
        content = f'<p class="fb-disturbed">{" ".join(_word(*pair) for pair in given.words)}</p>'
    note = words.say(f"stress_note_{found.kind}", language)
    return (
        f'<h2 class="fb-title">{words.say("stress_given", language)}<small>{escape(amount)}</small></h2>'
        f'<div class="fb-given fb-given-{modality}">{content}</div><p class="fb-small">{escape(note)}</p>'
    )


def _word(was: str, now: str | None) -> str:
    if now == was:
        return escape(was)
    dropped = f"<del>{escape(was)}</del>"
    return dropped if now is None else f"{dropped} <ins>{escape(now)}</ins>"


def _voice(given: Disturbed, language: str) -> str:
    seconds = given.log_mel.shape[1] / charts.MEL_FRAMES
    picture = charts.log_mel_picture(
        given.log_mel, words.say("stress_mel", language, seconds=f"{seconds:.1f}")
    )
    heard = given.waveform[: LISTEN_SECONDS * SAMPLE_RATE]
    spoken = words.say("stress_listen", language, seconds=f"{len(heard) / SAMPLE_RATE:.1f}")
    loudest = max(1.0, float(abs(heard).max(initial=0.0)))  # loud noise must not clip
    return (
        f'{picture}<audio controls preload="none" src="{charts.sound_address(heard / loudest)}" '
        f'aria-label="{escape(spoken)}"></audio>'
    )


def _sentence(found: Stress, strength: float, chosen: str, titles: dict[str, str], language: str) -> str:
    parts = []
    before, after = found.curves[chosen][0], found.curves[chosen][STRENGTHS.index(strength)]
    if after is None:
        return words.say("stress_nothing_left", language)
    if strength > 0:
        before, after = words.signed(before), words.signed(after)
        parts.append(words.say("stress_says", language, method=titles[chosen], before=before, after=after))
        turned = sum(_turned(curve[0], curve[STRENGTHS.index(strength)]) for curve in found.curves.values())
        parts.append(words.say("stress_turned", language, count=turned, all=len(found.curves)))
    moved = {method: _mean_change(curve) for method, curve in found.curves.items()}
    steady, shaky = min(moved, key=moved.get), max(moved, key=moved.get)
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


def _turned(before: float, after: float) -> bool:
    """True where the label changes from positive to negative or back."""
    return {side_of(before), side_of(after)} == {"negative", "positive"}


def _mean_change(curve: Trend) -> float:
    """Mean distance from the untouched score over the strengths that leave something to judge."""
    moved = [abs(score - curve[0]) for score in curve[1:] if score is not None]
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


def _plot(found: Stress, strength: float, chosen: str, titles: dict[str, str], language: str) -> str:
    """Scores from left to right, strength downwards, so that negative stays on the left as everywhere."""
    order = sorted(found.curves, key=lambda method: method == chosen)  # the chosen line lies on top
    lines = "".join(_line(found, method, method == chosen, titles[method], language) for method in order)
    rows = "".join(
        f'<span style="top:{100 * known:.0f}%"{" class=fb-now" if known == strength else ""}>'
        f"{escape(_amount(found.kind, known, language))}</span>"
        for known in STRENGTHS
    )
    ticks = "".join(
        f'<span style="left:{charts.position(value)}">{words.signed(value).removesuffix(".0")}</span>'
        for value in range(charts.LOWEST, charts.HIGHEST + 1)
    )
    dots = "".join(
        f'<i class="fb-dot{" fb-now" if known == strength else ""}" '
        f'style="left:{charts.position(score)};top:{100 * known:.0f}%"></i>'
        for known, score in zip(STRENGTHS, found.curves[chosen], strict=True)
        if score is not None
    )
    spoken = words.say(
        "stress_plot",
        language,
        count=len(found.curves),
        method=titles[chosen],
        course=", ".join(_points(found, chosen, language)),
    )
    return (
        f'<div class="fb-stress-plot" role="img" aria-label="{escape(spoken)}">'
        f'<div class="fb-stress-rows">{rows}</div><div class="fb-stress-field">'
        f'<i class="fb-stress-now" style="top:{100 * strength:.0f}%"></i>'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="fb-stress-zero" d="M50 0V100"/>{lines}</svg>{dots}</div>'
        f'<div class="fb-ticks">{ticks}</div></div>'
    )


def _points(found: Stress, method: str, language: str) -> list[str]:
    """ "22 dB +1.4" at every strength, for ears and for a pointer that rests on a line."""
    return [
        f"{_amount(found.kind, known, language)} {'–' if score is None else words.signed(score)}"
        for known, score in zip(STRENGTHS, found.curves[method], strict=True)
    ]


def _line(found: Stress, method: str, chosen: bool, title: str, language: str) -> str:
    left = [
        (float(charts.position(score).rstrip("%")), 100 * known)
        for known, score in zip(STRENGTHS, found.curves[method], strict=True)
        if score is not None
    ]
    path = "M" + "L".join(f"{x:.2f} {y:.0f}" for x, y in left)
    hint = escape(f"{title}: {', '.join(_points(found, method, language))}")
    return f'<path class="{_look(found, method, chosen)}" d="{path}"><title>{hint}</title></path>'


def _look(found: Stress, method: str, chosen: bool) -> str:
    """The classes of a method's line: the chosen one is ink, any other has its own colour and dash."""
    if chosen:
        return "fb-stress-line fb-stress-chosen"
    place = list(found.curves).index(method)
    return f"fb-stress-line fb-hue-{place % COLOURS} fb-dash-{place // COLOURS % DASHES}"


def _table(found: Stress, strength: float, chosen: str, titles: dict[str, str], language: str) -> str:
    heads = "".join(
        f'<th scope="col">{escape(words.say(f"stress_{key}", language))}</th>'
        for key in ("method", "before", "after", "change", "scale")
    )
    rows = "".join(
        _row(found, method, strength, method == chosen, titles[method], language) for method in found.curves
    )
    return charts.scrolling(
        words.say("stress_title", language),
        '<table class="fb-table fb-stress-table">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>",
    )


def _row(found: Stress, method: str, strength: float, chosen: bool, title: str, language: str) -> str:
    before, after = found.curves[method][0], found.curves[method][STRENGTHS.index(strength)]
    # of the numbers as they are shown, so that the row adds up
    change = None if after is None else as_displayed(after) - as_displayed(before)
    said = "–" if after is None else words.signed(after)
    spoken = words.say("stress_row", language, method=title, before=words.signed(before), after=said)
    sample = (
        '<svg class="fb-sample" viewBox="0 0 28 8" aria-hidden="true">'
        f'<path class="{_look(found, method, chosen)}" d="M0 4H28"/></svg>'
    )
    mark = f" <small>{words.say('compare_chosen', language)}</small>" if chosen else ""
    cells = (
        f'<th scope="row">{sample}{escape(title)}{mark}</th>',
        f"<td>{words.signed(before)}</td>",
        f"<td><b>{said}</b></td>",
        f"<td>{'–' if change is None else words.signed(change)}</td>",
        f"<td>{_move(before, after, spoken)}</td>",
    )
    return f"<tr{' aria-current=true' if chosen else ''}>{''.join(cells)}</tr>"


def _move(before: float, after: float | None, spoken: str) -> str:
    """The way from the untouched score, hollow, to the disturbed one on the -3 … +3 scale."""
    marks = f'<i class="fb-dot fb-before" style="left:{charts.position(before)}"></i>'
    if after is not None:
        low, high = sorted((before, after))
        marks += (
            f'<i class="fb-band" style="left:{charts.position(low)};'
            f'right:calc(100% - {charts.position(high)})"></i>'
            f'<i class="fb-dot" style="left:{charts.position(after)}"></i>'
        )
    return f'<div class="fb-track fb-thin" role="img" aria-label="{escape(spoken)}">{marks}</div>'
