"""What is asked: the same for page, API, command line, report and the calls that repeat an answer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from models.media.clip import InputError
from models.registry import FUSION_MODELS
from models.types import MODALITIES, Modality

File = str | Path | None
LONGEST_TEXT = 100_000  # characters, of which an encoder reads the first words


class AnalysisError(InputError):
    """A question that cannot be answered: says what was wrong with it and what would work."""


@dataclass(frozen=True)
class Query:
    """One clip, one method, one subset of modalities; hashable.

    video, audio : files, or None; a separate audio file replaces the clip's own sound
    text : the words; "" for none, None for those that speech recognition finds. What is no character, as half
    of an emoji's two codes, becomes a question mark
    method : name in the registry
    modalities : those to use, brought into canonical order
    face : number of the face to look at, from 1, of those found; None for the one that speaks
    start, end : seconds of the files between which they are read; None for the end of what is read of a clip
    AnalysisError for an unknown method, for no or an unknown modality, for what is no number of a face, and
    for an end that is not behind the start.
    """

    video: File = None
    audio: File = None
    text: str | None = None
    method: str = "lmf"
    modalities: tuple[Modality, ...] = MODALITIES
    face: int | None = None
    start: float = 0.0
    end: float | None = None

    def __post_init__(self):
        if self.text is not None:
            object.__setattr__(self, "text", self.text.encode("utf-8", "replace").decode("utf-8"))
        object.__setattr__(self, "modalities", _modalities(self.modalities))
        if self.method not in tuple(FUSION_MODELS):  # which, unlike a dict, can be asked about anything
            names = ", ".join(FUSION_MODELS)
            text = f"There is no fusion method {self.method!r}; known are {names}."
            raise AnalysisError("unknown_method", text, asked=self.method, known=names)
        if self.face is not None:
            object.__setattr__(self, "face", _face_number(self.face))
        if not 0 <= self.start < (math.inf if self.end is None else self.end):
            text = f"{self.start:g} to {self.end} seconds is no part of a clip; an end lies behind its start."
            raise AnalysisError("wrong_span", text, start=self.start, end=str(self.end))

    def check_given(self) -> None:
        """AnalysisError where there is neither a file nor a word, or too many of those."""
        if len(self.text or "") > LONGEST_TEXT:
            length = len(self.text or "")
            text = f"The words have {length} characters; at most {LONGEST_TEXT} can be read. Give fewer."
            raise AnalysisError("text_too_long", text, length=length, limit=LONGEST_TEXT)
        if not self.video and not self.audio and not (self.text or "").strip():
            raise AnalysisError("nothing_given", "Nothing was given; give a clip, an audio file or words.")

    def same_input(self, other: Query) -> bool:
        """True where clip, voice, span and words are the same; method, modalities and face may differ."""
        return self.same_files(other) and self.text == other.text

    def same_files(self, other: Query) -> bool:
        """True where clip, voice and span are the same; words, method and modalities may differ."""
        return self._given == other._given

    def same_media(self, other: Query) -> bool:
        """True where clip and voice are the same, whatever span of them is asked about."""
        return (self.video, self.audio) == (other.video, other.audio)

    @property
    def _given(self) -> tuple:
        return self.video, self.audio, self.start, self.end


def _face_number(asked: object) -> int:
    """A whole number from 1, which JSON may have made a float; AnalysisError for anything else."""
    if isinstance(asked, int | float) and not isinstance(asked, bool) and asked >= 1 and asked % 1 == 0:
        return int(asked)
    text = f"{asked!r} is no number of a face; they are counted from 1."
    raise AnalysisError("no_face_number", text, asked=str(asked))


def _modalities(asked: Iterable[Modality | str]) -> tuple[Modality, ...]:
    """Names in canonical order; AnalysisError for none or an unknown one."""
    several = isinstance(asked, Iterable) and not isinstance(asked, str)
    names = ",".join(map(str, asked)) if several else str(asked)
    if not names:
        raise AnalysisError("all_off", "Everything is switched off; switch on words, voice or face.")
    try:
        return Modality.parse(names)
    except ValueError as error:
        values = {"asked": names, "known": ", ".join(MODALITIES)}
        raise AnalysisError("unknown_modality", str(error), **values) from None
