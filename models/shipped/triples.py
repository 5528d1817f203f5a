"""Triples of words, voice and face that never met, matched by their labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch

from models.extractors.audio import BEYOND_WORDS
from models.extractors.readers import AROUSAL_READINGS
from models.features.utterances import Utterance
from models.types import Modality

REACH = 3  # times the partners are near in valence, of whom those that match in arousal are taken


class TripleMaker:
    """Label-matched triples: a scored transcript with a voice and a face whose valence agrees.

    As AV-MNIST and MFM's synthetic data pair independent items of one label. Partners are drawn anew for
    each triple from the `partners` items nearest in valence to the score with Gaussian noise of standard
    deviation `noise`. A share `unrelated` of the triples gets partners of any valence: most people say what
    they feel with a voice and a face that tell little.

    arousal_rank : in [0, 1], of a transcript's arousal; with it partners are those of about the same rank
        among REACH times as many that are near in valence, as their own extractors read their arousal
    """

    def __init__(
        self,
        voices: list[Utterance],
        faces: list[Utterance],
        noise: float,
        unrelated: float,
        partners: int = 40,
        arousal_rank: Callable[[Utterance], float] | None = None,
    ):
        self.noise, self.unrelated, self.partners = noise, unrelated, partners
        self.arousal_rank = arousal_rank
        self.voices, self.faces = _Partners(voices, Modality.AUDIO), _Partners(faces, Modality.VISION)

    def make(self, transcript: Utterance, rng: np.random.Generator) -> Utterance:
        """A triple; its score is the transcript's and what the voice adds. It has one to four pictures."""
        target = rng.uniform(-3, 3) if rng.random() < self.unrelated else transcript.target
        rank = self.arousal_rank(transcript) if self.arousal_rank else None
        voice = self._near(self.voices, target, rank, 1, rng)[0]
        faces = self._near(self.faces, target, rank, int(rng.integers(1, 5)), rng)
        states = {
            Modality.TEXT: transcript.states[Modality.TEXT],
            Modality.AUDIO: voice.states[Modality.AUDIO],
            Modality.VISION: torch.cat([face.states[Modality.VISION] for face in faces]),
        }
        added = float(states[Modality.AUDIO][:, BEYOND_WORDS].mean())
        score = float(np.clip(transcript.target + added, -3, 3))
        return Utterance(states, score, "triples", transcript.group, transcript.ids)

    def _near(
        self, among: _Partners, target: float, rank: float | None, count: int, rng: np.random.Generator
    ) -> list[Utterance]:
        near = int(np.searchsorted(among.targets, target + rng.normal(0, self.noise)))
        reach = self.partners if rank is None else REACH * self.partners
        chosen = _window(np.arange(len(among.items)), near, reach)
        if rank is not None:
            chosen = chosen[np.argsort(among.arousals[chosen], kind="stable")]
            chosen = _window(chosen, round(rank * len(chosen)), self.partners)
        return [among.items[i] for i in rng.choice(chosen, count)]


class _Partners:
    """Items by target, and what arousal their extractor reads in each."""

    def __init__(self, items: list[Utterance], modality: Modality):
        self.items = sorted(items, key=lambda item: item.target)
        self.targets = np.array([item.target for item in self.items])
        self._modality = modality

    @cached_property
    def arousals(self) -> np.ndarray:
        read = AROUSAL_READINGS[self._modality]
        return np.array([float(read(item.states[self._modality])) for item in self.items])


def _window(values: np.ndarray, middle: int, size: int) -> np.ndarray:
    """So many consecutive values around the middle one, or all of fewer."""
    low = int(np.clip(middle - size // 2, 0, max(0, len(values) - size)))
    return values[low : low + size]
