"""How far the score moves when a part of an utterance is taken out, all parts in one batch.

A word's state knows its neighbours: to take out the states of "love" alone leaves the love in the others.
So the words that are left are read again. Faces know nothing of each other; voice states do, a little, but
half a second is taken out as it was heard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from app.service.word_timing import TimedWord
from models.fusion.base import FusionModel
from models.types import Features, Modality, Sequence

MOST_PARTS = 120  # in a batch, so that two minutes of speech are answered in seconds
MOST_READ = 700  # tokens read again, about a second's work for two cores
FEWEST_PARTS = 6  # of the words, however long the text
FEWEST_WINDOWS = 40  # left to voice and face however many words there are
WINDOWS = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0)  # seconds

ReadTokens = Callable[[Tensor, Tensor], Tensor]  # ids (B, T), lengths (B,) -> text states (B, T, d)


@dataclass(frozen=True)
class Part:
    """States of one modality that are taken out together.

    states : (T,) bool
    start, end : seconds
    """

    modality: Modality
    states: np.ndarray
    start: float
    end: float


def words_in_a_part(words: int, tokens: int) -> int:
    """How many neighbouring words are taken out together.

    At most MOST_READ tokens are read again, unless that would leave fewer than FEWEST_PARTS parts.
    """
    return max(1, -(-words // max(FEWEST_PARTS, MOST_READ // max(1, tokens))))


def parts_of_words(words: list[TimedWord], tokens: int) -> list[Part]:
    """One part for every `words_in_a_part` words; the tokens are all that the text has.

    Where one part holds all words, [CLS] and [SEP] go with it, since nothing is left for them to frame.
    """
    count = words_in_a_part(len(words), tokens)
    parts = []
    for first in range(0, len(words), count):
        group = words[first : first + count]
        states = np.isin(np.arange(tokens), [i for word in group for i in word.tokens])
        if len(group) == len(words):
            states[:] = True
        parts.append(Part(Modality.TEXT, states, group[0].start, group[-1].end))
    return parts


def parts_of_time(modality: Modality, times: np.ndarray, window: float) -> list[Part]:
    """One part for each window of time in which a state (T, 2) of voice or face has its middle."""
    index = np.floor(times.mean(axis=1) / window).astype(int)
    return [
        Part(modality, index == which, float(which * window), float((which + 1) * window))
        for which in np.unique(index)
    ]


def window_for(seconds: float, tracks: int, words: int) -> float:
    """The finest window, in seconds, that keeps `tracks` modalities and the words within MOST_PARTS."""
    room = max(FEWEST_WINDOWS, MOST_PARTS - words)
    return next((w for w in WINDOWS if tracks * np.ceil(seconds / w) <= room), WINDOWS[-1])


@torch.inference_mode()
def contributions(
    model: FusionModel, features: Features, parts: list[Part], read: ReadTokens
) -> tuple[float, list[float | None]]:
    """The score, and for each part the score less what it is without that part.

    features : batch of one; read : the text encoder. None for a part without which nothing is left to score.
    """
    rows = without_each(features, parts, read)
    score, *without = model(rows).score.tolist()
    _, *left = rows.present().any(1).tolist()
    return score, [score - s if any_left else None for s, any_left in zip(without, left, strict=True)]


@torch.inference_mode()
def without_each(features: Features, parts: list[Part], read: ReadTokens) -> Features:
    """The utterance, and in each further row the utterance without one of the parts.

    What follows moves up; a modality of which nothing is left becomes absent.
    """
    rows = {}
    for modality, sequence in features:
        dropped = [part.states if part.modality is modality else None for part in parts]
        rows[str(modality)] = _rows(sequence, dropped)
    return Features(**{**rows, "text": _read_again(rows["text"], read)})


def _rows(sequence: Sequence, dropped: list[np.ndarray | None]) -> Sequence:
    """A row with every step, then one without the `dropped` steps each."""
    if not bool(sequence.present[0]):  # nothing reads it: one step stands for all
        index = torch.zeros(1 + len(dropped), dtype=torch.long, device=sequence.values.device)
        return replace(sequence, lengths=sequence.lengths.clamp_max(1)).select(index)
    kept = torch.ones(1 + len(dropped), int(sequence.lengths[0]), dtype=torch.bool)
    for row, states in enumerate(dropped, start=1):
        if states is not None:
            kept[row] = torch.from_numpy(~states)
    kept = kept.to(sequence.values.device)
    order = kept.long().argsort(dim=1, descending=True, stable=True)  # what stays comes first, in its order

    lengths = kept.sum(1)
    ids, times = (None if extra is None else extra[0][order] for extra in (sequence.ids, sequence.times))
    return Sequence(sequence.values[0][order], lengths, lengths > 0, ids, times)


def _read_again(text: Sequence, read: ReadTokens) -> Sequence:
    """The text with new states in the rows that lack a word."""
    again = (text.present & (text.lengths < text.lengths[0])).nonzero()[:, 0]
    if not len(again) or text.ids is None:
        return text
    states = read(text.ids[again], text.lengths[again])
    return replace(text, values=text.values.index_copy(0, again, states.to(text.values)))
