"""What every method says when one modality is perturbed on purpose, from untouched to full strength.

The perturbed input goes through the same extractors as any other. A face is perturbed in its aligned crops,
that is after it was found: in a real film it might not have been found at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from app.service.notices import PLAIN
from app.service.perturbations import KINDS, perturb_faces, perturb_voice, perturb_words
from app.service.query import AnalysisError
from app.service.subsets import Subset
from app.service.utterance import Utterance
from models.checkpoint import Checkpoint
from models.media.clip import Word
from models.types import Features, Modality, Sequence

if TYPE_CHECKING:  # imported where it is loaded: the extractors take seconds
    from models.extractors.face_tracking import FaceTrack
    from models.extractors.profile import Profile

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # of the curve; 0 is the utterance as it is
EXTRACTING = 0.8  # of the time, for a face; the rest is fusion
DOING = {Modality.TEXT: "reading words", Modality.AUDIO: "hearing voice", Modality.VISION: "watching face"}

Trend = tuple[float | None, ...]  # scores at each of STRENGTHS
Progress = Callable[[str, float], None]  # told what is being done, and the share that is done


@dataclass(frozen=True)
class Perturbed:
    """The part of an utterance that was perturbed; only what belongs to the modality is set.

    words : pairs of a word and what it became, None where it was dropped
    waveform : (n,) float32 16 kHz
    log_mel : (80, frames) float32 natural-log mel energies of it
    crops, times : (n, 48, 48) uint8 faces and their seconds
    """

    words: list[tuple[str, str | None]] = field(default_factory=list)
    waveform: np.ndarray | None = None
    log_mel: np.ndarray | None = None
    crops: np.ndarray | None = None
    times: np.ndarray | None = None


@dataclass(frozen=True)
class Robustness:
    """How every method's score moves while one modality is perturbed more and more.

    kind : key of KINDS; seed : of its chance
    curves : {method: its score at each of STRENGTHS}; None where nothing is left to judge
    """

    kind: str
    seed: int
    curves: dict[str, Trend]

    def untouched(self, method: str) -> float:
        """A method's score of the input as it is."""
        score = self.curves[method][0]
        assert score is not None  # strength 0 takes nothing away
        return score


def usable_kinds(used: Subset) -> list[str]:
    """The kinds that disturb one of the modalities in use, in the order of KINDS."""
    return [name for name, kind in KINDS.items() if kind.modality in used]


def measure_robustness(
    utterance: Utterance,
    used: Subset,
    profile: Profile,
    checkpoints: Callable[[str], Checkpoint],
    methods: Iterable[str],
    kind: str,
    seed: int,
    progress: Progress | None = None,
) -> Robustness:
    """The scores of `methods` at every strength of a kind, from the used modalities.

    checkpoints : gives the weights of a name
    AnalysisError where the kind disturbs a modality that is not in use.
    """
    check_kind(used, kind)
    tell = progress or (lambda stage, done: None)
    features = _perturbed_features(utterance, profile, kind, seed, tell).only(used)
    tell("fusing", EXTRACTING)
    left = features.present().any(1)
    judged = features.select(torch.nonzero(left)[:, 0])
    curves = {}
    for method in methods:
        scores = iter(_scores(checkpoints(method), judged))
        curves[method] = tuple(next(scores) if any_left else None for any_left in left.tolist())
    return Robustness(kind, seed, curves)


def perturbed(utterance: Utterance, used: Subset, kind: str, strength: float, seed: int) -> Perturbed:
    """What a person can see and hear of one strength; AnalysisError as `measure_robustness`."""
    modality = check_kind(used, kind)
    if modality is Modality.TEXT:
        words = _units(utterance)
        became = perturb_words([word.text for word in words], kind, strength, seed)
        return Perturbed(words=[(word.text, now) for word, now in zip(words, became, strict=True)])
    if modality is Modality.AUDIO:
        from models.extractors.audio import log_mel

        waveform = _perturbed_voice(utterance, kind, strength, seed)
        return Perturbed(waveform=waveform, log_mel=log_mel(torch.from_numpy(waveform)).numpy())
    faces = _perturbed_faces(utterance, kind, strength, seed)
    return Perturbed(crops=faces.crops, times=faces.times)


def check_kind(used: Subset, kind: str) -> Modality:
    """The modality that a kind disturbs; AnalysisError where it is not in use, ValueError for no kind."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of perturbation {kind!r}; known are {', '.join(KINDS)}")
    modality = KINDS[kind].modality
    if modality not in used:
        raise AnalysisError(
            "stress_unused",
            f"There is no {PLAIN[modality]} in use here to disturb; switch it on, or disturb something else.",
            modalities=str(modality),
        )
    return modality


def _perturbed_features(
    utterance: Utterance, profile: Profile, kind: str, seed: int, tell: Progress
) -> Features:
    """The utterance at each of STRENGTHS, as rows of one batch on the utterance's device."""
    modality = KINDS[kind].modality
    disturb = {Modality.TEXT: _read, Modality.AUDIO: _hear, Modality.VISION: _watch}[modality]
    rows = [utterance.features[modality]]
    device = rows[0].present.device
    for strength in STRENGTHS[1:]:
        tell(DOING[modality], strength * EXTRACTING)
        rows.append(disturb(utterance, profile, kind, strength, seed).to(device))
    whole = utterance.features.select(torch.zeros(len(rows), dtype=torch.long, device=device))
    return replace(whole, **{str(modality): Sequence.stack(rows)})


def _read(utterance: Utterance, profile: Profile, kind: str, strength: float, seed: int) -> Sequence:
    words = _units(utterance)
    became = perturb_words([word.text for word in words], kind, strength, seed)
    kept = [replace(word, text=now) for word, now in zip(words, became, strict=True) if now is not None]
    timed = kept if utterance.transcript.words else ()
    return profile.read(" ".join(word.text for word in kept), timed).sequence


def _hear(utterance: Utterance, profile: Profile, kind: str, strength: float, seed: int) -> Sequence:
    return profile.hear(_perturbed_voice(utterance, kind, strength, seed)).sequence


def _watch(utterance: Utterance, profile: Profile, kind: str, strength: float, seed: int) -> Sequence:
    return profile.embed_faces(_perturbed_faces(utterance, kind, strength, seed))


def _perturbed_voice(utterance: Utterance, kind: str, strength: float, seed: int) -> np.ndarray:
    assert utterance.waveform is not None  # its voice is in use
    return perturb_voice(utterance.waveform, kind, strength, seed)


def _perturbed_faces(utterance: Utterance, kind: str, strength: float, seed: int) -> FaceTrack:
    assert utterance.faces is not None  # its face is in use
    return replace(utterance.faces, crops=perturb_faces(utterance.faces.crops, kind, strength, seed))


def _units(utterance: Utterance) -> list[Word]:
    """The words one by one: a recogniser's with their times, written ones without (both 0)."""
    transcript = utterance.transcript
    return list(transcript.words) or [Word(word, 0.0, 0.0) for word in transcript.text.split()]


@torch.inference_mode()
def _scores(checkpoint: Checkpoint, rows: Features) -> list[float]:
    """One method's score of each row; none of no rows."""
    return checkpoint.model(rows).score.tolist() if len(rows) else []
