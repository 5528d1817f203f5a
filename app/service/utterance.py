"""One utterance: its features, its words, and what was heard and seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.service.analysis import Notice, Transcript
from app.service.notices import explained_by
from models.types import MODALITIES, Features, Modality

if TYPE_CHECKING:
    from models.extractors.profile import FaceTrack

NO_WORDS = Transcript("", "none")


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
        """The streams that need not be decoded."""
        return [name for name in ("picture", "sound") if not getattr(self, name)]


EVERYTHING = Needs()


@dataclass(frozen=True)
class Utterance:
    """What files and words gave, ready for any method and any subset.

    No frames are kept, so that two minutes stay within about 15 MB.

    features : batch of one; on the CPU as it is read and kept, on the models' device as it is asked about
    token_spans : where each token of the text modality stands in the transcript, see `TextFeatures`
    waveform : (n,) float32 16 kHz mono, or None
    log_mel : (80, frames) of the waveform, see `AudioFeatures`, or None
    faces : the tracked face, or None
    speech : False where nobody speaks in the sound: no words are looked for in beeps, hum or music
    """

    features: Features
    transcript: Transcript = NO_WORDS
    token_spans: tuple[tuple[int, int], ...] = ()
    notices: tuple[Notice, ...] = ()
    waveform: np.ndarray | None = None
    log_mel: np.ndarray | None = None
    faces: FaceTrack | None = None
    speech: bool = True

    @property
    def present(self) -> tuple[Modality, ...]:
        """The modalities that it has."""
        return tuple(m for m, sequence in self.features if bool(sequence.present[0]))

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
            faces=self.faces if needs.picture else None,
        )
