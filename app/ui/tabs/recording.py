"""The tab that reads a recording of any length utterance by utterance."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.service.recordings.export import FORMATS
from app.ui import words

REPORT = "html"


@dataclass(frozen=True)
class RecordingTab:
    """The components of the tab.

    recording : holds the `Recording` that is shown, or None
    opener : clicked, out of sight, for the utterance whose number `chosen` gets; corrector : for one whose
    speaker or face is wrong, "speaker:3"
    exports : {form: its button}, in `forms`; the report first; handed : saves the file that one of them made
    """

    recording: gr.State
    overview: gr.HTML
    read: gr.Button
    cancel: gr.Button
    whole: gr.Button
    chosen: gr.Textbox
    opener: gr.Button
    corrector: gr.Button
    forms: gr.Row
    exports: dict[str, gr.Button]
    handed: gr.DownloadButton


def build() -> RecordingTab:
    """The tab, before anything is read."""
    recording = gr.State(None)
    gr.HTML(f'<p class="fb-plain">{words.label("recording_about")}</p>')
    with gr.Row():
        read = gr.Button(words.label("recording_read"), elem_id="recording-read", scale=2)
        cancel = gr.Button(words.label("cancel"), visible=False, elem_id="recording-cancel", scale=1)
        whole = gr.Button(words.label("recording_whole"), visible=False, elem_id="recording-whole", scale=1)
    overview = gr.HTML("", elem_id="recording-overview")
    chosen = gr.Textbox(visible="hidden")
    opener = gr.Button(visible="hidden", elem_id="recording-opener")
    corrector = gr.Button(visible="hidden", elem_id="recording-corrector")
    with gr.Row(visible=False, elem_id="recording-forms") as forms:
        names = {REPORT: words.label("recording_save_report")}
        for form in FORMATS:
            told = (words.say("recording_save", language, form=form.upper()) for language in words.BOTH)
            names[form] = words.label_of(f"recording_save_{form}", *told)
        exports = {
            form: gr.Button(name, size="sm", min_width=90, elem_id=f"recording-{form}")
            for form, name in names.items()
        }
    handed = gr.DownloadButton(visible="hidden", elem_id="recording-file")
    return RecordingTab(
        recording, overview, read, cancel, whole, chosen, opener, corrector, forms, exports, handed
    )
