"""The answer: score, label, one sentence that reads it, the scale, and what to know about it."""

from __future__ import annotations

import gradio as gr

from app.ui import words
from app.ui.page_state import PageState
from app.ui.panels import Panel
from app.ui.score_sentence import score_sentence
from app.ui.templates import fill

# The note above the words says the first, where it can be acted on; the fuses say the second.
TOLD_ELSEWHERE = ("modality_absent",)


def build(first: str = "waiting") -> Panel:
    """The panel, as first shown to a visitor who reads English; `first` names what it says to do."""
    told = words.say(first, words.ENGLISH)
    sentiment = gr.HTML(unanswered(told, words.ENGLISH), elem_id="sentiment")
    notices = gr.HTML(_notices(None, words.ENGLISH), elem_id="notices")
    return Panel(
        per_answer=[sentiment, notices],
        render_answer=lambda state, language: [_sentiment(state, language), _notices(state, language)],
    )


def unanswered(message: str, language: str, before: float | None = None) -> str:
    """`message` in place of the score: what to do, or why there is none."""
    return fill("sentiment.unanswered", language, message=message, before=before)


def _sentiment(state: PageState | None, language: str) -> str:
    if state is None:
        return unanswered(words.say("waiting", language), language)
    before = state.before.analysis.score if state.before else None
    if not state.on:
        return unanswered(words.say("all_out", language), language, before)
    told = {"was": state.was(language), "sentence": score_sentence(state, language)}
    return fill("sentiment.answered", language, state=state, before=before, **told)


def _notices(state: PageState | None, language: str) -> str:
    notices = state.analysis.notices if state else ()
    told = [words.notice(notice, language) for notice in notices if notice.code not in TOLD_ELSEWHERE]
    if any(notice.code == "truncated" for notice in notices):
        told.append(words.say("recording_reads_all", language))
    return fill("sentiment.notices", language, told=told)
