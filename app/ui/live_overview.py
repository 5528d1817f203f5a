"""What is shown of a stream: the score now, the last minute of it and of the certainty, and the words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.service.live.reading import HISTORY, Judged, Live, Moment
from app.ui import words
from app.ui.charts import HIGHEST, LOWEST
from app.ui.templates import fill

WIDTH, HEIGHT = 600, 100  # units of the drawings
GAP = 5.0  # s between two scores that no line joins
TICKS = (60, 45, 30, 15)  # seconds ago

Run = list[tuple[float, Judged]]  # what was said without a break, each with its place from the left


@dataclass(frozen=True)
class Shown:
    """What a visitor sees of the stream.

    live : the last that was read; told : key of a phrase beside it, or ""; on : more is to come
    wanted : the modalities whose switches are on
    """

    live: Live = field(default_factory=Live)
    told: str = ""
    on: bool = False
    wanted: tuple[str, ...] = words.MODALITIES


def draw(shown: Shown, language: str) -> str:
    """The overview as HTML."""
    live = shown.live
    if not live.moments:
        return fill("live.message", language, message=words.say(shown.told or "live_begins", language))
    last = live.moments[-1]
    runs = _runs(live.moments)
    return fill(
        "live.overview",
        language,
        judged=last.judged,
        message=words.say("live_nothing_yet" if shown.wanted else "live_all_off", language),
        told=words.say(shown.told, language) if shown.told else "",
        at=last.at,
        clock=words.clock(last.at),
        delay=live.delay if shown.on else None,
        heard=last.heard if last.heard is not None else last.seen,
        bands=[_band(run) for run in runs],
        lines=[_path(run, _heights(judged.score for _, judged in run)) for run in runs],
        ribbons=[ribbon for run in runs for ribbon in _ribbons(run)],
        ticks=[(100 * (1 - ago / HISTORY), f"−{ago}") for ago in TICKS],
        words=[(word.text, word.end <= live.settled or not shown.on) for word in live.words],
    )


def _runs(moments: Sequence[Moment]) -> list[Run]:
    """What was said, apart where nothing was said between or too long nothing came."""
    runs: list[Run] = []
    before: Moment | None = None
    for moment in moments:
        if moment.judged is not None:
            if before is None or before.judged is None or moment.at - before.at > GAP:
                runs.append([])
            ago = moments[-1].at - moment.at
            runs[-1].append((WIDTH * (1 - ago / HISTORY), moment.judged))
        before = moment
    # a single score is drawn as long as a second, so that it can be seen
    return [run if len(run) > 1 else [(run[0][0] - WIDTH / HISTORY, run[0][1]), *run] for run in runs]


def _ribbons(run: Run) -> list[tuple[str, str]]:
    """(modality, path) of the shares of certainty, one above the other, which fill the height."""
    below, ribbons = [0.0] * len(run), []
    for modality in words.MODALITIES:
        shares = [judged.weights.get(modality, 0.0) for _, judged in run]
        above = [low + HEIGHT * share for low, share in zip(below, shares, strict=True)]
        if any(shares):
            ribbons.append((modality, _between(below, above, run)))
        below = above
    return ribbons


def _band(run: Run) -> str:
    lower, upper = (_heights(judged.interval[end] for _, judged in run) for end in (0, 1))
    return _between(lower, upper, run)


def _heights(scores: Iterable[float]) -> list[float]:
    return [HEIGHT * (HIGHEST - score) / (HIGHEST - LOWEST) for score in scores]


def _between(lower: Sequence[float], upper: Sequence[float], run: Run) -> str:
    return _path([*run, *run[::-1]], [*lower, *upper[::-1]]) + "Z"


def _path(run: Run, heights: Sequence[float]) -> str:
    return "M" + "L".join(f"{x:.0f} {y:.1f}" for (x, _), y in zip(run, heights, strict=True))
