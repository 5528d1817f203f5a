"""What a visitor gives: a clip, a voice or a sentence; the words in it; a method; or an example."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from app.ui import words
from app.ui.shown import Panel, Shown

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
CLIP, AUDIO, TEXT = "clip", "audio", "text"  # the tabs


@dataclass(frozen=True)
class Example:
    """A clip of ours; `text` None leaves its words to speech recognition."""

    file: Path
    titles: dict[str, str]
    text: str | None


def read_examples(folder: Path = EXAMPLES) -> list[Example]:
    """The examples named in the folder's index.json, in that order; KeyError for an entry without file or title."""
    index = folder / "index.json"
    entries = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    return [
        Example(
            folder / entry["file"],
            {words.ENGLISH: entry["title_en"], words.CHINESE: entry["title_zh"]},
            entry.get("text"),
        )
        for entry in entries
    ]


@dataclass(frozen=True)
class InputPanel:
    """The components a visitor acts on; `tab` holds the name of the open tab."""

    tab: gr.State
    tabs: gr.Tabs
    each_tab: dict[str, gr.Tab]
    video: gr.Video
    audio: gr.Audio
    words: gr.Textbox
    method: gr.Dropdown
    analyse: gr.Button
    gallery: gr.Gallery | None
    panel: Panel


def build(methods: list[dict], chosen: str, examples: list[Example]) -> InputPanel:
    """The panel; `methods` as `Analyst.methods` gives them, `chosen` the one to start with."""
    tab = gr.State(CLIP)
    with gr.Tabs(selected=CLIP, elem_id="input") as tabs:
        with gr.Tab(words.label("tab_clip"), id=CLIP) as clip_tab:
            video = gr.Video(
                sources=["upload", "webcam"],
                include_audio=True,
                label=words.label("video"),
                show_label=False,
                height=300,
                elem_id="clip",
            )
        with gr.Tab(words.label("tab_audio"), id=AUDIO) as audio_tab:
            audio = gr.Audio(
                sources=["upload", "microphone"],
                type="filepath",
                label=words.label("audio"),
                show_label=False,
                waveform_options=gr.WaveformOptions(
                    waveform_color="#e0b27a", waveform_progress_color="#d97a0b"
                ),
                elem_id="recording",
            )
        with gr.Tab(words.label("tab_text"), id=TEXT) as text_tab:
            gr.HTML(words.label("text_hint"), elem_id="text-hint")
    transcript = gr.Textbox(
        label=words.label("words"),
        info=words.say("words_empty", words.ENGLISH),
        placeholder=words.label("words_placeholder"),
        lines=2,
        max_lines=5,
        elem_id="words",
    )
    method = gr.Dropdown(
        choices=[(entry["title"], entry["name"]) for entry in methods],
        value=chosen,
        label=words.label("method"),
        filterable=False,
        elem_id="method",
    )
    analyse = gr.Button(words.label("analyse"), variant="primary", size="lg", elem_id="analyse")
    gallery = _gallery(examples) if examples else None
    panel = Panel(
        per_clip=[transcript, *([gallery] if gallery else [])],
        render_clip=lambda shown, language: [
            _transcript(shown, language),
            *([gr.update(value=_pictures(examples, language))] if gallery else []),
        ],
    )
    each_tab = {CLIP: clip_tab, AUDIO: audio_tab, TEXT: text_tab}
    return InputPanel(tab, tabs, each_tab, video, audio, transcript, method, analyse, gallery, panel)


def _gallery(examples: list[Example]) -> gr.Gallery:
    return gr.Gallery(
        value=_pictures(examples, words.ENGLISH),
        label=words.label("examples"),
        columns=3,
        height=150,
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id="examples",
    )


def _pictures(examples: list[Example], language: str) -> list[tuple[str, str]]:
    return [(str(example.file), example.titles[language]) for example in examples]


def _transcript(shown: Shown | None, language: str) -> dict:
    if shown is None:
        return gr.update(info=words.say("words_empty", language))
    transcript = shown.analysis.transcript
    return gr.update(
        value=transcript.text, info=words.words_note(transcript.source, transcript.rough, language)
    )
