"""What is kept of a decoded clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.service.analysis import Notice

if TYPE_CHECKING:
    from models.extractors.profile import Extraction


@dataclass(frozen=True)
class Material:
    """What is kept of a decoded clip: no frames, so that two minutes stay within about 15 MB.

    waveform : (n,) float32 16 kHz mono, for a recogniser asked later, or None
    voice, face : extractions from the sound alone and the picture alone, or None without such a stream
    speech : False where nobody speaks in the sound: no words are looked for in beeps, hum or music
    """

    waveform: np.ndarray | None = None
    voice: Extraction | None = None
    face: Extraction | None = None
    notices: tuple[Notice, ...] = ()
    speech: bool = True
