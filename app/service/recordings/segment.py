"""A recording as a list of its utterances, each analysed as a clip is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.service.analysis import FIGURES, Analysis, Transcript, noted

NEIGHBOURS = 3  # utterances before and after one that tell whether the mood turns there
LEAST_TURN = 1.0  # of the score, from those before to those after
MOST_TURNS = 5


@dataclass(frozen=True)
class Segment:
    """One utterance of a recording.

    start, end : seconds of the recording
    transcript : its words
    analysis : of it alone, or None where nothing that was asked for is in it; why : then what is missing
    speaker, face : numbers from 1 in the order in which they first come, None where there is none
    off_screen : the face that is seen is another one's, so the analysis leaves it out
    voice : (256,) embedding, by which speakers are told apart, or None
    portrait : (48, 48) uint8, the mean of the face that is seen, or None
    whole : the analysis with that face
    """

    start: float
    end: float
    transcript: Transcript
    analysis: Analysis | None
    why: str = ""
    speaker: int | None = None
    face: int | None = None
    off_screen: bool = False
    voice: np.ndarray | None = None
    portrait: np.ndarray | None = None
    whole: Analysis | None = None

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def speaker_name(self) -> str:
        """A, B, … Z, A1, …; "" where no voice is heard."""
        if self.speaker is None:
            return ""
        round_, letter = divmod(self.speaker - 1, 26)
        return chr(ord("A") + letter) + (str(round_) if round_ else "")


@dataclass(frozen=True)
class Summary:
    """What a whole recording comes to.

    mean : of the score, each utterance by its length; None where none has a score
    by_speaker : {name: the same of what one speaker says}
    highest, lowest : numbers of the utterances with the greatest and the least score
    turns : numbers of the utterances with which the score turns, the greatest change first
    """

    mean: float | None
    by_speaker: dict[str, float]
    highest: int | None
    lowest: int | None
    turns: tuple[int, ...]


def summarise(segments: Sequence[Segment]) -> Summary:
    """Over the utterances that have a score."""
    scored = [(n, part, part.analysis.score) for n, part in enumerate(segments) if part.analysis]
    if not scored:
        return Summary(None, {}, None, None, ())
    scores = np.array([score for _, _, score in scored])
    seconds = np.array([part.seconds for _, part, _ in scored])
    names = [part.speaker_name for _, part, _ in scored]
    by_speaker = {
        name: float(np.average(scores[mine], weights=seconds[mine]))
        for name in sorted({*names} - {""})
        for mine in [np.array([other == name for other in names])]
    }
    return Summary(
        mean=float(np.average(scores, weights=seconds)),
        by_speaker=by_speaker,
        highest=scored[int(scores.argmax())][0],
        lowest=scored[int(scores.argmin())][0],
        turns=tuple(scored[n][0] for n in _turns(scores)),
    )


def _turns(scores: np.ndarray) -> list[int]:
    """Indices before which the mean of NEIGHBOURS differs most from that after, far enough apart."""
    change = np.zeros(len(scores))
    for n in range(NEIGHBOURS, len(scores) - NEIGHBOURS + 1):
        change[n] = abs(scores[n : n + NEIGHBOURS].mean() - scores[n - NEIGHBOURS : n].mean())
    turns: list[int] = []
    for n in np.argsort(-change, kind="stable"):
        if change[n] < LEAST_TURN or len(turns) == MOST_TURNS:
            break
        if all(abs(n - other) >= NEIGHBOURS for other in turns):
            turns.append(int(n))
    return turns


def row(segment: Segment) -> dict[str, str | float | None]:
    """The columns that tables, JSON and every caller get; None for what is not known."""
    analysis = segment.analysis
    return {
        "start": round(segment.start, 2),
        "end": round(segment.end, 2),
        "speaker": segment.speaker_name,
        "text": segment.transcript.text,
        "original": segment.transcript.original,
        **(analysis.figures() if analysis else dict.fromkeys(FIGURES)),
        "notes": noted(analysis.notices) if analysis else segment.why,
    }
