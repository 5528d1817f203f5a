"""The tab that lays words, voice, face and what each moment adds to the score along the player's time."""

from __future__ import annotations

import gradio as gr
import numpy as np

import app.ui.tabs.timeline_lanes as lanes
from app.service.timeline import Contribution, Curve, Timeline, read_timeline
from app.service.utterance import Utterance
from app.service.word_timing import ORDERED
from app.ui import charts, words
from app.ui.page_state import PageState, Visit
from app.ui.panels import LazyTab, TabContext, nothing_yet
from app.ui.tabs.timeline_lanes import Axis, Lane
from app.ui.templates import fill
from models.types import Modality

TALL, LOW = 56, 40  # pixels of a lane
HEARD_BELOW = 50  # dB under the loudest; nobody hears the silence below


def build(context: TabContext) -> LazyTab:
    """The tab, empty until there is an answer."""
    analyst = context.controller.analyst

    def render(state: PageState | None, visit: Visit) -> list[str]:
        if state is None or not state.on:
            return [nothing_yet(state, visit.language)]
        utterance, checkpoint, used = context.controller.open(state, visit)
        timeline = read_timeline(utterance, checkpoint, used, analyst.profile)
        player = "clip" if state.query.video else "recording" if state.query.audio else ""
        return [draw(timeline, utterance, player, visit.language, state.query.start)]

    return LazyTab("timeline", [gr.HTML(nothing_yet(None, words.ENGLISH), elem_id="timeline")], render)


def draw(timeline: Timeline, utterance: Utterance, player: str, language: str, begins: float = 0.0) -> str:
    """The timeline as HTML.

    player : id of the component that plays the utterance, "" for none
    begins : seconds of what is played at which the utterance begins
    """
    spoken = timeline.spoken.words
    axis, placed, zooms = lanes.lay_out(spoken, timeline.seconds or max(1, len(spoken)))
    everything = [part for parts in timeline.contributions.values() for part in parts]
    most = lanes.scale_of(everything)
    drawn = []
    if spoken:
        name, told = words.say("text", language), _told_words(timeline, language)
        drawn.append(lanes.words_lane(name, axis, placed, told, language, seek=bool(player)))
        drawn.append(_adds(timeline, Modality.TEXT, axis, most, _told_parts(timeline, language), language))
    drawn += _voice(timeline, utterance, axis, most, language) + _face(
        timeline, utterance, axis, most, language
    )
    if timeline.seconds:
        drawn.append(lanes.seconds_lane(axis, language))
    return fill(
        "timeline.tab",
        language,
        group=charts.group_of(words.say("timeline_title", language)),
        lanes=drawn,
        zooms=zooms,
        player=player,
        length=axis.length,
        begins=begins,
        notes=_notes(timeline, language),
        rows=_rows(timeline, language),
    )


def _voice(timeline: Timeline, utterance: Utterance, axis: Axis, most: float, language: str) -> list[str]:
    drawn = []
    for key, unit in (("pitch", "Hz"), ("loudness", "dB")):
        curve: Curve | None = getattr(timeline, key)
        if curve is None or np.isnan(curve.values).all():
            continue
        low, high = float(np.nanmin(curve.values)), float(np.nanmax(curve.values))
        if key == "loudness":
            low = max(low, high - HEARD_BELOW)
        values = {"low": low, "high": high, "middle": np.nanmedian(curve.values)}
        ends = {end: f"{value:.0f}".replace("-", "−") for end, value in values.items()}
        told = words.say(f"timeline_{key}_says", language, **ends)
        name, unit = words.say(f"timeline_{key}", language), f"{ends['low']} … {ends['high']} {unit}"
        drawn.append(
            lanes.curve_lane(Lane(name, unit, LOW, Modality.AUDIO, told), axis, curve, low, high, language)
        )
    if timeline.voice is not None:
        drawn.append(_valence(Modality.AUDIO, timeline.voice, axis, language))
    if Modality.AUDIO in utterance.present:
        told = _told_windows(timeline, Modality.AUDIO, language)
        drawn.append(_adds(timeline, Modality.AUDIO, axis, most, told, language))
    return drawn


def _face(timeline: Timeline, utterance: Utterance, axis: Axis, most: float, language: str) -> list[str]:
    if Modality.VISION not in utterance.present:
        return []
    drawn, track = [], utterance.faces
    if track is not None:
        name = words.say("vision", language)
        drawn.append(lanes.faces_lane(name, axis, track.crops, track.times, language))
    if timeline.face is not None:
        name, valence = words.say("timeline_emotion", language), timeline.face.valence
        drawn.append(lanes.emotions_lane(name, axis, timeline.face.emotions, valence.times, language))
        drawn.append(_valence(Modality.VISION, valence, axis, language))
    told = _told_windows(timeline, Modality.VISION, language)
    drawn.append(_adds(timeline, Modality.VISION, axis, most, told, language))
    return drawn


def _valence(modality: Modality, curve: Curve, axis: Axis, language: str) -> str:
    name, mean = words.modality_name(modality, language), words.signed(float(curve.values.mean()))
    told = words.say("timeline_valence_says", language, name=name, mean=mean)
    lane = Lane(words.say("timeline_valence", language, name=name), "−3 … +3", LOW, modality, told)
    return lanes.curve_lane(lane, axis, curve, charts.LOWEST, charts.HIGHEST, language, zero=True)


def _adds(
    timeline: Timeline, modality: Modality, axis: Axis, most: float, told: list[str], language: str
) -> str:
    """The lane of contributions of one modality; hatched where it is pulled out."""
    title = words.say("timeline_adds", language, name=words.modality_name(modality, language))
    if modality not in timeline.contributions:
        return fill("lanes.pulled", language, name=title)
    parts = timeline.contributions[modality]
    moves = {i: abs(part.value) for i, part in enumerate(parts) if part.value is not None}
    strongest = max(moves, key=lambda i: moves[i], default=None)
    spoken = words.say("timeline_only", language) if strongest is None else told[strongest]
    said = words.say("timeline_adds_says", language, title=title, strongest=spoken)
    lane = Lane(title, f"±{words.number(most)}", TALL, modality, said)
    return lanes.bars_lane(lane, axis, parts, most, told, language)


def _told_words(timeline: Timeline, language: str) -> list[str]:
    """What each word says of itself: when it was said, where that is known, and what it adds."""
    told = []
    for index, word in enumerate(timeline.spoken.words):
        text, part = word.text, timeline.of_word(index)
        if timeline.spoken.timing != ORDERED:
            text += words.say("timeline_at", language, start=f"{word.start:.1f}", end=f"{word.end:.1f}")
        told.append(text + (_added(part, language) if part else ""))
    return told


def _told_parts(timeline: Timeline, language: str) -> list[str]:
    """What each bar of the words says."""
    parts = timeline.contributions.get(Modality.TEXT, ())
    return [timeline.words_of(index) + _added(part, language) for index, part in enumerate(parts)]


def _told_windows(timeline: Timeline, modality: Modality, language: str) -> list[str]:
    return [
        words.say("timeline_window", language, start=f"{part.start:g}", end=f"{part.end:g}")
        + _added(part, language)
        for part in timeline.contributions.get(modality, ())
    ]


def _added(part: Contribution, language: str) -> str:
    return words.say("timeline_added", language, value=_signed(part.value, language))


def _signed(value: float | None, language: str) -> str:
    if value is None:
        return words.say("timeline_only", language)
    text = words.number(value)
    return f"+{text}" if value > 0 and float(text) else text


def _notes(timeline: Timeline, language: str) -> list[str]:
    notes = []
    if timeline.spoken.words:
        notes.append(words.say(f"timeline_words_{timeline.spoken.timing}", language))
        if timeline.words_together > 1:
            notes.append(words.say("timeline_together", language, count=timeline.words_together))
        notes.append(words.say("timeline_marks", language))
    score = words.signed(timeline.score)
    notes.append(words.say("timeline_how", language, parts=timeline.parts, score=score))
    if {"audio", "vision"} & set(timeline.contributions):
        notes.append(words.say("timeline_windows", language, window=f"{timeline.window:g}"))
    return notes


def _rows(timeline: Timeline, language: str) -> list[tuple[str, ...]]:
    """Part, from, to and what it adds: for those who cannot see the bars, or want all the numbers."""
    rows = []
    for modality, parts in timeline.contributions.items():
        name = words.modality_name(modality, language)
        timed = modality != "text" or timeline.spoken.timing != ORDERED
        for index, part in enumerate(parts):
            text = timeline.words_of(index) if modality == "text" else name
            times = (f"{part.start:.2f}", f"{part.end:.2f}") if timed else ("–", "–")
            rows.append((text, *times, _signed(part.value, language)))
    return rows
