"""What a visitor is told beside the score, in plain words."""

from __future__ import annotations

from collections.abc import Iterable

from app.service.analysis import Notice, Transcript
from models.clip import Clip
from models.types import Modality

Subset = tuple[Modality, ...]

PLAIN = {Modality.TEXT: "words", Modality.AUDIO: "voice", Modality.VISION: "face"}

# A notice with one of these codes already explains what is the matter with its modality.
EXPLAINS = {
    "no_sound": (Modality.AUDIO, Modality.TEXT),
    "no_voice": (Modality.AUDIO,),
    "no_speech": (Modality.TEXT,),
    "no_words": (Modality.TEXT,),
    "no_picture": (Modality.VISION,),
    "no_face": (Modality.VISION,),
    "not_english": (Modality.TEXT,),
}


class AnalysisError(ValueError):
    """Input that cannot be analysed: says what was wrong with it and what would work.

    `code` and `values` let a page translate the message, as a MediaError's do.
    """

    def __init__(self, code: str, text: str, **values: str | float | int) -> None:
        super().__init__(text)
        self.code = code
        self.values = values


def of_clip(clip: Clip, seconds: float, *, film: bool, voice: bool, face: bool) -> list[Notice]:
    """What a decoded clip lacks.

    seconds : where longer clips are cut
    film : a picture was to be expected; an audio file owes none
    voice, face : an extractor found one
    """
    notices = []
    if clip.truncated:
        text = f"The clip is longer than {seconds:g} seconds; only the first {seconds:g} are used."
        notices.append(Notice("truncated", text, {"seconds": seconds}))
    if clip.damaged:
        text = "Parts of the file are damaged and could not be read; the rest of it is used."
        notices.append(Notice("damaged_parts", text))
    if clip.audio is None:
        notices.append(Notice("no_sound", "The clip has no sound, so there is no voice to hear."))
    elif not voice:
        notices.append(Notice("no_voice", "The sound is silent or too short to hear a voice in."))
    if film and clip.frames is None:
        notices.append(Notice("no_picture", "The clip has no picture, so there is no face to see."))
    elif film and not face:
        notices.append(Notice("no_face", "No face was found in the picture."))
    return notices


def of_transcript(transcript: Transcript, *, recognised: bool) -> list[Notice]:
    """What to know about the words; `recognised` is True where a recogniser was asked for them."""
    if recognised and not transcript.text:
        return [Notice("no_speech", "No words were recognised in the sound; you can type them.")]
    if transcript.rough:
        text = "The transcript was recognised roughly and may be wrong; please correct it."
        return [Notice("rough_transcript", text, {"source": transcript.source})]
    return []


def no_words() -> Notice:
    """A transcript of nothing but signs, such as emoji, that the text encoder does not know."""
    return Notice("no_words", "What stands for the words has none that can be read; letters would work.")


def of_length(tokens: list[str], most: int) -> Notice | None:
    """Words that the text encoder did not read, for there were too many.

    tokens : word pieces that it did read, with [CLS] and [SEP]; most : as many as it can
    """
    if len(tokens) < most:
        return None
    words = sum(not token.startswith("##") for token in tokens) - 2
    return Notice("long_text", f"Only the first {words} words or so are read.", {"words": words})


def of_absence(asked: Subset, used: Subset, others: Iterable[Notice]) -> list[Notice]:
    """Asked for, not there, and not explained by one of the `others`: at most one notice."""
    absent = _unexplained((m for m in asked if m not in used), others)
    if not absent:
        return []
    text = f"No {plain_list(absent, 'and no')} here: the score comes from {plain_list(used, 'and')} alone."
    values = {"modalities": ",".join(absent), "used": ",".join(used)}
    return [Notice("modality_absent", text, values)]


def of_strangeness(strange: Iterable[Modality], others: Iterable[Notice]) -> list[Notice]:
    """Unlike what the models learned from, where none of the `others` says why: at most one notice."""
    strange = _unexplained(strange, others)
    if not strange:
        return []
    unlike = f"Unlike most of what the models learned from: {plain_list(strange, 'and')}."
    text = f"{unlike} Trust the score less."
    return [Notice("unlike_training", text, {"modalities": ",".join(strange)})]


def _unexplained(modalities: Iterable[Modality], others: Iterable[Notice]) -> list[Modality]:
    """Those that none of the `others` explains."""
    explained = {m for notice in others for m in EXPLAINS.get(notice.code, ())}
    return [m for m in modalities if m not in explained]


def plain_list(modalities: Iterable[Modality], conjunction: str) -> str:
    """(TEXT, AUDIO, VISION) -> "words, voice and face"."""
    *first, last = (PLAIN[m] for m in modalities)
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def nothing_used(asked: Subset, present: Subset) -> AnalysisError:
    """The error for a subset of which nothing is present."""
    return AnalysisError(
        "nothing_used",
        f"The input has no {plain_list(asked, 'or')}; switch on {plain_list(present, 'or')}.",
        modalities=",".join(asked),
        present=",".join(present),
    )


def nothing_present(reasons: Iterable[Notice]) -> AnalysisError:
    """The error for input without words, voice and face."""
    reasons = [notice for notice in reasons if not notice.values]  # the others explain no absence
    sentences = [
        "There is nothing to analyse.",
        *(notice.text for notice in reasons),
        "Give a clip in which somebody speaks or shows their face, or type the words.",
    ]
    codes = ",".join(notice.code for notice in reasons)
    return AnalysisError("nothing_present", " ".join(sentences), reasons=codes)
