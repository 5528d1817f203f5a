"""Which utterances of a recording have one speaker: their voices' embeddings, clustered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.service.recordings.segment import Segment

SAME = 0.38  # mean cosine distance of two speakers' utterances below which they are one speaker


def with_speakers(segments: Sequence[Segment]) -> list[Segment]:
    """The segments with their speakers, numbered in the order in which they first speak.

    Agglomerative clustering with average linkage: what was told of the first utterances may change as more
    are heard.
    """
    heard = {n: segment.voice for n, segment in enumerate(segments) if segment.voice is not None}
    labels = _clusters(np.stack([*heard.values()])) if heard else []
    numbers: dict[int, int] = {}
    of = {n: numbers.setdefault(int(label), len(numbers) + 1) for n, label in zip(heard, labels, strict=True)}
    return [replace(segment, speaker=of.get(n)) for n, segment in enumerate(segments)]


def _clusters(voices: np.ndarray) -> np.ndarray:
    if len(voices) == 1:
        return np.zeros(1, int)
    from sklearn.cluster import AgglomerativeClustering  # takes a second

    clustering = AgglomerativeClustering(
        n_clusters=None,  # pyright: ignore[reportArgumentType] (the stub knows no None, which the threshold needs)
        distance_threshold=SAME,
        metric="cosine",
        linkage="average",
    )
    return clustering.fit_predict(voices)
