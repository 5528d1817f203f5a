"""Who speaks and whose face is seen in each utterance of a recording: voices and faces, clustered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from app.service.analysis import Analysis, Notice, label_of
from app.service.recordings.segment import Segment
from models.checkpoint import subset_name
from models.types import Modality

# mean distances, 1 less the correlation, of two speakers' utterances below which they are one speaker
SAME_VOICE = 0.38
SAME_FACE = 0.4


def with_speakers(read: Iterable[Segment]) -> list[Segment]:
    """The segments with their speakers and faces, numbered in the order in which they first appear.

    Agglomerative clustering with average linkage: what was told of the first utterances may change as more
    come. Where a speaker is heard while another one's face is seen, the face does not count.
    """
    segments = list(read)
    voices = _numbers([segment.voice for segment in segments], SAME_VOICE)
    portraits = [segment.portrait for segment in segments]
    faces = _numbers([None if seen is None else _standardised(seen) for seen in portraits], SAME_FACE)
    whose = _whose(segments, voices, faces)
    return [
        with_face(replace(segment, speaker=speaker, face=face), whose.get(face, speaker) == speaker)
        for segment, speaker, face in zip(segments, voices, faces, strict=True)
    ]


def with_face(segment: Segment, counts: bool) -> Segment:
    """The utterance with the face that is seen in it, or without where that is not the speaker's."""
    analysis = segment.whole
    if counts or analysis is None or not analysis.modalities[Modality.VISION].used:
        return replace(segment, analysis=analysis, off_screen=False)
    bare = without_face(analysis)
    return segment if bare is None else replace(segment, analysis=bare, off_screen=True)


def without_face(analysis: Analysis) -> Analysis | None:
    """The same utterance without its face, from what is known of every subset; None where nothing is left."""
    parts = analysis.modalities
    rest = tuple(Modality(m) for m, part in parts.items() if part.used and m != Modality.VISION)
    if not rest:
        return None
    known = analysis.subsets[subset_name(rest)]
    total = sum(parts[m].weight or 0.0 for m in rest)
    kept = {
        m: replace(part, weight=part.weight and total and part.weight / total, occlusion=None)
        for m, part in parts.items()
        if m in rest
    }
    bare = replace(
        parts[Modality.VISION], used=False, weight=None, own_weight=None, score=None, occlusion=None
    )
    text = "The face that is seen is not the speaker's, so it does not count."
    return replace(
        analysis,
        score=known.score,
        interval=known.interval,
        label=label_of(known.score),
        query=replace(analysis.query, modalities=rest),
        modalities={m: kept.get(m, bare if m == Modality.VISION else part) for m, part in parts.items()},
        notices=(*analysis.notices, Notice("off_screen", text)),
    )


def _whose(
    segments: Sequence[Segment], voices: Sequence[int | None], faces: Sequence[int | None]
) -> dict[int | None, int | None]:
    """{face: the speaker who is mostly heard while it is seen}, where that is the face of theirs too."""
    together: defaultdict[tuple[int, int], float] = defaultdict(float)
    for segment, voice, face in zip(segments, voices, faces, strict=True):
        if voice is not None and face is not None:
            together[voice, face] += segment.seconds
    most = sorted(together, key=together.__getitem__)  # the last one wins
    face_of = dict(most)
    voice_of = {face: voice for voice, face in most}
    return {face: voice for face, voice in voice_of.items() if face_of[voice] == face}


def _standardised(portrait: np.ndarray) -> np.ndarray:
    """(n,) of mean 0, so that cosines are correlations."""
    grey = portrait.astype(np.float64).ravel()
    return grey - grey.mean() + 1e-9


def _numbers(seen: Sequence[np.ndarray | None], same: float) -> list[int | None]:
    """The cluster of each vector, numbered from 1 as they first appear; None for None."""
    known = {n: vector for n, vector in enumerate(seen) if vector is not None}
    labels = _clusters(np.stack([*known.values()]), same) if known else []
    numbers: dict[int, int] = {}
    of = {n: numbers.setdefault(int(label), len(numbers) + 1) for n, label in zip(known, labels, strict=True)}
    return [of.get(n) for n in range(len(seen))]


def _clusters(vectors: np.ndarray, same: float) -> np.ndarray:
    if len(vectors) == 1:
        return np.zeros(1, int)
    from sklearn.cluster import AgglomerativeClustering  # takes a second

    clustering = AgglomerativeClustering(
        n_clusters=None,  # pyright: ignore[reportArgumentType] (the stub does not know that it may be None)
        distance_threshold=same,
        metric="cosine",
        linkage="average",
    )
    return clustering.fit_predict(vectors)
