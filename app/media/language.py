"""Which language are words in? The text encoder understands only English."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from app.service.analysis import Notice

NAMES = """
english chinese spanish german french italian portuguese dutch turkish russian japanese korean arabic hindi
"""
LANGUAGES = tuple(Language.from_str(name) for name in NAMES.split())
CODES = {language.iso_code_639_1.name.lower(): language.name.capitalize() for language in LANGUAGES}
MIN_WORDS = 4  # fewer words of Latin script may be anything
MIN_CONFIDENCE = 0.8
MIN_ENGLISH = 0.14  # share of common English words that settles it: in running English it is about one half

# No common words in the other languages of Latin script ("was" is German too, "is" Dutch).
COMMON_WORDS = """
the and this that these those it its it's i'm i've you your my he's she she's her his they their them there
with have had has not are were been what when which who why how just really very like good great bad best
worst would could should about because but if don't didn't doesn't wasn't can't think know some every more
most much movie movies films watch watching love loved hate hated thing things of for all at one out
"""
COMMON_ENGLISH = frozenset(COMMON_WORDS.split())


def warn_if_not_english(text: str) -> Notice | None:
    """A notice where a transcript is clearly in another language; None where English, short or unclear."""
    letters = [letter for letter in text if letter.isalpha()]
    if len(letters) < 2:
        return None
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    if latin < len(letters) / 2:
        return _notice(_detector().detect_language_of(text))
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text.lower().replace("’", "'"))
    english = sum(word in COMMON_ENGLISH for word in words)
    if len(words) < MIN_WORDS or english >= MIN_ENGLISH * len(words):
        return None
    likeliest = _detector().compute_language_confidence_values(text)[0]
    if likeliest.language == Language.ENGLISH or likeliest.value < MIN_CONFIDENCE:
        return None
    return _notice(likeliest.language)


def translated(code: str) -> Notice:
    """A notice that the words are a translation; `code` of the language in which they were said."""
    text = (
        f"Spoken in {CODES[code]}: the words are a translation by a small model, which makes mistakes; "
        "the interval is wider for that."
    )
    return Notice("translated", text, {"language": CODES[code]})


def _notice(language: Language | None) -> Notice:
    name = language.name.capitalize() if language else ""
    seems = f"seems to be {name}" if name else "does not seem to be English"
    text = f"The transcript {seems}. Only English words are understood, so what they say may be misjudged."
    return Notice("not_english", text, {"language": name})


@cache
def _detector() -> LanguageDetector:
    # Low accuracy takes 30 MB and is enough for whole sentences; high accuracy takes 230 MB and seconds.
    return LanguageDetectorBuilder.from_languages(*LANGUAGES).with_low_accuracy_mode().build()
