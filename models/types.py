"""The types that travel between the stages: `Modality`, `Sequence`, `Features`, `Prediction`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import combinations

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


class Modality(StrEnum):
    """The three modalities, in the order every weight, bar and table uses."""

    TEXT = "text"
    AUDIO = "audio"
    VISION = "vision"

    @classmethod
    def subsets(cls) -> list[tuple[Modality, ...]]:
        """The seven non-empty subsets, largest first."""
        return [subset for size in (3, 2, 1) for subset in combinations(cls, size)]

    @classmethod
    def parse(cls, names: str) -> tuple[Modality, ...]:
        """`"text,audio"` -> (TEXT, AUDIO), in canonical order; ValueError names the known ones."""
        wanted = {name.strip().lower() for name in names.split(",") if name.strip()}
        unknown = wanted - {m.value for m in cls}
        if unknown or not wanted:
            raise ValueError(
                f"modalities must be one or more of {', '.join(cls)}, separated by commas; got {names!r}"
            )
        return tuple(m for m in cls if m in wanted)


MODALITIES = tuple(Modality)


@dataclass(frozen=True)
class Sequence:
    """One modality of a batch of utterances, right-padded.

    values : (B, T, d) float32, the extractor's states; rows past `lengths` are padding
    lengths : (B,) int64, valid steps, at least 1 where present
    present : (B,) bool, False where the utterance lacks the modality or it was switched off
    ids : (B, T) int64 or None, TEXT only: token ids for methods that run the language model
    times : (B, T, 2) float32 or None: start and end of each state in seconds, NaN in rows without times
    """

    values: Tensor
    lengths: Tensor
    present: Tensor
    ids: Tensor | None = None
    times: Tensor | None = None

    @classmethod
    def single(
        cls, states: Tensor | None, dim: int, ids: Tensor | None = None, times: Tensor | None = None
    ) -> Sequence:
        """Batch of one from states (T, dim), token ids (T,) and times (T, 2); an absent one from None."""
        present = torch.tensor([states is not None])
        if states is None:
            states = torch.zeros(1, dim)
        batch = (None if extra is None else extra[None] for extra in (ids, times))
        return cls(states[None].clone(), torch.tensor([len(states)]), present, *batch)

    @classmethod
    def stack(cls, rows: list[Sequence]) -> Sequence:
        """Batches of one as one batch, padded to the longest; a row without ids or times gets 0 or NaN."""
        values = pad_sequence([row.values[0] for row in rows], batch_first=True)

        def stacked(parts: list[Tensor | None], padding: float) -> Tensor | None:
            some = next((part for part in parts if part is not None), None)
            if some is None:
                return None
            batch = some.new_full((len(parts), values.shape[1], *some.shape[2:]), padding)
            for row, part in zip(batch, parts, strict=True):
                if part is not None:
                    row[: part.shape[1]] = part[0]
            return batch

        return cls(
            values,
            torch.cat([row.lengths for row in rows]),
            torch.cat([row.present for row in rows]),
            stacked([row.ids for row in rows], 0),
            stacked([row.times for row in rows], torch.nan),
        )

    def mask(self) -> Tensor:
        """(B, T) bool: True at valid steps of present utterances."""
        return self._mask

    @cached_property
    def _mask(self) -> Tensor:
        with torch.inference_mode(False):  # it may be kept for a training
            steps = torch.arange(self.values.shape[1], device=self.values.device)
            return (steps < self.lengths[:, None]) & self.present[:, None]

    def is_complete(self) -> bool:
        """Whether all rows have all steps, as a batch of one has; a GPU is not asked, which takes waiting."""
        return not self.values.is_cuda and bool(self.mask().all())

    def clean(self) -> Tensor:
        """`values` (B, T, d) with zeros wherever `mask` is False, whatever stood there (NaN too)."""
        return torch.where(self.mask()[..., None], self.values, 0.0)

    def to(self, device: torch.device | str) -> Sequence:
        """The same sequence on `device`."""
        ids = None if self.ids is None else self.ids.to(device)
        times = None if self.times is None else self.times.to(device)
        return Sequence(self.values.to(device), self.lengths.to(device), self.present.to(device), ids, times)

    def select(self, index: Tensor) -> Sequence:
        """Rows `index` (n,) of the batch, cut to their longest length."""
        lengths = self.lengths[index]
        steps = max(1, int(lengths.max()))
        ids = None if self.ids is None else self.ids[index, :steps]
        times = None if self.times is None else self.times[index, :steps]
        return Sequence(self.values[index, :steps], lengths, self.present[index], ids, times)


@dataclass(frozen=True)
class Features:
    """The three `Sequence`s of a batch, always all three; `present` says what is really there."""

    text: Sequence
    audio: Sequence
    vision: Sequence

    def __getitem__(self, modality: Modality | str) -> Sequence:
        return getattr(self, str(modality))

    def __iter__(self) -> Iterator[tuple[Modality, Sequence]]:
        return ((m, self[m]) for m in MODALITIES)

    def __len__(self) -> int:
        """B, the number of utterances."""
        return len(self.text.present)

    def present(self) -> Tensor:
        """(B, 3) bool, columns in `Modality` order."""
        return torch.stack([sequence.present for _, sequence in self], dim=1)

    def keep(self, kept: Tensor) -> Features:
        """The same features with modality m of row b present only where `kept` (B, 3) bool allows."""
        return Features(**{m: replace(s, present=s.present & kept[:, i]) for i, (m, s) in enumerate(self)})

    def only(self, modalities: tuple[Modality, ...]) -> Features:
        """The same features restricted to `modalities` for every row."""
        kept = torch.tensor([m in modalities for m in MODALITIES], device=self.text.present.device)
        return self.keep(kept.expand(len(self), 3))

    def select(self, index: Tensor) -> Features:
        """Rows `index` (n,) of the batch."""
        return Features(**{m: s.select(index) for m, s in self})

    def to(self, device: torch.device | str) -> Features:
        """The same features on `device`."""
        return Features(**{m: s.to(device) for m, s in self})

    def digest(self) -> str:
        """Hex digest, equal for equal features."""
        digest = hashlib.blake2b(digest_size=16)
        for _, s in self:
            for part in (s.values, s.lengths, s.present, s.ids, s.times):
                digest.update(b"" if part is None else part.cpu().numpy().tobytes())
                digest.update(str(part is None or tuple(part.shape)).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Weights:
    """A method's own modality weights: `kind` names what they are, `values` (B, 3) sums to 1 over present."""

    kind: str
    values: Tensor


@dataclass(frozen=True)
class Prediction:
    """What a fusion model returns.

    score : (B,) sentiment in [-3, 3]
    logits : (B, 7) classes -3 … 3 where the method classifies, else None
    weights : the method's own modality weights, or None where it has none
    make_reconstructions, make_traces : what gives `reconstructions` and `traces`, which few look at
    """

    score: Tensor
    logits: Tensor | None = None
    weights: Weights | None = None
    make_reconstructions: Callable[[], dict[Modality, Tensor]] = dict
    make_traces: Callable[[], dict[str, Tensor]] = dict

    @cached_property
    def reconstructions(self) -> dict[Modality, Tensor]:
        """{modality: (B, T, d)} where a method generates; made when read, without a gradient."""
        with torch.no_grad():
            return self.make_reconstructions()

    @cached_property
    def traces(self) -> dict[str, Tensor]:
        """Named tensors for display, batch first; made, without a gradient, when read."""
        with torch.no_grad():
            return {name: trace.detach() for name, trace in self.make_traces().items()}
