"""What a visitor is told beside the score, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.service.analysis import Notice, Transcript
from app.service.query import AnalysisError
from app.service.subsets import Subset
from models.media.clip import Clip
from models.types import Modality

PLAIN = {Modality.TEXT: "words", Modality.AUDIO: "voice", Modality.VISION: "face"}

# A notice with one of these codes already explains what is the matter with its modality. Those of LACKING
# also come with WITHIN behind them, for a clip of which only the beginning was read: the rest may have it.
EXPLAINS = {
    "no_sound": (Modality.AUDIO, Modality.TEXT),
    "no_voice": (Modality.AUDIO,),
    "nobody_speaks": (Modality.AUDIO, Modality.TEXT),
    "no_speech": (Modality.TEXT,),
    "no_words": (Modality.TEXT,),
    "no_picture": (Modality.VISION,),
    "no_face": (Modality.VISION,),
    "not_english": (Modality.TEXT,),
}
WITHIN = "_within"
READ_IN_PART = ("truncated", "damaged_parts")

# {code: what is said of a whole clip, and of one of which `seconds` were read}
LACKING = {
    "no_sound": (
        "The clip has no sound, so there is no voice to hear.",
        "The first {seconds:g} seconds of the clip have no sound, so there is no voice to hear.",
    ),
    "no_voice": (
        "The sound is silent or too short to hear a voice in.",
        "The first {seconds:g} seconds of the sound are silent or too short to hear a voice in.",
    ),
    "nobody_speaks": (
        "Nobody speaks in the sound; beeps, hum or music are not read.",
        "Nobody speaks in the first {seconds:g} seconds of the sound; beeps, hum or music are not read.",
    ),
    "no_speech": (
        "No words were recognised in the sound; you can type them.",
        "No words were recognised in the first {seconds:g} seconds of the sound; you can type them.",
    ),
    "no_picture": (
        "The clip has no picture, so there is no face to see.",
        "The first {seconds:g} seconds of the clip have no picture, so there is no face to see.",
    ),
    "no_face": (
        "No face was found in the picture.",
        "No face was found in the first {seconds:g} seconds of the picture.",
    ),
}


def no_such_face(number: int, count: int) -> AnalysisError:
    """A face was asked for that the clip does not have."""
    if not count:
        return AnalysisError(
            "no_such_face_of_none", f"There is no face {number}: no face was found.", asked=number
        )
    text = f"There is no face {number}: {count} were found, counted from 1."
    return AnalysisError("no_such_face", text, asked=number, count=count)


def needs_words(method: str) -> AnalysisError:
    """A method that runs the language model was asked about states."""
    text = (
        f"{method} reads the words themselves, which states do not hold; send words or a clip, switch the "
        "words off, or choose another method."
    )
    return AnalysisError("needs_words", text, method=method)


def of_clip(clip: Clip, seconds: float, *, film: bool, voice: bool, face: bool, speech: bool) -> list[Notice]:
    """What a decoded clip lacks.

    seconds : where longer clips are cut
    film : a picture was to be expected; an audio file owes none
    voice, face : an extractor found one
    speech : somebody speaks in the sound, or it is silent
    """
    notices = []
    if clip.truncated:
        text = f"The clip is longer than {seconds:g} seconds; only the first {seconds:g} are used."
        notices.append(Notice("truncated", text, {"seconds": seconds}))
    if clip.damaged:
        text = "Part of the file is damaged or missing and could not be read; the rest of it is used."
        notices.append(Notice("damaged_parts", text))
    lacking = []
    if clip.audio is None:
        lacking.append("no_sound")
    elif not speech:
        lacking.append("nobody_speaks")
    elif not voice:
        lacking.append("no_voice")
    if film and clip.frames is None:
        lacking.append("no_picture")
    elif film and not face:
        lacking.append("no_face")
    return [*notices, *(_lacking(code, seconds if clip.truncated else None) for code in lacking)]


def _lacking(code: str, seconds: float | None) -> Notice:
    """What is not there; for a clip that was cut at `seconds`, only that it is not in what was read."""
    whole, part = LACKING[code]
    if seconds is None:
        return Notice(code, whole)
    return Notice(code + WITHIN, part.format(seconds=seconds), {"seconds": seconds})


def cut_at(notices: Iterable[Notice]) -> float | None:
    """Seconds of a clip that were read, where one of its notices says that there is more; else None."""
    return next((float(notice.values["seconds"]) for notice in notices if notice.code == "truncated"), None)


def of_sound(notices: Iterable[Notice]) -> list[Notice]:
    """Those of a clip's notices that matter to somebody who wants its words."""
    return [
        notice
        for notice in notices
        if notice.code in READ_IN_PART or Modality.VISION not in explained_by(notice)
    ]


def of_transcript(transcript: Transcript, *, recognised: bool, seconds: float | None = None) -> list[Notice]:
    """What to know about the words.

    recognised : a recogniser was asked for them
    seconds : where the clip was cut, None for a whole one
    """
    if recognised and not transcript.text:
        return [_lacking("no_speech", seconds)]
    return []


def no_words() -> Notice:
    """A transcript of nothing but signs, such as emoji, that the text encoder does not know."""
    return Notice("no_words", "What stands for the words has none that can be read; letters would work.")


def of_length(text: str, token_spans: Sequence[tuple[int, int]], most: int) -> Notice | None:
    """Words of the text that its encoder did not read, for there were too many.

    token_spans : of the tokens that it did read, see `TextFeatures`; most : as many as it can
    """
    last = max((end for _, end in token_spans), default=len(text))
    if len(token_spans) < most or not text[last:].strip():
        return None
    words = len(text[:last].split())
    return Notice("long_text", f"Only the first {words} words or so are read.", {"words": words})


def of_absence(asked: Subset, used: Subset, others: Iterable[Notice]) -> list[Notice]:
    """Asked for, not there, and not explained by one of the `others`: at most one notice."""
    absent = _unexplained((m for m in asked if m not in used), others)
    if not absent:
        return []
    text = f"No {plain_list(absent, 'and no')} here: the score comes from {plain_list(used, 'and')} alone."
    return [Notice("modality_absent", text, {"modalities": ",".join(absent), "used": ",".join(used)})]


def of_outliers(outliers: Iterable[Modality], others: Iterable[Notice]) -> list[Notice]:
    """Unlike what the models learned from, where none of the `others` says why: at most one notice."""
    outliers = _unexplained(outliers, others)
    if not outliers:
        return []
    unlike = f"Unlike most of what the models learned from: {plain_list(outliers, 'and')}."
    text = f"{unlike} Trust the score less."
    return [Notice("unlike_training", text, {"modalities": ",".join(outliers)})]


def _unexplained(modalities: Iterable[Modality], others: Iterable[Notice]) -> list[Modality]:
    """Those that none of the `others` explains."""
    explained = {m for notice in others for m in explained_by(notice)}
    return [m for m in modalities if m not in explained]


def explained_by(notice: Notice) -> tuple[Modality, ...]:
    """The modalities whose absence a notice explains."""
    return EXPLAINS.get(notice.code.removesuffix(WITHIN), ())


def plain_list(modalities: Iterable[Modality], conjunction: str) -> str:
    """(TEXT, AUDIO, VISION) -> "words, voice and face"."""
    *first, last = (PLAIN[m] for m in modalities)
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def nothing_used(asked: Subset, present: Subset, others: Iterable[Notice] = ()) -> AnalysisError:
    """The error for a subset of which nothing is present."""
    remedy = f"switch on {plain_list(present, 'or')}."
    values = {"modalities": ",".join(asked), "present": ",".join(present)}
    seconds = cut_at(others)
    if seconds is None:
        text = f"The input has no {plain_list(asked, 'or')}; {remedy}"
        if any(notice.code == "damaged_parts" for notice in others):
            text = f"What can be read of the file has no {plain_list(asked, 'or')}; {remedy}"
            return AnalysisError("nothing_used_damaged", text, **values)
        return AnalysisError("nothing_used", text, **values)
    text = (
        f"Only the first {seconds:g} seconds are used, and they have no {plain_list(asked, 'or')}; {remedy}"
    )
    return AnalysisError("nothing_used" + WITHIN, text, **values, seconds=seconds)


def nothing_present(notices: Iterable[Notice]) -> AnalysisError:
    """The error for input without words, voice and face."""
    reasons = [notice for notice in notices if notice.code in READ_IN_PART or explained_by(notice)]
    seconds = cut_at(reasons)
    if seconds is None:
        code, remedy = "nothing_present", "Give a clip in which somebody speaks or shows their face"
    else:
        code = "nothing_present" + WITHIN
        remedy = f"Cut the clip so that somebody speaks or shows their face in its first {seconds:g} seconds"
    text = " ".join(
        [
            "There is nothing to analyse.",
            *(notice.text for notice in reasons),
            f"{remedy}, or type the words.",
        ]
    )
    values = {} if seconds is None else {"seconds": seconds}
    return AnalysisError(code, text, reasons=",".join(notice.code for notice in reasons), **values)
