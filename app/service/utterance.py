"""One utterance: its features, its words, and what was heard and seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from app.service.analysis import Notice, Transcript
from app.service.notices import explained_by
from app.service.query import AnalysisError
from models.types import MODALITIES, Features, Modality, Sequence

if TYPE_CHECKING:
    from models.extractors.encoded_sound import EncodedWindow
    from models.extractors.face_tracking import FaceTrack

NO_WORDS = Transcript("", "none")

States = Mapping[str, Any]  # {modality: (T, d) numbers, or None where it is absent}
MOST = 1e6  # of a state; those of extractors stay below 100, and squares of 1e19 are no float32


@dataclass(frozen=True)
class Needs:
    """What of a clip an answer needs; the rest is not read.

    sound : for its words or its voice; voice : how it is said; picture : the face
    """

    sound: bool = True
    voice: bool = True
    picture: bool = True

    @property
    def unneeded(self) -> list[str]:
        """The streams that need not be decoded; the sound tells which of several faces speaks."""
        return [name for name in ("picture", "sound") if not (getattr(self, name) or self.picture)]


EVERYTHING = Needs()


@dataclass(frozen=True)
class Utterance:
    """What files and words gave, ready for any method and any subset.

    No frames are kept, so that two minutes stay within about 25 MB.

    features : batch of one; on the CPU as it is read and kept, on the models' device as it is asked about
    token_spans : where each token of the text modality stands in the transcript, see `TextFeatures`
    waveform : (n,) float32 16 kHz mono, or None
    log_mel : (80, frames) of the waveform, see `AudioFeatures`, or None
    encoded : the sound by Whisper's encoder where its voice was heard, else None
    face_tracks : the faces that were found, the most prominent first
    speaking : index of the face whose mouth moves with the sound; None where there is no clear one
    chosen : index of the face that was asked for; None for the one that speaks, or else the first
    speech : False where nobody speaks in the sound: no words are looked for in beeps, hum or music
    """

    features: Features
    transcript: Transcript = NO_WORDS
    token_spans: tuple[tuple[int, int], ...] = ()
    notices: tuple[Notice, ...] = ()
    waveform: np.ndarray | None = None
    log_mel: np.ndarray | None = None
    encoded: tuple[EncodedWindow, ...] | None = None
    face_tracks: tuple[FaceTrack, ...] = ()
    speaking: int | None = None
    chosen: int | None = None
    speech: bool = True

    @property
    def present(self) -> tuple[Modality, ...]:
        """The modalities that it has."""
        return tuple(m for m, sequence in self.features if bool(sequence.present[0]))

    @property
    def face(self) -> int:
        """Index of the face in use, of at least one."""
        return self.chosen if self.chosen is not None else self.speaking or 0

    @property
    def faces(self) -> FaceTrack | None:
        """The face in use; None without one."""
        return self.face_tracks[self.face] if self.face_tracks else None

    def to(self, device: str) -> Utterance:
        """The same with its features on `device`."""
        return replace(self, features=self.features.to(device))

    def only(self, needs: Needs) -> Utterance:
        """As if nothing but the `needs` had been read."""
        needed = dict(zip(MODALITIES, (needs.sound, needs.voice, needs.picture), strict=True))
        looked_for = {modality for modality, is_needed in needed.items() if is_needed}
        told = [(notice, explained_by(notice)) for notice in self.notices]
        read = [m for m in MODALITIES if needed[m] or m is Modality.TEXT]
        return replace(
            self,
            features=self.features.only(tuple(read)),
            notices=tuple(n for n, about in told if not about or looked_for.intersection(about)),
            waveform=self.waveform if needs.sound else None,
            log_mel=self.log_mel if needs.voice else None,
            encoded=self.encoded if needs.sound else None,
            face_tracks=self.face_tracks if needs.picture else (),
            speaking=self.speaking if needs.picture else None,
        )


def of_states(states: States, dims: Mapping[Modality, int]) -> Utterance:
    """An utterance of which only states are known; AnalysisError where some do not fit the widths."""
    return Utterance(Features(**{m: _sequence(m, states.get(m), dims[m]) for m in MODALITIES}))


def _sequence(modality: Modality, given: Any, width: int) -> Sequence:
    if given is None:
        return Sequence.single(None, width)
    try:
        rows = torch.as_tensor(given, dtype=torch.float32)
    except (ValueError, TypeError, RuntimeError):  # rows of several lengths, or no numbers
        rows = torch.empty(0)
    if rows.dim() != 2 or not len(rows) or rows.shape[1] != width or not (rows.abs() <= MOST).all():
        text = (
            f"The states of {modality} must be one or more rows of {width} numbers each, none of them "
            f"beyond {MOST:,.0f}."
        )
        raise AnalysisError("wrong_features", text, modality=modality, width=width, most=MOST)
    return Sequence.single(rows, width)
