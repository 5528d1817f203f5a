"""One utterance in front of one method: what every answer and every deeper look starts from."""

from __future__ import annotations

from dataclasses import dataclass

from app.service.subsets import Subset
from app.service.utterance import Utterance
from models.checkpoint import Checkpoint
from models.types import MODALITIES, Features


@dataclass(frozen=True)
class Exhibit:
    """What was read, and what is asked about it.

    features : of the utterance, on the analyst's device
    checkpoint : of the chosen method, its model ready for these features
    present : modalities the utterance has; used : those of them that are switched on, at least one
    """

    utterance: Utterance
    features: Features
    checkpoint: Checkpoint
    present: Subset
    used: Subset

    @property
    def method(self) -> str:
        """Registry name of the chosen method."""
        return self.checkpoint.meta.method

    @property
    def off(self) -> Subset:
        """Modalities that are present and switched off, or absent."""
        return tuple(m for m in MODALITIES if m not in self.used)
