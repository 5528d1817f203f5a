"""What is kept of a decoded clip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.service.analysis import Notice
from app.service.notices import explained_by
from models.types import MODALITIES

if TYPE_CHECKING:
    from models.extractors.profile import Extraction


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
class Material:
    """What is kept of a decoded clip: no frames, so that two minutes stay within about 15 MB.

    waveform : (n,) float32 16 kHz mono, for a recogniser asked later, or None
    voice, face : extractions from the sound alone and the picture alone, or None without such a stream or
    where nobody needed it
    speech : False where nobody speaks in the sound: no words are looked for in beeps, hum or music
    """

    waveform: np.ndarray | None = None
    voice: Extraction | None = None
    face: Extraction | None = None
    notices: tuple[Notice, ...] = ()
    speech: bool = True

    def only(self, needs: Needs) -> Material:
        """As if nothing but the `needs` had been read."""
        looked_for = {
            modality
            for modality, needed in zip(MODALITIES, (needs.sound, needs.voice, needs.picture), strict=True)
            if needed
        }
        told = [(notice, explained_by(notice)) for notice in self.notices]
        return replace(
            self,
            waveform=self.waveform if needs.sound else None,
            voice=self.voice if needs.voice else None,
            face=self.face if needs.picture else None,
            notices=tuple(n for n, about in told if not about or looked_for.intersection(about)),
        )
