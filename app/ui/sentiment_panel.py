"""The answer: score, label, one sentence that reads it, the scale, and what to know about it."""

from __future__ import annotations

from html import escape

import gradio as gr

from app.ui import charts, words
from app.ui.panels import Panel
from app.ui.reading import sentence
from app.ui.shown import Shown

# The note above the words says the first, where it can be acted on; the fuses say the second.
TOLD_ELSEWHERE = ("rough_transcript", "modality_absent")


def build(first: str = "waiting") -> Panel:
    """The panel, as first shown to a visitor who reads English; `first` names what it says to do."""
    told = words.say(first, words.ENGLISH)
    sentiment = gr.HTML(unanswered(told, words.ENGLISH), elem_id="sentiment")
    notices = gr.HTML(_notices(None, words.ENGLISH), elem_id="notices")
    return Panel(
        per_answer=[sentiment, notices],
        render_answer=lambda shown, language: [_sentiment(shown, language), _notices(shown, language)],
    )


def unanswered(message: str, language: str, before: float | None = None) -> str:
    """`message` in place of the score: what to do, or why there is none."""
    scale = charts.gauge(None, None, before, words.say("gauge_empty", language), language)
    return (
        f"{_heading(language)}{_headline('–', message, '', quiet=True)}{_reading('')}{scale}{_foot('', '')}"
    )


def _sentiment(shown: Shown | None, language: str) -> str:
    if shown is None:
        return unanswered(words.say("waiting", language), language)
    before = shown.before.analysis.score if shown.before else None
    if not shown.on:
        return unanswered(words.say("all_out", language), language, before)
    analysis = shown.analysis
    label = words.class_label(analysis.label, language)
    interval = words.interval(analysis, language)
    score = words.signed(analysis.score)
    spoken = words.say("gauge", language, score=score, label=label, interval=interval)
    scale = charts.gauge(analysis.score, analysis.interval, before, spoken, language)
    by = words.say("by", language, method=shown.title)
    headline = _headline(score, label, shown.was(language))
    return f"{_heading(language)}{headline}{_reading(sentence(shown, language))}{scale}{_foot(interval, by)}"


def _heading(language: str) -> str:
    return f'<h2 class="fb-title">{words.say("sentiment", language)}</h2>'


def _headline(score: str, label: str, was: str, quiet: bool = False) -> str:
    return (
        f'<div class="fb-headline{" fb-quiet" if quiet else ""}"><span class="fb-score">{score}</span>'
        f'<span class="fb-label">{escape(label)}</span><span class="fb-was">{escape(was)}</span></div>'
    )


def _reading(told: str) -> str:
    return f'<p class="fb-reading">{escape(told)}</p>'


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
