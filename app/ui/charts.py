"""Small pictures for the page: HTML that scales with its column, and images as data addresses.

Faces and spectrograms travel inside the answer, never as files, so no visitor's face stays on the disk.
"""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Sequence
from html import escape
from zlib import crc32

import numpy as np
from PIL import Image

from app.service.analysis import LABELS
from app.ui import words
from app.ui.shown import Shown
from models.media.clip import SAMPLE_RATE

LOWEST, HIGHEST = -3, 3  # the fixed scale of every score

# Told apart by people with each kind of colour blindness, and legible on white and on black.
COLOURS = {"text": "#2f7fc4", "audio": "#d97a0b", "vision": "#12967f", "other": "#8a8f98"}

MEL_FRAMES = 100  # log-mel frames a second
QUIET, LOUD = 5, 99.5  # percentiles of the log-mel energies drawn darkest and brightest


def position(score: float) -> str:
    """Where a score stands on the scale, in percent from the left."""
    return f"{100 * (min(max(score, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST):.2f}%"


def gauge(
    score: float | None,
    interval: tuple[float, float] | None,
    before: float | None,
    spoken: str,
    language: str,
) -> str:
    """The -3 … +3 scale with score, interval and, hollow, the score before; `spoken` is read aloud."""
    marks = []
    if interval is not None:
        low, high = (position(end) for end in interval)
        marks.append(f'<i class="fb-band" style="left:{low};right:calc(100% - {high})"></i>')
    if before is not None:
        marks.append(f'<i class="fb-dot fb-before" style="left:{position(before)}"></i>')
    if score is not None:
        start = position(score if before is None else before)
        marks.append(f'<i class="fb-dot" style="--from:{start};left:{position(score)}"></i>')
    ticks = "".join(
        f'<span style="left:{position(value)}">{words.signed(value).removesuffix(".0")}</span>'
        for value in range(LOWEST, HIGHEST + 1)
    )
    ends = f"<span>{words.say('negative', language)}</span><span>{words.say('positive', language)}</span>"
    return (
        f'<div class="fb-gauge" role="img" aria-label="{escape(spoken)}">'
        f'<div class="fb-track">{"".join(marks)}</div><div class="fb-ticks">{ticks}</div></div>'
        f'<div class="fb-ends" aria-hidden="true">{ends}</div>'
    )


def track(score: float, interval: tuple[float, float], spoken: str) -> str:
    """The gauge's line alone, for a row of a table: score and interval on the -3 … +3 scale."""
    low, high = (position(end) for end in interval)
    return (
        f'<div class="fb-track fb-thin" role="img" aria-label="{escape(spoken)}">'
        f'<i class="fb-band" style="left:{low};right:calc(100% - {high})"></i>'
        f'<i class="fb-dot" style="--from:{position(score)};left:{position(score)}"></i></div>'
    )


def shares(weights: dict[str, float], language: str) -> str:
    """Weights {modality: share} as one line of coloured parts that fill it together, the numbers below it."""
    spoken = escape(
        ", ".join(f"{words.modality_name(m, language)} {words.share(w)}" for m, w in weights.items())
    )
    parts = "".join(f'<i class="fb-{m}" style="flex:{max(w, 0.005):.3f}"></i>' for m, w in weights.items())
    numbers = " · ".join(words.share(weight) for weight in weights.values())
    return (
        f'<div class="fb-shares" role="img" aria-label="{spoken}">{parts}</div>'
        f'<small aria-hidden="true">{numbers}</small>'
    )


def nothing_yet(shown: Shown | None, language: str) -> str:
    """What a tab says while there is no answer to look into: none yet, or all switched off; "" with one."""
    if shown is not None and shown.on:
        return ""
    return f'<p class="fb-empty">{words.say("nothing_yet" if shown is None else "all_out", language)}</p>'


def zoomable(name: str, lanes: str, zooms: Sequence[int], language: str, attributes: str = "") -> str:
    """Lanes (`tracks.lane`) that fit the width, and may be made 2, 4 … times as wide in a box that scrolls.

    name : of the figure, unique on the page; attributes : more ones of the lanes' element, as HTML
    """
    group = f"fb-zoom-{crc32(name.encode())}"
    fit = words.say("zoom_fit", language)
    choices = "".join(
        f'<label><input type="radio" name="{group}" value="{zoom}"{" checked" if zoom == 1 else ""}>'
        f"<span>{fit if zoom == 1 else f'{zoom}×'}</span></label>"
        for zoom in zooms
    )
    zoom = escape(words.say("zoom", language))
    control = (
        f'<fieldset class="fb-zoom" data-figure="{group}"><legend>{zoom}</legend>{choices}</fieldset>'
        if len(zooms) > 1
        else ""
    )
    kind = attributes or 'class="fb-lanes"'
    return f'<div class="fb-zoomed">{control}{scrolling(name, f"<div {kind}>{lanes}</div>")}</div>'


def scrolling(name: str, content: str) -> str:
    """Content wider than a phone, scrolled by itself, by touch and by keyboard; `name` is read aloud."""
    return f'<div class="fb-scroll" tabindex="0" role="group" aria-label="{escape(name)}">{content}</div>'


def bar(value: float | None, modality: str) -> str:
    """A weight in [0, 1] as a bar in the modality's colour; None is hatched grey."""
    if value is None:
        return '<div class="fb-bar fb-hatched"></div>'
    return f'<div class="fb-bar"><i class="fb-{modality}" style="width:{100 * value:.1f}%"></i></div>'


def help_button(name: str, about: str) -> str:
    """`name` as a button that opens and closes the `help_text` about it, by pointer, finger and keyboard."""
    return (
        f'<button type="button" class="fb-help" popovertarget="fb-help-{about}">{escape(name)}'
        '<span aria-hidden="true">?</span></button>'
    )


def help_text(name: str, about: str, text: str) -> str:
    """What the buttons of `about` open; Escape or a click elsewhere closes it. `about` is unique."""
    return (
        f'<div id="fb-help-{about}" class="fb-help-text" popover><b>{escape(name)}</b> {escape(text)}</div>'
    )


def distribution(probabilities: list[float] | None, modality: str, language: str) -> str:
    """Probabilities of the classes -3 … 3 as columns, full at 1; None draws the scale alone."""
    axis = "".join(
        f"<span>{words.signed(value).removesuffix('.0')}</span>" for value in range(LOWEST, HIGHEST + 1)
    )
    axis = f'<div class="fb-guess-axis" aria-hidden="true">{axis}</div>'
    if probabilities is None:
        return f'<div class="fb-guess"><div class="fb-guess-bars"></div>{axis}</div>'
    likeliest = int(np.argmax(probabilities))
    spoken = words.say(
        "guess_says",
        language,
        name=words.modality_name(modality, language),
        label=words.class_label(LABELS[likeliest], language),
        value=words.share(probabilities[likeliest]),
    )
    columns = "".join(f'<i class="fb-{modality}" style="height:{100 * p:.1f}%"></i>' for p in probabilities)
    return (
        f'<div class="fb-guess" role="img" aria-label="{escape(spoken)}">'
        f'<div class="fb-guess-bars">{columns}</div>{axis}</div>'
    )


def face_strip(crops: np.ndarray, times: np.ndarray, language: str, most: int = 12) -> str:
    """At most `most` of the (n, 48, 48) uint8 crops, evenly spread over the clip, each with its time."""
    chosen = np.unique(np.linspace(0, len(crops) - 1, min(most, len(crops))).round().astype(int))
    images = []
    for index in chosen:
        spoken = words.say("face_at", language, seconds=f"{times[index]:.1f}")
        source = data_address(Image.fromarray(crops[index]))
        images.append(f'<img src="{source}" alt="{escape(spoken)}" title="{escape(spoken)}">')
    return f'<div class="fb-faces">{"".join(images)}</div>'


def log_mel_picture(log_mel: np.ndarray, spoken: str, widest: int = 1200) -> str:
    """(80, frames) log energies as an orange picture, low bands at the bottom, at most `widest` columns."""
    step = max(1, -(-log_mel.shape[1] // widest))
    frames = log_mel[::-1, : log_mel.shape[1] // step * step]
    energies = frames.reshape(len(frames), -1, step).mean(axis=2)
    low, high = np.percentile(energies, [QUIET, LOUD])
    level = np.clip((energies - low) / max(high - low, 1e-6), 0, 1)[..., None]
    stops = np.array([[24, 18, 12], [217, 122, 11], [255, 240, 214]], dtype=np.float32)
    first, second = np.clip(2 * level, 0, 1), np.clip(2 * level - 1, 0, 1)
    colours = stops[0] + first * (stops[1] - stops[0]) + second * (stops[2] - stops[1])
    source = data_address(Image.fromarray(colours.astype(np.uint8)))
    return f'<img class="fb-mel" src="{source}" alt="{escape(spoken)}">'


def data_address(image: Image.Image) -> str:
    """The image as a data: address."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def sound_address(sound: np.ndarray) -> str:
    """Sound (n,) in [-1, 1] at 16 kHz as a data: address of a WAV: nothing is left on the disk."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((32767 * sound.clip(-1, 1)).astype("<i2").tobytes())
    return f"data:audio/wav;base64,{base64.b64encode(buffer.getvalue()).decode()}"
