"""The result of one analysis, as page, command line and API show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from app.service.query import Query
from models.media.clip import Word
from models.types import MODALITIES

LABELS = (
    "strongly negative",
    "negative",
    "weakly negative",
    "neutral",
    "weakly positive",
    "positive",
    "strongly positive",
)


DIGITS = 4  # of the scores in JSON
# the columns of an answer in a table: the ends of its interval, and each modality's share of certainty
FIGURES = ("score", "lo", "hi", "label", *(f"{m}_weight" for m in MODALITIES))


def as_displayed(score: float) -> float:
    """A score as people see it: its four digits in JSON rounded to one decimal, half away from zero, no -0.0.

    NaN stays NaN.
    """
    written = Decimal(str(round(float(score), DIGITS)))
    return float(written.quantize(Decimal("0.1"), ROUND_HALF_UP)) + 0.0


def label_of(score: float) -> str:
    """The label of a score: the class nearest to the score as displayed, half away from zero.

    So equal numbers on the page have equal labels: "+0.5" is always "weakly positive". Past -3 and 3 the
    label is that of the end.
    """
    shown = min(max(as_displayed(score), -3.0), 3.0)
    return LABELS[int(shown + (0.5 if shown >= 0 else -0.5)) + 3]


def side_of(score: float) -> str:
    """ "negative", "neutral" or "positive": a score's label without its strength."""
    return label_of(score).split()[-1]


@dataclass(frozen=True)
class Notice:
    """Something the visitor should know. `code` lets the page translate it; `text` is plain English.

    `values` fills the translation's placeholders.
    """

    code: str
    text: str
    values: dict[str, str | float | int] = field(default_factory=dict)


def noted(notices: Iterable[Notice]) -> str:
    """Notices as one cell of a table."""
    return " ".join(notice.text for notice in notices)


@dataclass(frozen=True)
class Transcript:
    """The words the text modality sees.

    source : "typed", "whisper" or "none"
    words : timed words, empty for typed text and for a translation
    language : two letters (ISO 639-1) of what was recognised, "" for English and for typed text
    original : what was said, where `text` is its translation into English, else ""
    """

    text: str
    source: str
    words: tuple[Word, ...] = ()
    language: str = ""
    original: str = ""

    def to_json(self) -> dict:
        """The documented JSON object: times rounded to 4 digits."""
        return asdict(self) | {"words": [_rounded(asdict(word)) for word in self.words]}


@dataclass(frozen=True)
class ModalityAnalysis:
    """One modality's part.

    present : the clip has it; None where it was not asked for, and so not looked for
    used : present and switched on
    entropy : nats, in [0, log 7], of the modality's own class distribution; None where absent, and where MLA,
    which gives it, was not trained for the profile
    probabilities : that distribution over the classes -3 … 3; None where there is no entropy
    weight : share of certainty, the entropy weight of MLA (CVPR 2024): softmax of -entropy over used
    modalities; None where not used or there is no entropy
    own_weight : the chosen method's own weight; None where not used or the method has none
    score : the chosen method on this modality alone, in [-3, 3]; None where not used
    occlusion : |score - score without this modality|; None where not used or nothing else is used
    """

    present: bool | None
    used: bool
    entropy: float | None = None
    probabilities: list[float] | None = None
    weight: float | None = None
    own_weight: float | None = None
    score: float | None = None
    occlusion: float | None = None


@dataclass(frozen=True)
class SubsetAnswer:
    """What the method says of one subset: score in [-3, 3] and its 80 % interval."""

    score: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Glimpse:
    """What MFM imagines in the place of a modality that is off or absent.

    given : the modalities it was imagined from
    reading : polarity by the modality's own reader, in units of the score, 0 where neutral
    phrase : for words, the nearest of the phrase bank
    face, log_mel : (48, 48, 3) uint8 and (80, frames), for display only, not part of the JSON
    """

    given: tuple[str, ...]
    reading: float
    phrase: str | None = None
    face: np.ndarray | None = None
    log_mel: np.ndarray | None = None


@dataclass(frozen=True)
class FacesFound:
    """The faces of a clip, counted from 1, the most prominent first.

    count : how many; used : the one that the score rests on
    speaking : the one whose mouth moves with the sound, or None
    portraits : (count, 48, 48) uint8, a picture of each, for display only, not part of the JSON
    """

    count: int
    used: int
    speaking: int | None
    portraits: np.ndarray | None = None


@dataclass(frozen=True)
class Analysis:
    """One clip, one method, one subset of modalities.

    score : in [-3, 3]; label : `label_of` it; interval : 80 % split-conformal (lo, hi) within [-3, 3]
    query : what was asked; weights_kind : name of the method's own weights or None
    modalities : {"text", "audio", "vision"} -> ModalityAnalysis
    subsets : {"text+audio": score and interval} of every subset of the present modalities
    timings_ms : milliseconds of each stage; stages answered from the cache are 0
    crops, crop_times, log_mel : for display only, not part of the JSON
    imagined : {modality that is off or absent: Glimpse}, empty where MFM has no weights that fit
    faces : those that were found, or None
    """

    score: float
    label: str
    interval: tuple[float, float]
    query: Query
    weights_kind: str | None
    transcript: Transcript
    modalities: dict[str, ModalityAnalysis]
    subsets: dict[str, SubsetAnswer]
    timings_ms: dict[str, float]
    notices: tuple[Notice, ...] = ()
    crops: np.ndarray | None = None
    crop_times: np.ndarray | None = None
    log_mel: np.ndarray | None = None
    imagined: dict[str, Glimpse] = field(default_factory=dict)
    faces: FacesFound | None = None

    @property
    def method(self) -> str:
        """Registry name of the method that answered."""
        return self.query.method

    @property
    def certain(self) -> bool:
        """True where it is known how sure each modality is."""
        return any(part.entropy is not None for part in self.modalities.values())

    def figures(self) -> dict[str, str | float | None]:
        """FIGURES, rounded to 4 digits; None for what is not known."""
        weights = [self.modalities[m].weight for m in MODALITIES]
        values = _rounded([self.score, *self.interval, self.label, *weights])
        return dict(zip(FIGURES, values, strict=True))

    def without_pictures(self) -> Analysis:
        """The same without faces and voice, which need not be kept."""
        imagined = {m: replace(seen, face=None, log_mel=None) for m, seen in self.imagined.items()}
        faces = self.faces and replace(self.faces, portraits=None)
        return replace(self, imagined=imagined, faces=faces, crops=None, crop_times=None, log_mel=None)

    def to_json(self) -> dict:
        """The documented JSON object: numbers rounded to 4 digits, timings to 0.1 ms."""
        return {
            "score": _rounded(self.score),
            "label": self.label,
            "interval": _rounded(list(self.interval)),
            "method": self.method,
            "weights_kind": self.weights_kind,
            "transcript": self.transcript.to_json(),
            "modalities": {name: _rounded(asdict(part)) for name, part in self.modalities.items()},
            "subsets": {
                name: {"score": _rounded(part.score), "interval": _rounded(list(part.interval))}
                for name, part in self.subsets.items()
            },
            "imagined": {
                name: {"from": list(part.given), "reading": _rounded(part.reading), "phrase": part.phrase}
                for name, part in self.imagined.items()
            },
            "faces": self.faces
            and {"count": self.faces.count, "used": self.faces.used, "speaking": self.faces.speaking},
            "timings_ms": {stage: round(ms, 1) for stage, ms in self.timings_ms.items()},
            "warnings": [notice.text for notice in self.notices],
        }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, DIGITS) + 0.0 if isinstance(value, float) else value  # + 0.0: no "-0.0"
