"""Whether a modality says something good or bad, as its own extractor reads it, without any fusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from models.extractors.audio import VALENCE as VOICE_VALENCE
from models.extractors.profile import Profile
from models.extractors.valence import FERPLUS_VALENCE
from models.extractors.vision import EMOTIONS
from models.types import MODALITIES, Modality

Read = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class PolarityReader:
    """A modality's own classifier of polarity: positive where its reading is above the neutral point.

    read : states (..., T, d) -> reading (...), the mean over the steps, in units of the score
    neutral : half way between the mean readings of real positive and of real negative training items
    """

    read: Read
    neutral: float = 0.0

    def __call__(self, states: Tensor) -> Tensor:
        """Readings (...), less the neutral point, of raw states (..., T, d), on the CPU."""
        return self.read(states).cpu() - self.neutral


def own_readings(profile: Profile) -> dict[Modality, Read]:
    """What the `local` profile's extractors say: the words' score, the valence of voice and face."""
    valence = torch.tensor([FERPLUS_VALENCE[emotion] for emotion in EMOTIONS])
    head = profile.face.head

    def see(states: Tensor) -> Tensor:
        return (head(states.to(head.weight.device)).softmax(-1).cpu() @ valence).mean(-1)

    return {
        Modality.TEXT: lambda states: states[..., -1].mean(-1),
        Modality.AUDIO: lambda states: states[..., VOICE_VALENCE].mean(-1),
        Modality.VISION: see,
    }


def local_readers(profile: Profile, neutral: Mapping[str, float]) -> dict[Modality, PolarityReader]:
    """The readers with neutral points {modality: reading}; the extractor's own zero where none is known."""
    reads = own_readings(profile)
    return {m: PolarityReader(reads[m], neutral.get(m, 0.0)) for m in MODALITIES}


def informative(figures: Mapping[str, float], deviations: float = 2.0) -> bool:
    """Whether readings agree with the label more often than chance, by `deviations` standard errors.

    figures : `agreement` and `chance`, shares of the `polar` items, as
    `models.shipped.reconstruction.reconstruction_figures` gives them
    """
    chance = figures["chance"]
    error = sqrt(chance * (1 - chance) / max(1, figures["polar"]))
    return bool(figures["agreement"] > chance + deviations * error)
