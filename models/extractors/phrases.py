"""Text states -> words: the phrases of a bank whose states are nearest."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models.extractors.local_profile import LocalProfile
from models.extractors.profile import fingerprint
from models.extractors.readers import TextArousal
from models.extractors.text import TextEncoder
from models.tensors import CHECKPOINTS, StoredStates
from models.types import Modality

PHRASES = CHECKPOINTS.parent / "assets" / "phrases.csv"
BATCH = 64
AROUND = 0.5  # of a score: what is as good or as bad
AS_AROUSED = 1 / 3  # share of these phrases that counts as about as aroused


@dataclass(frozen=True)
class Phrase:
    """A phrase of the bank.

    score : sentiment in [-3, 3], given by hand
    similarity : cosine with what was asked for, in [-1, 1]
    """

    text: str
    score: float
    similarity: float


class PhraseBank:
    """Phrases and the mean state (n, 769) of each.

    A state's 768 hidden coordinates are compared by the cosine of their difference from the bank's centre:
    an imagined state lies nearer to the centre than a real one, but in its direction.
    """

    def __init__(self, texts: list[str], scores: list[float], states: Tensor, arousal: TextArousal):
        self.texts, self.scores = texts, scores
        self.arousals = arousal(states[:, None])
        self.centre = states.mean(0)
        self.directions = F.normalize(states - self.centre, dim=1)

    @classmethod
    def load(cls, profile: LocalProfile, folder: Path) -> PhraseBank:
        """The bank of PHRASES; folder : of the profile's extractors, see `phrase_states`."""
        texts, scores = read_phrases()
        states = phrase_states(profile, folder).load()
        return cls(texts, scores, states, TextArousal.load(folder))

    def nearest(
        self, states: Tensor, count: int = 3, score: float | None = None, arousal_rank: float | None = None
    ) -> list[Phrase]:
        """The `count` phrases nearest to the mean of states (T, 769), nearest first.

        score : in [-3, 3]; only phrases whose score is no further than AROUND from it, or from the end of the
        bank's scale where it lies beyond
        arousal_rank : in [0, 1]; only the AS_AROUSED of these phrases around this rank of their arousal
        """
        similarity = self.directions @ F.normalize(states.mean(0) - self.centre, dim=0)
        rows = torch.arange(len(self.texts))
        if score is not None:
            scores = torch.tensor(self.scores)
            wanted = min(max(score, float(scores.min())), float(scores.max()))
            rows = rows[(scores - wanted).abs() <= AROUND]
        if arousal_rank is not None:
            rows, size = rows[self.arousals[rows].argsort()], max(count, round(AS_AROUSED * len(rows)))
            rows = rows[max(0, round(arousal_rank * (len(rows) - size))) :][:size]
        order = similarity[rows].argsort(descending=True)[:count]
        return [
            Phrase(self.texts[row], self.scores[row], float(similarity[row])) for row in rows[order].tolist()
        ]


def read_phrases() -> tuple[list[str], list[float]]:
    """Texts and scores of PHRASES."""
    with PHRASES.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [float(row["score"]) for row in rows]


def phrase_states(profile: LocalProfile, folder: Path) -> StoredStates:
    """What `mean_states` gives for PHRASES, stored in the folder of the profile's extractors."""
    return StoredStates(
        folder / "phrases.safetensors",
        f"{profile.fingerprints[Modality.TEXT]} {fingerprint(PHRASES)}",
        lambda: mean_states(profile.text, read_phrases()[0]),
    )


@torch.inference_mode()
def mean_states(encoder: TextEncoder, texts: list[str]) -> Tensor:
    """Mean text state (n, 769) of each of `texts`, on the CPU."""
    device = next(encoder.parameters()).device
    means = []
    for start in range(0, len(texts), BATCH):
        ids, lengths = encoder.tokenize(texts[start : start + BATCH])
        states = encoder.states(ids.to(device), lengths.to(device)).cpu()
        valid = torch.arange(ids.shape[1]) < lengths[:, None]
        means.append((states * valid[..., None]).sum(1) / lengths[:, None])
    return torch.cat(means).clone()
