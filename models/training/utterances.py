"""Training items with the modalities they really have, and how they become batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.types import MODALITIES, Features, Modality, Sequence


@dataclass(frozen=True)
class Utterance:
    """One labelled item.

    states : {modality: (T, d)} of the modalities it has, from extractors that did not train on it
    target : score in [-3, 3]
    source : "clips", "speech", "text", "faces" or "triples"
    group : speaker or video, never on both sides of a split
    ids : (T,) token ids of its text states, for methods that run the language model; None where unknown
    """

    states: dict[Modality, Tensor]
    target: float
    source: str
    group: str
    ids: Tensor | None = None


def collate(utterances: list[Utterance], dims: dict[Modality, int]) -> tuple[Features, Tensor]:
    """Features and targets (B,) of utterances; what one lacks is absent, not zero evidence."""
    # token ids are of use only where every utterance with words knows them
    know_ids = all(u.ids is not None for u in utterances if Modality.TEXT in u.states)

    def single(utterance: Utterance, modality: Modality) -> Sequence:
        states = utterance.states.get(modality)
        with_ids = know_ids and modality is Modality.TEXT and states is not None
        return Sequence.single(states, dims[modality], utterance.ids if with_ids else None)

    sequences = {m: Sequence.stack([single(u, m) for u in utterances]) for m in MODALITIES}
    return Features(**sequences), torch.tensor([u.target for u in utterances], dtype=torch.float32)


def drop_modalities(features: Features, rate: float, generator: torch.Generator) -> Features:
    """Modality dropout: with probability `rate` a row keeps only a random non-empty part of what it has."""
    present = features.present()
    noise = torch.rand(present.shape, generator=generator).masked_fill(~present, -1)
    count = present.sum(1)
    # keep the k modalities with the highest noise, k uniform over 1 … count
    kept_count = (torch.rand(len(present), generator=generator) * count).long() + 1
    ranks = noise.argsort(1, descending=True).argsort(1)
    dropped = torch.rand(len(present), generator=generator) < rate
    return features.keep((ranks < kept_count[:, None]) | ~dropped[:, None])


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
        """A triple with the transcript's score; its face is shown for one to four pictures."""
        target = rng.uniform(-3, 3) if rng.random() < self.unrelated else transcript.target
        voice = self._near(self.voices, self.voice_targets, target, 1, rng)[0]
        faces = self._near(self.faces, self.face_targets, target, int(rng.integers(1, 5)), rng)
        states = {
            Modality.TEXT: transcript.states[Modality.TEXT],
            Modality.AUDIO: voice.states[Modality.AUDIO],
            Modality.VISION: torch.cat([face.states[Modality.VISION] for face in faces]),
        }
        return Utterance(states, transcript.target, "triples", transcript.group, transcript.ids)

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
