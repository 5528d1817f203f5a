"""What the answer rests on: the faces found, the voice as a log-mel picture, and the time each stage took."""

from __future__ import annotations

from html import escape

import gradio as gr

from app.ui import charts, words
from app.ui.panels import Panel
from app.ui.shown import Shown


def build() -> Panel:
    """The panel, as first shown to a visitor who reads English."""
    with gr.Row(elem_id="evidence"):
        with gr.Column(min_width=240):
            faces = gr.HTML(_faces(None, words.ENGLISH), elem_id="faces")
        with gr.Column(min_width=240):
            voice = gr.HTML(_voice(None, words.ENGLISH), elem_id="voice")
    heading = gr.HTML(_timings_heading(None, words.ENGLISH), elem_id="timings-heading")
    timings = gr.HTML(_timings(None, words.ENGLISH), elem_id="timings")
    return Panel(
        per_clip=[faces, voice, heading, timings],
        render_clip=lambda shown, language: [
            _faces(shown, language),
            _voice(shown, language),
            _timings_heading(shown, language),
            _timings(shown, language),
        ],
    )


def _faces(shown: Shown | None, language: str) -> str:
    crops = shown.analysis.crops if shown else None
    if crops is None or not len(crops):
        return _nothing("faces", shown, language)
    strip = charts.face_strip(crops, shown.analysis.crop_times, language)
    return _block("faces", words.say("faces_count", language, count=len(crops)), strip, language)


def _voice(shown: Shown | None, language: str) -> str:
    log_mel = shown.analysis.log_mel if shown else None
    if log_mel is None:
        return _nothing("log_mel", shown, language)
    caption = words.say("log_mel_caption", language, seconds=f"{log_mel.shape[1] / charts.MEL_FRAMES:.1f}")
    return _block("log_mel", caption, charts.log_mel_picture(log_mel, caption), language)


def _timings_heading(shown: Shown | None, language: str) -> str:
    if shown is None:
        return _heading(words.say("timings", language), "")
    spent = shown.analysis.timings_ms
    seconds = spent.get("total", sum(spent.values())) / 1000
    return _heading(
        words.say("timings", language), words.say("timings_all", language, seconds=f"{seconds:.2f}")
    )


def _timings(shown: Shown | None, language: str) -> str:
    """A bar for each stage that took time, in the colour of the modality it works for; "" where none did."""
    spent = shown.analysis.timings_ms if shown else {}
    stages = {name: ms for name, ms in spent.items() if ms > 0 and name != "total"}
    longest = max(stages.values(), default=0)
    rows = "".join(
        f'<tr><th scope="row">{escape(words.stage(name, language))}</th><td><div class="fb-room">'
        f'<i class="fb-{name if name in words.MODALITIES else "other"}" '
        f'style="width:{100 * ms / longest:.1f}%"></i></div></td>'
        f"<td>{words.say('milliseconds', language, count=f'{ms:.0f}')}</td></tr>"
        for name, ms in stages.items()
    )
    return f'<table class="fb-table fb-bars"><tbody>{rows}</tbody></table>' if rows else ""


def _block(key: str, caption: str, content: str, language: str, state: str = "") -> str:
    return f'{_heading(words.say(key, language), caption)}<div class="fb-shown {state}">{content}</div>'


def _nothing(key: str, shown: Shown | None, language: str) -> str:
    if shown is None:
        return _block(key, "", "", language, "fb-waiting")
    return _block(key, words.say(f"{key}_none", language), "", language, "fb-nothing")


def _heading(title: str, caption: str) -> str:
    return f'<h2 class="fb-title">{escape(title)}<small>{escape(caption)}</small></h2>'
