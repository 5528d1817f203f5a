"""The tab that reads a camera and a microphone while somebody speaks."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.ui import words


@dataclass(frozen=True)
class LiveTab:
    """The components of the tab.

    switches : in modality order
    sent : what the browser has to say, which `assets/live.js` writes
    ticker : clicked by it, out of sight, with a second of sound and frames
    going : "on" while the server wants more of them
    """

    start: gr.Button
    stop: gr.Button
    switches: list[gr.Checkbox]
    overview: gr.HTML
    sent: gr.Textbox
    ticker: gr.Button
    going: gr.Textbox


def build() -> LiveTab:
    """The tab, before it is started."""
    gr.HTML(f'<p class="fb-plain">{words.label("live_about")}</p>')
    with gr.Row(elem_id="live-controls"):
        start = gr.Button(words.label("live_start"), elem_id="live-start", min_width=120)
        stop = gr.Button(words.label("live_stop"), visible=False, elem_id="live-stop", min_width=120)
        switches = [
            gr.Checkbox(
                value=True,
                label=words.label("audio_name" if modality == "audio" else modality),
                container=False,
                min_width=0,
                elem_id=f"live-{modality}",
                elem_classes=["fb-switch", f"fb-fuse-{modality}"],
            )
            for modality in words.MODALITIES
        ]
    gr.HTML('<video muted playsinline hidden aria-hidden="true"></video>', elem_id="live-preview")
    overview = gr.HTML("", elem_id="live-overview")
    sent = gr.Textbox(visible="hidden")
    ticker = gr.Button(visible="hidden", elem_id="live-ticker")
    going = gr.Textbox(visible="hidden")
    return LiveTab(start, stop, switches, overview, sent, ticker, going)
