"""One sentence that reads an answer: what decides, what points the other way, what is unsure."""

from __future__ import annotations

import math

from app.service.analysis import label_of
from app.ui import words
from app.ui.page_state import PageState
from models.types import Modality

MOVES = 0.2  # points of the score; what moves it less decides nothing
TOGETHER = 0.8  # of the largest move: what moves the score nearly as far decides with it
POINTS = 0.5  # points of the score that a modality alone must reach to have a direction
UNSURE = math.log(4)  # nats; as if the guess were spread evenly over four of the seven classes


def score_sentence(state: PageState, language: str) -> str:
    """ "Words decide; the voice is unsure; without words it would be −0.5, …"; "" with every fuse out."""
    used = [m for m in words.MODALITIES if state.uses(m)]
    if not used:
        return ""
    clauses = _of_one(state, used[0], language) if len(used) == 1 else _of_several(state, used, language)
    between, end = ("；", "。") if language == words.CHINESE else ("; ", ".")
    told = between.join(clauses)
    return told[0].upper() + told[1:] + end


def _of_one(state: PageState, modality: str, language: str) -> list[str]:
    present = [part for part in state.analysis.modalities.values() if part.present]
    key = "reading_only" if len(present) == 1 else "reading_switched"
    return [words.say(f"{key}_{modality}", language), *_unsure(state, [modality], language)]


def _of_several(state: PageState, used: list[Modality], language: str) -> list[str]:
    parts = state.analysis.modalities
    moves = {m: parts[m].occlusion or 0.0 for m in used}
    most = max(moves.values())
    deciders = [m for m in used if moves[m] >= TOGETHER * most] if most >= MOVES else []
    if len(deciders) == 1:
        decides = words.say(f"reading_decides_{deciders[0]}", language)
        if _is_unsure(state, deciders[0]):
            decides = words.say("reading_decides_unsure", language, decides=decides)
    elif deciders:
        decides = words.say("reading_decide", language, names=words.names(deciders, language))
    else:
        decides = words.say("reading_none_decides", language)
    against = [m for m in used if _opposed(parts[m].score or 0.0, state.analysis.score)]
    return [
        decides,
        *(words.say(f"reading_against_{m}", language) for m in against),
        *_unsure(state, [m for m in used if m not in against and [m] != deciders], language),
        *_without(state, used, deciders, language),
    ]


def _opposed(one: float, other: float) -> bool:
    """True where both scores have a direction, and not the same."""
    return one * other < 0 and min(abs(one), abs(other)) >= POINTS


def _is_unsure(state: PageState, modality: str) -> bool:
    return (state.analysis.modalities[modality].entropy or 0.0) >= UNSURE


def _unsure(state: PageState, modalities: list[str], language: str) -> list[str]:
    unsure = [m for m in modalities if _is_unsure(state, m)]
    if len(unsure) > 1:
        return [words.say("reading_unsure", language, names=words.names(unsure, language))]
    return [words.say(f"reading_unsure_{m}", language) for m in unsure]


def _without(state: PageState, used: list[Modality], deciders: list[Modality], language: str) -> list[str]:
    """What the rest says without the one that decides."""
    if len(deciders) != 1:
        return []
    rest = state.analysis.subsets["+".join(m for m in used if m not in deciders)].score
    names, label = words.names(deciders, language), words.class_label(label_of(rest), language)
    return [words.say("reading_without", language, names=names, score=words.signed(rest), label=label)]
