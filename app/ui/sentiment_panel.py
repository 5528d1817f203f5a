"""The answer: score, label and interval on a fixed scale, the score before, and what to know about it."""

from __future__ import annotations

from html import escape

import gradio as gr

from app.ui import charts, words
from app.ui.shown import Panel, Shown

# The note above the words says the first, where it can be acted on; the fuses say the second.
TOLD_ELSEWHERE = ("rough_transcript", "modality_absent")


def build() -> Panel:
    """The panel, as first shown to a visitor who reads English."""
    sentiment = gr.HTML(_sentiment(None, words.ENGLISH), elem_id="sentiment")
    notices = gr.HTML(_notices(None, words.ENGLISH), elem_id="notices")
    return Panel(
        per_answer=[sentiment, notices],
        render_answer=lambda shown, language: [_sentiment(shown, language), _notices(shown, language)],
    )


def _sentiment(shown: Shown | None, language: str) -> str:
    if shown is None or not shown.on:
        before = shown.before.analysis.score if shown and shown.before else None
        return message(words.say("waiting" if shown is None else "all_out", language), language, before)
    analysis = shown.analysis
    label = words.class_label(analysis.label, language)
    interval = words.interval(analysis, language)
    score = words.signed(analysis.score)
    spoken = words.say("gauge", language, score=score, label=label, interval=interval)
    before = shown.before.analysis.score if shown.before else None
    scale = charts.gauge(analysis.score, analysis.interval, before, spoken, language)
    by = words.say("by", language, method=shown.title)
    return f"{_heading(language)}{_headline(score, label, shown.was(language))}{scale}{_foot(interval, by)}"


def message(said: str, language: str, before: float | None = None) -> str:
    """What stands in the place of a score; `before` is the one that was there."""
    scale = charts.gauge(None, None, before, words.say("gauge_empty", language), language)
    return f"{_heading(language)}{_headline('–', said, '', quiet=True)}{scale}{_foot('', '')}"


def _heading(language: str) -> str:
    return f'<h2 class="fb-title">{words.say("sentiment", language)}</h2>'


def _headline(score: str, label: str, was: str, quiet: bool = False) -> str:
    return (
        f'<div class="fb-headline{" fb-quiet" if quiet else ""}"><span class="fb-score">{score}</span>'
        f'<span class="fb-label">{escape(label)}</span><span class="fb-was">{escape(was)}</span></div>'
    )


def _foot(interval: str, by: str) -> str:
    return f'<div class="fb-foot"><span>{escape(interval)}</span><span>{escape(by)}</span></div>'


def _notices(shown: Shown | None, language: str) -> str:
    told = shown.analysis.notices if shown else ()
    items = [words.notice(notice, language) for notice in told if notice.code not in TOLD_ELSEWHERE]
    return (
        f'<ul class="fb-notices">{"".join(f"<li>{escape(item)}</li>" for item in items)}</ul>'
        if items
        else ""
    )
