"""An answer as figures: what the browser keeps of a visit, and what is set beside the next answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.service.take_away import name_of
from app.ui import words
from app.ui.page_state import PageState
from models.types import MODALITIES, Modality

MOST_WORDS = 1000  # characters of the words in a record and in a link
MOST_RECORDS = 50


@dataclass(frozen=True)
class Record:
    """One answer, without its media; what a browser hands back is checked by `from_json`.

    what : the file's name, and the span of it that was read; "" for words alone
    method : name in the registry; modalities : those in use
    score, low, high : and the ends of its 80 % interval, in [-3, 3]
    weights : {modality: share of certainty}; text : the words, at most MOST_WORDS
    when : the visitor's date and time, "" before the browser has told it
    """

    what: str
    method: str
    modalities: tuple[Modality, ...]
    score: float
    low: float
    high: float
    weights: dict[str, float]
    text: str
    when: str = ""

    @classmethod
    def of(cls, state: PageState) -> Record:
        """Of the answer on the page, which has a score."""
        analysis, query = state.analysis, state.query
        what = name_of(query.video, query.audio) if query.video or query.audio else ""
        if what and query.end is not None:
            what += f" {words.clock(query.start)}–{words.clock(query.end)}"
        text = analysis.transcript.text
        return cls(
            what=what,
            method=query.method,
            modalities=state.on,
            score=round(analysis.score, 4),
            low=round(analysis.interval[0], 4),
            high=round(analysis.interval[1], 4),
            weights={m: round(p.weight, 4) for m, p in analysis.modalities.items() if p.weight is not None},
            text=text if len(text) <= MOST_WORDS else text[: MOST_WORDS - 1] + "…",
        )

    def to_json(self) -> str:
        """As the browser keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, value: Any) -> Record | None:
        """From what a browser kept; None for what is no record, or one of another version."""
        try:
            found: dict[str, Any] = dict(value)
            return cls(
                what=str(found["what"])[:300],
                method=str(found["method"])[:100],
                modalities=Modality.parse(",".join(found["modalities"])),
                score=_scored(found["score"]),
                low=_scored(found["low"]),
                high=_scored(found["high"]),
                weights={m: min(max(float(w), 0.0), 1.0) for m, w in _known(found["weights"]).items()},
                text=str(found["text"])[:MOST_WORDS],
                when=str(found.get("when", ""))[:16],
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def read_records(text: str) -> list[Record]:
    """Those of a JSON list, oldest first; what is none is left out."""
    try:
        values = json.loads(text or "[]")
    except ValueError:
        return []
    found = map(Record.from_json, values[-MOST_RECORDS:] if isinstance(values, list) else ())
    return [record for record in found if record is not None]


def read_record(text: str) -> Record | None:
    """One record as JSON; None for "" and for what is none."""
    return next(iter(read_records(f"[{text}]")), None)


def differences(kept: Record, now: Record, titles: Mapping[str, str], language: str) -> list[str]:
    """What is not the same in two answers, each in a few words."""
    told = []
    if kept.what != now.what:
        told.append(words.say("beside_other_input", language))
    if kept.method != now.method:
        told.append(f"{titles.get(kept.method, kept.method)} → {titles.get(now.method, now.method)}")
    if kept.modalities != now.modalities:
        before, after = (words.names(record.modalities, language) for record in (kept, now))
        told.append(f"{before} → {after}")
    if kept.text != now.text:
        told.append(words.say("beside_other_words", language))
    moved = now.score - kept.score
    told.append(words.say("beside_moved", language, moved=words.signed(moved)))
    return told


def _known(weights: Mapping[str, float]) -> dict[str, float]:
    found = dict(weights)
    return {str(m): found[m] for m in MODALITIES if m in found}


def _scored(value: float) -> float:
    if not -10 <= float(value) <= 10:  # NaN too
        raise ValueError(value)
    return float(value)
