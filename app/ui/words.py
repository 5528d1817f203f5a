"""How the page speaks: English or Chinese, one table for both ways of saying it.

Labels that never change are markers that the browser translates (`label`); text computed from an answer is
translated here (`say`). `LOCALES` names what the language switch sets in the browser.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import gradio as gr

from app.media.language import CODES
from app.service.analysis import Notice, Transcript, as_displayed
from app.service.analysis import label_of as label_of_score
from app.ui.phrases import PHRASES
from app.ui.phrases.chinese import ERRORS_CHINESE, LABELS_CHINESE, LANGUAGES_CHINESE, NOTICES_CHINESE
from models.types import MODALITIES

ENGLISH, CHINESE = "en", "zh-CN"
BOTH = (ENGLISH, CHINESE)
LANGUAGES = [("EN", ENGLISH), ("中文", CHINESE)]
MOST_ENTROPY = math.log(7)  # nats, of a guess that does not know which of the seven classes

CHINESE_LOCALES = ("zh", "zh-CN", "zh-TW", "zh-HK")
PREFIX = "fusebox_"  # Gradio keeps its own words ("video", "error") in the same dictionary

TRANSLATIONS = gr.I18n(**{locale: {} for locale in ("en", *CHINESE_LOCALES)})
for _locale in CHINESE_LOCALES:  # which Gradio reads aloud after an event, and has no Chinese for
    TRANSLATIONS.translations[_locale]["common.complete"] = "完成"


def label_of(key: str, english: str, chinese: str) -> str:
    """A marker, named `key`, that the browser shows as `english` or `chinese`."""
    TRANSLATIONS.translations["en"][PREFIX + key] = english
    for locale in CHINESE_LOCALES:
        TRANSLATIONS.translations[locale][PREFIX + key] = chinese
    return str(TRANSLATIONS(PREFIX + key))  # as text: not every component knows the marker object


def label(key: str) -> str:
    """The phrase `key` as a marker that the browser shows in its language; KeyError for an unknown key."""
    return label_of(key, *PHRASES[key])


def say(key: str, language: str, **values: object) -> str:
    """The phrase `key` in `language`, its placeholders filled with `values`."""
    return PHRASES[key][language == CHINESE].format(**values)


def known(key: str) -> bool:
    """True where there is a phrase `key`: a method of a researcher's may have none."""
    return key in PHRASES


def modality_name(modality: str, language: str) -> str:
    """ "audio" -> "Voice"."""
    return say("audio_name" if modality == "audio" else modality, language)


def names(modalities: Iterable[str], language: str) -> str:
    """("text", "audio") -> "words and voice", as it stands inside a sentence."""
    *first, last = (modality_name(m, language) for m in MODALITIES if m in set(modalities))
    if language == CHINESE:
        return f"{'、'.join(first)}和{last}" if first else last
    return (f"{', '.join(first)} and {last}" if first else last).lower()


def signed(score: float) -> str:
    """A score with its sign and one decimal: "+1.4", "−0.3", "0.0"."""
    rounded = as_displayed(score)
    return f"{abs(rounded):.1f}" if rounded == 0 else f"{'+' if rounded > 0 else '−'}{abs(rounded):.1f}"


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus, "0.00" for what rounds to it."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return text.removeprefix("-")
    return text.replace("-", "−")


def clock(seconds: float) -> str:
    """ "1:05"."""
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes}:{second:02d}"


def share(value: float) -> str:
    """A weight in [0, 1] with two decimals."""
    return f"{value:.2f}"


def own_column(kind: str | None) -> str | None:
    """The kind of a method's own weights where they have a column of their own, else None.

    MLA's entropy weights have none: they are the shares of certainty, which stand beside every method.
    """
    return None if kind == "entropy" else kind


def weights_name(kind: str, language: str) -> str:
    """The name of a method's own weights ("attention") as a column heading."""
    kind = say(f"weights_{kind}", language) if f"weights_{kind}" in PHRASES else kind
    return say("own", language, kind=kind)


def score_label(score: float, language: str) -> str:
    """The label of a score in `language`."""
    return class_label(label_of_score(score), language)


def class_label(english: str, language: str) -> str:
    """One of the seven labels in `language`."""
    return LABELS_CHINESE[english] if language == CHINESE else english


def interval(ends: tuple[float, float], language: str) -> str:
    """ "80 % interval +0.6 … +2.2"."""
    low, high = ends
    return say("interval", language, low=signed(low), high=signed(high))


def notice(told: Notice, language: str) -> str:
    """A notice in `language`; a code without a translation is told in English rather than not at all."""
    return _translated(NOTICES_CHINESE, told.code, told.text, told.values, language)


def error(code: str, english: str, values: dict, language: str) -> str:
    """The message of an AnalysisError or MediaError in `language`; English where the code is unknown."""
    return _translated(ERRORS_CHINESE, code, english, values, language)


def _translated(chinese: dict[str, str], code: str, english: str, values: dict, language: str) -> str:
    if language != CHINESE or code not in chinese:
        return english
    values = dict(values)
    for key in ("modalities", "used", "present"):
        if key in values:
            values[key] = names(str(values[key]).split(","), language)
    if "reasons" in values:
        codes = filter(None, str(values["reasons"]).split(","))
        values["reasons"] = "".join(NOTICES_CHINESE[code].format(**values) for code in codes)
    if "language" in values:
        values["language"] = spoken_language(str(values["language"]), language)
    return chinese[code].format(**values)


def spoken_language(english: str, language: str) -> str:
    """A language ("German") in `language`."""
    return LANGUAGES_CHINESE.get(english, "其他语言") if language == CHINESE else english


def stage(name: str, language: str) -> str:
    """A stage that has been timed ("decode") as a person calls it."""
    return say(f"stage_{name}", language) if f"stage_{name}" in PHRASES else name


def doing(name: str, language: str) -> str:
    """A stage that is running ("reading words") as a person calls it."""
    key = f"doing_{name.split()[0]}"
    return say(key if key in PHRASES else "doing", language)


def words_note(transcript: Transcript, source: str, language: str) -> str:
    """What stands above the words: who wrote them. `source` as in Transcript, or "example"."""
    if source in ("typed", "example", "none"):
        return say(f"words_{source}", language)
    if transcript.original:
        spoken = spoken_language(CODES[transcript.language], language)
        return say("words_translated", language, spoken=spoken, original=transcript.original)
    return say("words_recognised", language)
