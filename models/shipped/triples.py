"""Triples of words, voice and face that never met, matched by their labels."""

from __future__ import annotations

import numpy as np
import torch

from models.extractors.audio import BEYOND_WORDS
from models.features.utterances import Utterance
from models.types import Modality


class TripleMaker:
    """Label-matched triples: a scored transcript with a voice and a face whose valence agrees.

    As AV-MNIST and MFM's synthetic data pair independent items of one label. Partners are drawn anew for
    each triple from the `partners` items nearest in valence to the score with Gaussian noise of standard
    deviation `noise`. A share `unrelated` of the triples gets partners of any valence: most people say what
    they feel with a voice and a face that tell little.
    """

    def __init__(
        self,
        voices: list[Utterance],
        faces: list[Utterance],
        noise: float,
        unrelated: float,
        partners: int = 40,
    ):
        self.noise, self.unrelated, self.partners = noise, unrelated, partners
        self.voices, self.voice_targets = _by_target(voices)
        self.faces, self.face_targets = _by_target(faces)

    def make(self, transcript: Utterance, rng: np.random.Generator) -> Utterance:
        """A triple; its score is the transcript's and what the voice adds. It has one to four pictures."""
        target = rng.uniform(-3, 3) if rng.random() < self.unrelated else transcript.target
        voice = self._near(self.voices, self.voice_targets, target, 1, rng)[0]
        faces = self._near(self.faces, self.face_targets, target, int(rng.integers(1, 5)), rng)
        states = {
            Modality.TEXT: transcript.states[Modality.TEXT],
            Modality.AUDIO: voice.states[Modality.AUDIO],
            Modality.VISION: torch.cat([face.states[Modality.VISION] for face in faces]),
        }
        added = float(states[Modality.AUDIO][:, BEYOND_WORDS].mean())
        score = float(np.clip(transcript.target + added, -3, 3))
        return Utterance(states, score, "triples", transcript.group, transcript.ids)

    def _near(
        self, items: list[Utterance], targets: np.ndarray, target: float, count: int, rng: np.random.Generator
    ) -> list[Utterance]:
        centre = int(np.searchsorted(targets, target + rng.normal(0, self.noise)))
        low = int(np.clip(centre - self.partners // 2, 0, max(0, len(items) - self.partners)))
        high = min(len(items), low + self.partners)
        return [items[i] for i in rng.integers(low, high, count)]


def _by_target(items: list[Utterance]) -> tuple[list[Utterance], np.ndarray]:
    items = sorted(items, key=lambda item: item.target)
    return items, np.array([item.target for item in items])
