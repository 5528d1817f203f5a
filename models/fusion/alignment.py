"""Words, voice and face on common steps: the words where their times are known, else even steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from models.types import MODALITIES, Features, Modality, Sequence

TOUCHING = 1e-3  # of a step: what overlaps it by less only touches it


@dataclass(frozen=True)
class Aligned:
    """The modalities of a batch on S common steps.

    states : {modality: (B, S, d)}, zero where a step has none of it
    observed : {modality: (B, S) bool}, True where it has
    lengths : (B,) int64 steps of each utterance, at least 1
    spans : (B, S, 2) start and end of each step, in seconds where any modality has times, else in shares of
    the utterance; zero past `lengths`
    present : (B, 3) bool
    """

    states: dict[Modality, Tensor]
    observed: dict[Modality, Tensor]
    lengths: Tensor
    spans: Tensor
    present: Tensor

    def __len__(self) -> int:
        """B, the number of utterances."""
        return len(self.lengths)

    def mask(self) -> Tensor:
        """(B, S) bool: True at the steps of an utterance, False at padding."""
        return torch.arange(self.spans.shape[1], device=self.lengths.device) < self.lengths[:, None]

    def joined(self, modalities: tuple[Modality, ...] = MODALITIES) -> Tensor:
        """States of `modalities` side by side: (B, S, sum of their d)."""
        return torch.cat([self.states[m] for m in modalities], dim=2)

    def select(self, index: Tensor) -> Aligned:
        """Rows `index` (n,) of the batch, with as many steps as before."""
        return Aligned(
            {m: x[index] for m, x in self.states.items()},
            {m: x[index] for m, x in self.observed.items()},
            self.lengths[index],
            self.spans[index],
            self.present[index],
        )

    def keep(self, kept: Tensor) -> Aligned:
        """The same steps with modality m of row b present only where `kept` (B, 3) bool allows."""
        present = self.present & kept
        rows = {m: present[:, i, None] for i, m in enumerate(MODALITIES)}
        return replace(
            self,
            states={m: torch.where(rows[m][..., None], x, 0.0) for m, x in self.states.items()},
            observed={m: x & rows[m] for m, x in self.observed.items()},
            present=present,
        )


def align(features: Features, most: int) -> Aligned:
    """Mean state of each modality within each step, weighted by how long the state lasts within it.

    features : zero at padding and where a modality is absent, as `FusionModel.normalised` gives them
    most : steps an utterance may have; of more words, neighbours share a step
    With timed words the steps are the words. Otherwise they divide evenly the time that voice and face take,
    or the utterance where no time is known at all: as many as there are tokens or, without words, states of
    the longest modality. A modality without times is taken to be spread evenly over the utterance.
    """
    timed = {m: _timed(sequence) for m, sequence in features}
    start, end = _range(features, timed)
    places = {m: _places(features[m], timed[m], start, end) for m in MODALITIES}
    by_words = timed[Modality.TEXT]
    words = _words(features.text)
    states = torch.stack([torch.where(s.present, s.lengths, 1) for _, s in features], dim=1)
    counts = torch.where(features.text.present, states[:, 0], states.amax(1))
    counts = torch.where(by_words, words[:, -1] + 1, counts)
    lengths = counts.clamp(1, most)
    steps = torch.arange(int(lengths.max()), device=lengths.device)
    spans = _evenly(start, end, lengths, len(steps))
    belongs = None  # (B, S, T) the tokens of each step, where any words are timed
    if by_words.any():
        # neighbouring words share a step where there are more words than steps
        belongs = (words * lengths[:, None] // counts[:, None])[:, None] == steps[:, None]
        belongs = belongs & features.text.mask()[:, None]
        spans = torch.where(by_words[:, None, None], _extent(places[Modality.TEXT], belongs), spans)
    valid = steps < lengths[:, None]
    spans = torch.where(valid[..., None], spans, 0.0)

    means, observed = {}, {}
    for modality, sequence in features:
        known = sequence.mask()
        if belongs is None and _are_steps(places[modality], spans, known):
            means[modality], observed[modality] = sequence.values, known
            continue
        weights = _overlap(spans, places[modality])
        # recognised words may overlap in time; tokens know their word
        if belongs is not None and modality is Modality.TEXT:
            weights = torch.where(by_words[:, None, None], belongs.float(), weights)
        weights = weights * (valid[..., None] & known[:, None])
        total = weights.sum(2, keepdim=True)
        means[modality] = torch.bmm(weights / total.clamp_min(1e-9), sequence.values)
        observed[modality] = total[..., 0] > 0
    return Aligned(means, observed, lengths, spans, features.present())


def _are_steps(places: Tensor, spans: Tensor, known: Tensor) -> bool:
    """Whether states (B, T, 2), where known (B, T), are the steps (B, S, 2): so it is in aligned data."""
    return places.shape == spans.shape and bool((~known | (places == spans).all(2)).all())


def pad_steps(steps: Tensor, most: int) -> Tensor:
    """(B, S, ...) -> (B, most, ...) with zeros: a trace whose shape does not depend on the batch."""
    return F.pad(steps, (0, 0) * (steps.dim() - 2) + (0, most - steps.shape[1]))


def step_traces(traces: dict[str, Tensor], most: int) -> dict[str, Tensor]:
    """Traces (B, S, ...) of a batch padded to `most` steps."""
    return {name: pad_steps(trace, most) for name, trace in traces.items()}


def _timed(sequence: Sequence) -> Tensor:
    """(B,) bool: rows that are present and whose states all have times."""
    if sequence.times is None:
        return torch.zeros_like(sequence.present)
    return sequence.present & (sequence.times.isfinite().all(2) | ~sequence.mask()).all(1)


def _range(features: Features, timed: dict[Modality, Tensor]) -> tuple[Tensor, Tensor]:
    """Start and end (B,) of the timed words, else of timed voice and face, else 0 and 1."""
    start = torch.full(features.text.present.shape, torch.inf, device=features.text.present.device)
    end = -start
    for modality in (Modality.AUDIO, Modality.VISION, Modality.TEXT):
        sequence, known = features[modality], timed[modality]
        if sequence.times is None:
            continue
        valid = sequence.mask()
        first = torch.where(valid, sequence.times[..., 0], torch.inf).amin(1)
        last = torch.where(valid, sequence.times[..., 1], -torch.inf).amax(1)
        if modality is not Modality.TEXT:
            first, last = torch.minimum(start, first), torch.maximum(end, last)
        start, end = torch.where(known, first, start), torch.where(known, last, end)
    unknown = start.isinf()
    return torch.where(unknown, 0.0, start), torch.where(unknown, 1.0, end)


def _places(sequence: Sequence, timed: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Start and end (B, T, 2) of each state, spread evenly over the utterance where no time is known."""
    even = _evenly(start, end, sequence.lengths.clamp_min(1), sequence.values.shape[1])
    if sequence.times is None:
        return even
    return torch.where((timed[:, None] & sequence.mask())[..., None], sequence.times, even)


def _evenly(start: Tensor, end: Tensor, counts: Tensor, most: int) -> Tensor:
    """Start and end (B, most, 2) of the counts (B,) even parts of each row's time."""
    edges = torch.arange(most + 1, device=start.device) / counts[:, None]
    edges = start[:, None] + (end - start)[:, None] * edges
    return torch.stack([edges[:, :-1], edges[:, 1:]], dim=2)


def _words(text: Sequence) -> Tensor:
    """Index (B, T) of each token's word: tokens of one word share its times."""
    if text.times is None:
        return torch.zeros(text.values.shape[:2], dtype=torch.long, device=text.values.device)
    other = (text.times[:, 1:] != text.times[:, :-1]).any(2) & text.mask()[:, 1:]
    return F.pad(other.long().cumsum(1), (1, 0))


def _extent(places: Tensor, belongs: Tensor) -> Tensor:
    """First start and last end (B, S, 2) of the states (B, T, 2) that belong (B, S, T) to each step."""
    starts = torch.where(belongs, places[:, None, :, 0], torch.inf).amin(2)
    ends = torch.where(belongs, places[:, None, :, 1], -torch.inf).amax(2)
    return torch.stack([starts, ends], dim=2)


def _overlap(spans: Tensor, places: Tensor) -> Tensor:
    """Time (B, S, T) that steps (B, S, 2) and states (B, T, 2) have in common, 0 where they only touch."""
    first = torch.maximum(spans[:, :, None, 0], places[:, None, :, 0])
    last = torch.minimum(spans[:, :, None, 1], places[:, None, :, 1])
    common = last - first
    duration = (spans[..., 1] - spans[..., 0])[..., None]
    return torch.where(common > TOUCHING * duration, common, 0.0)
