"""How good or bad, and how aroused, a modality is, as its own extractor reads it, without any fusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import torch
from torch import Tensor, nn

from models.extractors import audio, vision
from models.extractors.text import TextEncoder
from models.extractors.valence import AROUSAL, RAVDESS_EMOTIONS
from models.tensors import load_strictly, load_tensors
from models.types import Modality

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


# What the `local` profile's extractors say: the words' score, the valence of voice and face.
OWN_READINGS: dict[Modality, Read] = {
    Modality.TEXT: lambda states: states[..., -1].mean(-1),
    Modality.AUDIO: lambda states: states[..., audio.VALENCE].mean(-1),
    Modality.VISION: lambda states: states[..., vision.VALENCE].mean(-1),
}

VOICE_AROUSAL = torch.tensor([AROUSAL[RAVDESS_EMOTIONS[emotion]] for emotion in audio.RAVDESS_EMOTIONS])
FACE_AROUSAL = torch.tensor([AROUSAL[emotion] for emotion in vision.EMOTIONS])

# The arousal in [-1, 1] that is expected under the emotions of voice and face; for words see `TextArousal`.
AROUSAL_READINGS: dict[Modality, Read] = {
    Modality.AUDIO: lambda states: (states[..., : len(VOICE_AROUSAL)].cpu() @ VOICE_AROUSAL).mean(-1),
    Modality.VISION: lambda states: (states[..., : len(FACE_AROUSAL)].cpu() @ FACE_AROUSAL).mean(-1),
}


class TextArousal(nn.Module):
    """The arousal in [-1, 1] of words: a linear map of their mean state."""

    weight: Tensor  # (769,)
    bias: Tensor  # ()

    def __init__(self, dim: int = TextEncoder.dim):
        super().__init__()
        self.register_buffer("weight", torch.zeros(dim))
        self.register_buffer("bias", torch.zeros(()))

    @classmethod
    def load(cls, folder: Path) -> TextArousal:
        """With the weights in a folder of extractors; CheckpointError for any of another shape."""
        arousal, path = cls(), folder / "text_arousal.safetensors"
        load_strictly(arousal.state_dict(), load_tensors(path)[0], path)
        return arousal

    def forward(self, states: Tensor) -> Tensor:
        """Readings (...) of raw states (..., T, 769), the mean over the steps, on the CPU."""
        return states.mean(-2).cpu().float() @ self.weight + self.bias


def local_readers(neutral: Mapping[str, float]) -> dict[Modality, PolarityReader]:
    """The readers with neutral points {modality: reading}; the extractor's own zero where none is known."""
    return {m: PolarityReader(read, neutral.get(m, 0.0)) for m, read in OWN_READINGS.items()}


def informative(figures: Mapping[str, float], deviations: float = 2.0) -> bool:
    """Whether readings agree with the label more often than chance, by `deviations` standard errors.

    figures : `agreement` and `chance`, shares of the `polar` items, as
    `models.shipped.reconstruction.reconstruction_figures` gives them
    """
    chance = figures["chance"]
    error = sqrt(chance * (1 - chance) / max(1, figures["polar"]))
    return bool(figures["agreement"] > chance + deviations * error)
