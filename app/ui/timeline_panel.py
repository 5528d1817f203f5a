"""The tab that lays words, voice, face and what each moment adds to the score along the player's time."""

from __future__ import annotations

from html import escape

import gradio as gr
import numpy as np

from app.service.moments import ORDERED
from app.service.timeline import Contribution, Curve, Timeline, read_timeline
from app.service.utterance import Utterance
from app.ui import charts, tracks, words
from app.ui.panels import DeepPanel, Desk
from app.ui.shown import Shown, Visit
from app.ui.tracks import Axis
from app.ui.why.figures import number

TALL, LOW = 56, 40  # pixels of a lane


def build(desk: Desk) -> DeepPanel:
    """The panel, empty until there is an answer."""
    analyst = desk.answering.analyst

    def render(shown: Shown | None, visit: Visit) -> list[str]:
        if nothing := charts.nothing_yet(shown, visit.language):
            return [nothing]
        utterance, checkpoint, used = desk.answering.open(shown, visit)
        timeline = read_timeline(utterance, checkpoint, used, analyst.profile)
        player = "clip" if shown.query.video else "recording" if shown.query.audio else ""
        return [draw(timeline, utterance, player, visit.language)]

    return DeepPanel(
        "timeline", [gr.HTML(charts.nothing_yet(None, words.ENGLISH), elem_id="timeline")], render
    )


def draw(timeline: Timeline, utterance: Utterance, player: str, language: str) -> str:
    """The timeline as HTML. player : id of the component that plays the utterance, "" for none."""
    spoken = timeline.spoken.words
    axis, placed, zooms = tracks.lay_out(spoken, timeline.seconds or max(1, len(spoken)))
    everything = [part for parts in timeline.contributions.values() for part in parts]
    most = tracks.scale_of(everything)
    lanes = []
    if spoken:
        told = _told_words(timeline, language)
        content, height = tracks.words_on(axis, placed, told, seek=bool(player))
        lanes.append(tracks.lane(words.say("text", language), "", content, height))
        lanes.append(_adds(timeline, "text", axis, most, _told_parts(timeline, language), language))
    lanes += _voice(timeline, axis, most, language) + _face(timeline, utterance, axis, most, language)
    if timeline.seconds:
        seconds = words.say("timeline_seconds", language)
        lanes.append(tracks.lane(seconds, "", tracks.ticks_on(axis), 22))
    follows = f' data-player="{player}" data-length="{axis.length:.3f}"' if player else ""
    cursor = (
        '<div class="fb-cursor-room" aria-hidden="true"><i class="fb-cursor"></i></div>' if player else ""
    )
    title = words.say("timeline_title", language)
    hint = escape(words.say("timeline_hint" if player else "timeline_no_player", language))
    drawn = "".join(lanes) + cursor
    attributes = f'class="fb-lanes fb-timeline"{follows}'
    return (
        f'<h2 class="fb-title">{escape(title)}<small>{hint}</small></h2>'
        f"{charts.zoomable(title, drawn, zooms, language, attributes)}"
        f"{_notes(timeline, language)}{_table(timeline, language)}"
    )


def _voice(timeline: Timeline, axis: Axis, most: float, language: str) -> list[str]:
    lanes = []
    for name, unit in (("pitch", "Hz"), ("loudness", "dB")):
        curve: Curve | None = getattr(timeline, name)
        if curve is None or np.isnan(curve.values).all():
            continue
        low, high = float(np.nanmin(curve.values)), float(np.nanmax(curve.values))
        if name == "loudness":
            low = max(low, high - 50)  # nobody hears the silence below
        ends = {"low": f"{low:.0f}".replace("-", "−"), "high": f"{high:.0f}".replace("-", "−")}
        middle = f"{np.nanmedian(curve.values):.0f}".replace("-", "−")
        told = words.say(f"timeline_{name}_says", language, middle=middle, **ends)
        drawn = tracks.curve_on(axis, curve, low, high, "audio", told, zero=False)
        title = words.say(f"timeline_{name}", language)
        lanes.append(tracks.lane(title, f"{ends['low']} … {ends['high']} {unit}", drawn, LOW))
    if timeline.voice is not None:
        lanes.append(_valence("audio", timeline.voice, axis, language))
        lanes.append(
            _adds(timeline, "audio", axis, most, _told_windows(timeline, "audio", language), language)
        )
    return lanes


def _face(timeline: Timeline, utterance: Utterance, axis: Axis, most: float, language: str) -> list[str]:
    if timeline.face is None:
        return []
    lanes, track = [], utterance.faces
    if track is not None:
        drawn = tracks.faces_on(axis, track.crops, track.times, language)
        lanes.append(tracks.lane(words.say("vision", language), "", drawn, tracks.PICTURE))
    valence = timeline.face.valence
    moods = tracks.emotions_on(axis, timeline.face.emotions, valence.times, language)
    lanes.append(tracks.lane(words.say("timeline_emotion", language), "", moods, 22))
    lanes.append(_valence("vision", valence, axis, language))
    lanes.append(_adds(timeline, "vision", axis, most, _told_windows(timeline, "vision", language), language))
    return lanes


def _valence(modality: str, curve: Curve, axis: Axis, language: str) -> str:
    name = words.modality_name(modality, language)
    told = words.say(
        "timeline_valence_says", language, name=name, mean=words.signed(float(curve.values.mean()))
    )
    drawn = tracks.curve_on(axis, curve, charts.LOWEST, charts.HIGHEST, modality, told, zero=True)
    return tracks.lane(words.say("timeline_valence", language, name=name), "−3 … +3", drawn, LOW)


def _adds(timeline: Timeline, modality: str, axis: Axis, most: float, told: list[str], language: str) -> str:
    """The lane of contributions of one modality; hatched where it is pulled out."""
    name = words.modality_name(modality, language)
    title = words.say("timeline_adds", language, name=name)
    if modality not in timeline.contributions:
        out = f'<div class="fb-hatched fb-out"><span>{escape(words.say("pulled", language))}</span></div>'
        return tracks.lane(title, "", out, 30)
    parts = timeline.contributions[modality]
    known = [i for i, part in enumerate(parts) if part.value is not None]
    strongest = max(known, key=lambda i: abs(parts[i].value), default=None)
    spoken = words.say("timeline_only", language) if strongest is None else told[strongest]
    said = words.say("timeline_adds_says", language, title=title, strongest=spoken)
    drawn = tracks.bars_on(axis, parts, most, modality, told, said)
    return tracks.lane(title, f"±{number(most)}", drawn, TALL)


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
    parts = timeline.contributions.get("text", ())
    return [timeline.words_of(index) + _added(part, language) for index, part in enumerate(parts)]


def _told_windows(timeline: Timeline, modality: str, language: str) -> list[str]:
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
    text = number(value)
    return f"+{text}" if value > 0 and float(text) else text


def _notes(timeline: Timeline, language: str) -> str:
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
    return f'<p class="fb-small">{escape(" ".join(notes))}</p>'


def _table(timeline: Timeline, language: str) -> str:
    """The same numbers for those who cannot see the bars, or want them all."""
    rows = []
    for modality, parts in timeline.contributions.items():
        name = words.modality_name(modality, language)
        timed = modality != "text" or timeline.spoken.timing != ORDERED
        for index, part in enumerate(parts):
            text = timeline.words_of(index) if modality == "text" else name
            times = (f"{part.start:.2f}", f"{part.end:.2f}") if timed else ("–", "–")
            cells = "".join(f"<td>{cell}</td>" for cell in (*times, _signed(part.value, language)))
            rows.append(f'<tr><th scope="row">{escape(text)}</th>{cells}</tr>')
    heads = "".join(
        f'<th scope="col">{escape(words.say(f"timeline_{key}", language))}</th>'
        for key in ("part", "from", "to", "moves")
    )
    summary = words.say("timeline_table", language)
    table = f'<table class="fb-table"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return (
        f'<details class="fb-numbers"><summary>{escape(summary)}</summary>'
        f"{charts.scrolling(summary, table)}</details>"
    )
