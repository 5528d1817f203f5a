"""What a fusion method lets one see of how it came to a score: its own traces, of one utterance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from app.service.subsets import Subset, score_subsets
from app.service.utterance import Utterance
from app.service.word_timing import KNOWN, TimedWord, seconds_of, state_times, timed_words
from models.checkpoint import Checkpoint
from models.fusion.flow import flow
from models.fusion.lmf import LMF
from models.fusion.mfm import MFM
from models.fusion.tfn import BLOCKS
from models.types import Features, Modality

TFN_BLOCKS = BLOCKS  # what the entries of TFN's `block_energy` multiply


@dataclass(frozen=True)
class Traces:
    """One method's traces of one utterance, from the used modalities alone.

    named : {trace: its array without the batch axis}, names and shapes as in the docstring of the method's
    `forward`
    weights : {used modality: the method's own weight}, None where it has none
    probabilities : of the fused classes -3 … 3, None where the method does not classify
    adds : {used modality: score less the score without it}, empty where only one is used
    constant : LMF's bias, which its rank terms leave out, else None
    flow : of MFM, {modality: (steps, 2)}, how far what it generates moves with Z_y and with its own latent,
    see `models.fusion.flow`; else empty
    words : those that were read, none where the text modality is not used
    tokens : how many states the text has, with [CLS] and [SEP]
    steps : what the method's common steps stand for, words or seconds; empty where it has no such steps
    seconds : {used modality of voice and face: (T,) seconds of its states}, without those that have no time
    """

    method: str
    score: float
    used: Subset
    named: dict[str, np.ndarray]
    weights: dict[Modality, float] | None
    probabilities: list[float] | None
    adds: dict[Modality, float]
    constant: float | None
    flow: dict[Modality, np.ndarray]
    words: list[TimedWord]
    tokens: int
    steps: list[str]
    seconds: dict[Modality, np.ndarray]

    def axis(self, modality: Modality | str, count: int) -> list[str]:
        """What `count` entries along the time of a modality stand for: words, or seconds with one decimal.

        Where a method averaged a longer sequence to `count` even parts (`models.fusion.attention.shortened`),
        an entry stands for a part. "" where nothing is known of it.
        """
        if modality == Modality.TEXT:
            return _in_parts(self._token_names(), count, " ".join)
        seconds = self.seconds.get(Modality(modality))
        if seconds is None:
            return [""] * count
        return _in_parts(list(seconds), count, lambda part: f"{np.mean(part):.1f}")

    def by_word(self, values: np.ndarray) -> np.ndarray:
        """Means (words, ...) over the tokens of each word, of values (tokens, ...)."""
        return np.stack([values[word.tokens.start : word.tokens.stop].mean(axis=0) for word in self.words])

    def _token_names(self) -> list[str]:
        """The word that each token belongs to, once a word: "" for its later tokens, [CLS] and [SEP]."""
        names = [""] * self.tokens
        for word in self.words:
            names[word.tokens.start] = word.text
        return names


@torch.inference_mode()
def read_traces(utterance: Utterance, checkpoint: Checkpoint, used: Subset) -> Traces:
    """One run of the checkpoint's method on the modalities `used`."""
    model, features = checkpoint.model, utterance.features
    prediction = model(features.only(used))
    named = {name: trace[0].double().cpu().numpy() for name, trace in prediction.traces.items()}
    scores = score_subsets(model, features, used)
    rests = {m: tuple(n for n in used if n != m) for m in used}
    words = timed_words(utterance)
    spoken = words.words if Modality.TEXT in used else []
    tokens = int(features.text.lengths[0]) if spoken else 0
    timed = seconds_of(utterance) is not None
    return Traces(
        method=checkpoint.meta.method,
        score=float(prediction.score[0]),
        used=used,
        named=named,
        weights=scores.own_weights,
        probabilities=None if prediction.logits is None else prediction.logits[0].softmax(-1).tolist(),
        adds={m: scores.score - scores.by_subset[rest] for m, rest in rests.items() if rest},
        constant=float(model.bias) if isinstance(model, LMF) else None,
        flow=_flow(model, features.only(used)) if isinstance(model, MFM) else {},
        words=spoken,
        tokens=tokens,
        steps=_steps(named["spans"], spoken, words.timing == KNOWN, tokens) if "spans" in named else [],
        seconds={m: state_times(utterance, m).mean(axis=1) for m in used if m is not Modality.TEXT and timed},
    )


def _flow(model: MFM, features: Features) -> dict[Modality, np.ndarray]:
    return {modality: norms.double().numpy() for modality, norms in flow(model, features).items()}


def _steps(spans: np.ndarray, words: list[TimedWord], known: bool, tokens: int) -> list[str]:
    """The words, or the second, at which each of the steps (S, 2) starts, without the padding.

    A word stands where most of its first token does, as `models.fusion.alignment` places it.
    """
    count = int(np.flatnonzero(spans[:, 1] > 0).max(initial=-1)) + 1
    spans = spans[:count]
    if not words or not count:
        return [f"{start:.1f}" for start, _ in spans]
    edges = np.linspace(spans[0, 0], spans[-1, 1], tokens + 1)
    names: list[list[str]] = [[] for _ in range(count)]
    for word in words:
        first = word.tokens.start
        start, end = (word.start, word.end) if known else edges[first : first + 2]
        common = np.minimum(spans[:, 1], end) - np.maximum(spans[:, 0], start)
        names[int(common.argmax())].append(word.text)
    return [" ".join(step) for step in names]


def _in_parts(entries: list, count: int, joined: Callable[[list], str]) -> list[str]:
    """One name for each of `count` even parts of the entries; entries past their end have none."""
    if count >= len(entries):
        return [*(joined([entry]) for entry in entries), *[""] * (count - len(entries))]
    parts: list[list] = [[] for _ in range(count)]
    for i, entry in enumerate(entries):
        parts[i * count // len(entries)].append(entry)
    return [joined([entry for entry in part if entry != ""]) for part in parts]
