"""HTML from the macros in `assets/templates`, where every value is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token

from app.service.analysis import LABELS
from app.ui import charts, words

TEMPLATES = Path(__file__).resolve().parents[2] / "assets" / "templates"
BREAK_AT_TAG = re.compile(r"(^|(?<=>))\s*\n\s*|\s*\n\s*($|(?=<))")
BREAK = re.compile(r"\s*\n\s*")


def fill(macro: str, language: str, **values: object) -> str:
    """The HTML of a macro: "charts.gauge" is `gauge` in assets/templates/charts.html.

    As a value of another macro it is not escaped again; joined to other text in Python it would be.
    Beside its arguments a macro knows the phrases, names and formats of `language`, listed in `_environment`.
    """
    file, name = macro.split(".")
    environment = _environment(language)
    try:
        return getattr(environment.get_template(f"{file}.html").module, name)(**values)
    except Exception:
        environment.handle_exception()  # raises it, with the template's own lines in the traceback


class _Unindented(Extension):
    """Line breaks and indentation are for those who read a template, and never reach the page.

    What stands inside the values is left as it is: a visitor's words may have lines.
    """

    def filter_stream(self, stream: Iterator[Token]) -> Iterator[Token]:
        """As jinja2's."""
        for token in stream:
            if token.type == "data":
                joined = BREAK.sub(" ", BREAK_AT_TAG.sub("", str(token.value)))
                token = Token(token.lineno, token.type, joined)
            yield token


@cache
def _environment(language: str) -> Environment:
    """Templates in a language; each is read and compiled once."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        extensions=[_Unindented],
    )

    def in_language(function):
        return lambda *arguments, **values: function(*arguments, **values, language=language)

    def likeliest(probabilities: list[float]) -> str:
        return words.class_label(LABELS[int(np.argmax(probabilities))], language)

    environment.globals.update(
        LANGUAGE=language,
        MODALITIES=words.MODALITIES,
        MOST_ENTROPY=words.MOST_ENTROPY,
        SCALE=range(charts.LOWEST, charts.HIGHEST + 1),
        say=in_language(words.say),
        modality_name=in_language(words.modality_name),
        names=in_language(words.names),
        class_label=in_language(words.class_label),
        score_label=in_language(words.score_label),
        interval=in_language(words.interval),
        stage=in_language(words.stage),
        likeliest=likeliest,
        evenly=charts.evenly,
    )
    environment.filters.update(
        signed=words.signed,
        number=words.number,
        share=words.share,
        position=charts.position,
        digits=lambda number, count: f"{number:.{count}f}",
        mel_seconds=charts.mel_seconds,
        sound_seconds=charts.sound_seconds,
        picture=charts.picture_address,
        webp=charts.webp_address,
        median_pitch=charts.median_pitch,
        pitch_range=charts.pitch_range,
        log_mel=charts.log_mel_address,
        sound=charts.sound_address,
    )
    return environment
