"""The tab that reads many files into one table."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.ui import words
from app.ui.given_files import GivenFiles
from app.ui.many_files import FileTable


@dataclass(frozen=True)
class ManyFilesTab:
    """The components of the tab.

    shown : holds the `FileTable` that is shown
    too_large : JSON of [[name, bytes]] of files that the browser kept back
    opener : clicked, out of sight, for the file whose number `chosen` gets
    handed : saves the table that `save` made
    """

    shown: gr.State
    files: GivenFiles
    too_large: gr.Textbox
    read: gr.Button
    cancel: gr.Button
    save: gr.Button
    overview: gr.HTML
    chosen: gr.Textbox
    opener: gr.Button
    handed: gr.DownloadButton


def build(most: int) -> ManyFilesTab:
    """The tab, before anything is given. most : files that are read"""
    shown = gr.State(FileTable())
    about = words.label_of("many_about", *(words.say("many_about", each, most=most) for each in words.BOTH))
    gr.HTML(f'<p class="fb-plain">{about}</p>')
    files = GivenFiles(
        file_count="multiple", label=words.label("many_files"), height=180, elem_id="many-files"
    )
    too_large = gr.Textbox("[]", visible="hidden")
    with gr.Row():
        read = gr.Button(words.label("many_read"), visible=False, elem_id="many-read", scale=2)
        cancel = gr.Button(words.label("cancel"), visible=False, elem_id="many-cancel", scale=1)
        save = gr.Button(words.label("many_save"), visible=False, elem_id="many-save", scale=1)
    overview = gr.HTML("", elem_id="many-overview")
    chosen = gr.Textbox(visible="hidden")
    opener = gr.Button(visible="hidden", elem_id="many-opener")
    handed = gr.DownloadButton(visible="hidden", elem_id="many-file")
    return ManyFilesTab(shown, files, too_large, read, cancel, save, overview, chosen, opener, handed)
