"""Pictures and sounds of what is imagined, dashed, and of the real one beside it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from app.service.analysis import Glimpse
from app.ui import charts, words
from models.media.clip import SAMPLE_RATE

if TYPE_CHECKING:
    from app.service.imagining import Imagined

MOST_FACES = 8  # side by side
WIDTH, HEIGHT = 600, 96  # of the curves' own coordinates


def glimpse(seen: Glimpse, modality: str, language: str) -> str:
    """A small picture, or the phrase, and the polarity of what takes the place of a modality."""
    source = words.say("imagined_glimpse", language, names=words.names(seen.given, language))
    label = words.score_label(seen.reading, language)
    spoken = f"{words.modality_name(modality, language)}, {source}"
    picture = ""
    if seen.phrase is not None:
        picture = f'<q class="fb-made">{escape(seen.phrase)}</q>'
    elif seen.face is not None:
        address = charts.data_address(Image.fromarray(seen.face))
        picture = f'<img class="fb-made" src="{address}" alt="{escape(spoken)}">'
    elif seen.log_mel is not None:
        picture = f'<span class="fb-made">{charts.log_mel_picture(seen.log_mel, spoken)}</span>'
    return (
        f'<div class="fb-glimpse fb-hue-{modality}">{picture}'
        f"<p><small>{escape(source)}:</small> "
        f"<b>{words.signed(seen.reading)}</b> <span>{escape(label)}</span></p></div>"
    )


def faces(imagined: Imagined, language: str) -> tuple[str, str | None]:
    """Drawn faces over time and, at the same times, the real ones or None."""
    steps = len(imagined.faces)
    chosen = np.unique(np.linspace(0, steps - 1, min(MOST_FACES, steps)).round().astype(int))
    drawn, real = [], []
    for step in chosen:
        if imagined.spans is None:
            spoken = words.say("imagined_face_step", language, step=step + 1, steps=steps)
        else:
            seconds = f"{imagined.spans[step].mean():.1f}"
            spoken = words.say("imagined_face_at", language, seconds=seconds)
        drawn.append(_face(imagined.faces[step], spoken))
        if imagined.truth and imagined.truth.crops is not None:
            seen = not np.isnan(imagined.truth.readings[step])
            spoken = words.say("face_at", language, seconds=seconds)
            real.append(_face(imagined.truth.crops[step], spoken) if seen else '<i class="fb-hatched"></i>')
    strip = '<div class="fb-strip">{}</div>'
    return strip.format("".join(drawn)), strip.format("".join(real)) if real else None


def voice(imagined: Imagined, language: str) -> tuple[str, str | None]:
    """The imagined voice as log-mel and to be listened to, and the real log-mel or None."""
    seconds = f"{imagined.log_mel.shape[1] / charts.MEL_FRAMES:.1f}"
    picture = charts.log_mel_picture(imagined.log_mel, words.say("imagined_mel", language, seconds=seconds))
    heard = f"{len(imagined.sound) / SAMPLE_RATE:.1f}"
    label = escape(words.say("imagined_listen", language, seconds=heard))
    player = (
        f'<audio controls preload="none" src="{charts.sound_address(imagined.sound)}"'
        f' aria-label="{label}"></audio>'
        f'<p class="fb-small">{label}</p>'
    )
    real = None
    if imagined.truth and imagined.truth.log_mel is not None:
        real = charts.log_mel_picture(imagined.truth.log_mel, words.say("imagined_mel_real", language))
    return picture + player, real


def phrases(imagined: Imagined, language: str) -> tuple[str, str | None]:
    """The phrases nearest to the imagined words, and the real words or None."""
    items = "".join(
        f"<li><q>{escape(phrase.text)}</q><small>"
        + words.say(
            "imagined_phrase",
            language,
            score=words.signed(phrase.score),
            similarity=f"{phrase.similarity:.2f}",
        )
        + "</small></li>"
        for phrase in imagined.phrases
    )
    caption = words.say("imagined_phrases", language)
    real = f"<blockquote>{escape(imagined.truth.text)}</blockquote>" if imagined.truth else None
    return f'<ul class="fb-phrases">{items}</ul><p class="fb-small">{caption}</p>', real


def curves(imagined: Imagined, language: str) -> str:
    """Polarity over the steps: dashed the imagined one, solid the real one, up is positive."""
    truth, name = imagined.truth, words.names([imagined.modality], language)
    spoken = _spoken_curve("imagined_curve_says", imagined.readings, language, name=name)
    steps = len(imagined.readings)
    edges = np.arange(steps)[:, None] + np.array([0, 1]) if imagined.spans is None else imagined.spans
    lines = _line(edges, imagined.readings, "fb-dashed")
    if truth is not None:
        spoken += " " + _spoken_curve("imagined_curve_real", truth.readings, language)
        lines = _line(edges, truth.readings, "fb-solid") + lines
    caption = words.say("imagined_curve_steps" if imagined.spans is None else "imagined_curve", language)
    return (
        f'<div class="fb-curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'preserveAspectRatio="none" aria-label="{escape(spoken)}"><title>{escape(spoken)}</title>'
        f'<path class="fb-zero" d="M0 {HEIGHT / 2}H{WIDTH}"/>{lines}</svg>'
        f'<p class="fb-small">{caption}</p></div>'
    )


def track(imagined: Imagined, language: str) -> str:
    """The two mean polarities on the -3 … +3 scale: hollow the imagined one, full the real one."""
    spoken = f"{words.say('imagined_badge', language)} {words.signed(imagined.reading)}"
    marks = f'<i class="fb-dot fb-imagined-dot" style="left:{charts.position(imagined.reading)}"></i>'
    if imagined.truth is not None:
        real = imagined.truth.reading
        spoken += f", {words.say('imagined_real', language)} {words.signed(real)}"
        marks = f'<i class="fb-dot" style="left:{charts.position(real)}"></i>{marks}'
    return (
        f'<div class="fb-track fb-thin" role="img" '
        f'aria-label="{escape(spoken)}" title="{escape(spoken)}">{marks}</div>'
    )


def _face(pixels: np.ndarray, spoken: str) -> str:
    source = charts.data_address(Image.fromarray(pixels))
    return f'<img src="{source}" alt="{escape(spoken)}" title="{escape(spoken)}">'


def _line(edges: np.ndarray, readings: np.ndarray, kind: str) -> str:
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
    return f'<path class="{kind}" d="{"".join(path)}"/>'


def _spoken_curve(key: str, readings: np.ndarray, language: str, **values: str) -> str:
    ends = (np.nanmin(readings), np.nanmax(readings), np.nanmean(readings))
    low, high, mean = (words.signed(float(end)) for end in ends)
    return words.say(key, language, low=low, high=high, mean=mean, **values)
