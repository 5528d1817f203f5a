"""The one training loop: an epoch of shuffled batches, modality dropout, and the learning rate's schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from models.features.missing import drop_frames, drop_modalities, modality_generators, neutral_states
from models.features.utterances import Utterance, collate
from models.fusion.base import FusionModel
from models.types import Features

# items, batch size, random source -> the batches of an epoch
Batches = Callable[[list[Utterance], int, torch.Generator], Iterator[list[Utterance]]]


def shuffled(items: list[Utterance], size: int, generator: torch.Generator) -> Iterator[list[Utterance]]:
    """Shuffled batches; one left over joins the last, since a batch of one has no statistics."""
    order = torch.randperm(len(items), generator=generator).tolist()
    starts = list(range(0, len(order), size))
    if len(starts) > 1 and len(order) - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        yield [items[i] for i in order[start:end]]


class TrainingLoop:
    """Trains a model with AdamW, each group's learning rate falling along a cosine to a tenth.

    groups : parameters with their full learning rates; count : epochs until the rates are at their end
    batch : utterances a step; batches : how an epoch is cut into them
    modality_dropout : share of items that lose a random part of their modalities
    frame_dropout : probability, less than 1, with which a frame is dropped, see `missing.drop_frames`
    generator : of the batches and of what drops; bf16 : autocast, but for methods with an update rule of
    their own
    """

    def __init__(
        self,
        model: FusionModel,
        groups: list[dict],
        weight_decay: float,
        count: int,
        batch: int,
        modality_dropout: float,
        generator: torch.Generator,
        device: str = "cpu",
        batches: Batches = shuffled,
        bf16: bool = False,
        frame_dropout: float = 0.0,
    ):
        self.model, self.count, self.batch, self.batches = model, count, batch, batches
        self.modality_dropout, self.frame_dropout = modality_dropout, frame_dropout
        self.generator, self.device = generator, device
        self.optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay, fused=True)
        self._full_rates = [group["lr"] for group in self.optimizer.param_groups]
        self._bf16 = bf16 and type(model).training_step is FusionModel.training_step

    def epoch(self, number: int, items: list[Utterance]) -> float:
        """One pass over the items, the model in training mode; the mean loss. number : which, from 0

        ValueError where every frame of every item dropped.
        """
        self.model.train()
        losses = []
        for step, (features, target) in enumerate(self.prepared(items)):
            progress = (number + step * self.batch / len(items)) / self.count
            for group, rate in zip(self.optimizer.param_groups, self._full_rates, strict=True):
                group["lr"] = rate * (0.55 + 0.45 * math.cos(math.pi * progress))  # from full to a tenth
            with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self._bf16):
                parts = self.model.training_step(
                    features.to(self.device), target.to(self.device), self.optimizer, progress
                )
            losses.append(sum(parts.values()))
        if not losses:
            raise ValueError("nothing is left of any training utterance; give a lower --frame-dropout")
        return float(np.mean(losses))

    def prepared(self, items: list[Utterance]) -> Iterator[tuple[Features, Tensor]]:
        """The batches of an epoch as a step reads them, on the CPU: padded, frames and modalities dropped."""
        if self.frame_dropout:
            neutral = neutral_states(self.model)
            sources = modality_generators(int(torch.randint(2**31, (), generator=self.generator)))
        for batch in self.batches(items, self.batch, self.generator):
            features, target = collate(batch, self.model.dims)
            if self.frame_dropout:
                features = drop_frames(features, self.frame_dropout, neutral, sources)
                left = features.present().any(1).nonzero()[:, 0]
                if len(left) < min(2, len(batch)):  # a batch of one has no statistics
                    continue
                features, target = features.select(left), target[left]
            yield drop_modalities(features, self.modality_dropout, self.generator), target
