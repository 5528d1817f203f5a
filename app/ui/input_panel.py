"""What a visitor gives: a clip, a voice or a sentence; the words in it; a method; or an example."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from app.service.query import Query
from app.ui import words
from app.ui.page_state import PageState
from app.ui.panels import Panel
from models.catalogue import MethodInfo

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
CLIP, AUDIO, TEXT = "clip", "audio", "text"  # the tabs
SOUNDS = {".wav", ".mp3", ".ogg", ".flac", ".m4a"}


@dataclass(frozen=True)
class Example:
    """A clip or a sound of ours.

    titles : in English and in Chinese
    text : what is said in it; None leaves that to speech recognition
    poster : a picture of it, or None
    """

    file: Path
    titles: tuple[str, str]
    text: str | None
    poster: Path | None

    @property
    def tab(self) -> str:
        """The tab it belongs to."""
        return AUDIO if self.file.suffix in SOUNDS else CLIP


def read_examples(folder: Path = EXAMPLES) -> list[Example]:
    """The examples of the folder's index.json, in its order; KeyError for one without file or title."""
    index = folder / "index.json"
    entries = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    return [
        Example(
            folder / entry["file"],
            (entry["title_en"], entry["title_zh"]),
            entry.get("text"),
            folder / entry["poster"] if "poster" in entry else None,
        )
        for entry in entries
    ]


def first_shown(examples: list[Example]) -> Example | None:
    """The example that the page opens with: the first clip."""
    return next((example for example in examples if example.tab == CLIP), None)


@dataclass(frozen=True)
class InputPanel:
    """The components a visitor acts on.

    tab : holds the name of the open tab
    request_number : of the latest question; once it changes, the question is asked
    heard : as JSON, the words of an answer and those that they replace unless the visitor has typed on
    delete : deletes all that the visitor gave, and the answer
    cards : the examples
    """

    tab: gr.Textbox
    tabs: gr.Tabs
    each_tab: dict[str, gr.Tab]
    video: gr.Video
    audio: gr.Audio
    words: gr.Textbox
    method: gr.Dropdown
    analyse: gr.Button
    cancel: gr.Button
    request_number: gr.Textbox
    heard: gr.Textbox
    delete: gr.Button
    cards: list[gr.Button]
    panel: Panel

    @property
    def buttons(self) -> list[gr.Button]:
        """Those that change while a question is being answered."""
        return [self.analyse, self.cancel]

    def while_asking(self) -> dict[gr.Button, dict]:
        """Updates of the buttons once a question is on its way."""
        return {self.analyse: gr.update(interactive=False), self.cancel: gr.update(visible=True)}

    def when_answered(self) -> dict[gr.Button, dict]:
        """Updates of the buttons once there is none."""
        return {self.analyse: gr.update(interactive=True), self.cancel: gr.update(visible=False)}


def build(methods: list[MethodInfo], chosen: str, examples: list[Example]) -> InputPanel:
    """The panel; `methods` as `Analyst.methods` gives them, `chosen` the one to start with."""
    opening = first_shown(examples)
    # In the browser, not in the session: a click on "Analyse" must not overtake the choice of a tab.
    tab = gr.Textbox(CLIP, visible="hidden", elem_id="input-tab")
    with gr.Tabs(selected=CLIP, elem_id="input", overflow_behavior="wrap") as tabs:
        with gr.Tab(words.label("tab_clip"), id=CLIP) as clip_tab:
            video = gr.Video(
                value=str(opening.file) if opening else None,
                sources=["upload", "webcam"],
                include_audio=True,
                label=words.label("video"),
                show_label=False,
                height=300,
                elem_id="clip",
            )
            gr.HTML(words.label("cannot_play"), elem_id="cannot-play")
        with gr.Tab(words.label("tab_audio"), id=AUDIO) as audio_tab:
            audio = gr.Audio(
                sources=["upload", "microphone"],
                type="filepath",
                editable=False,
                buttons=[],  # no sharing
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
        value=(opening.text or "") if opening else "",
        label=words.label("words"),
        info=words.say("words_empty", words.ENGLISH),
        placeholder=words.label("words_placeholder"),
        lines=3,
        max_lines=3,  # what stands below must not move
        elem_id="words",
    )
    method = gr.Dropdown(
        choices=[(info.title, info.spec.name) for info in methods],
        value=chosen,
        label=words.label("method"),
        filterable=False,
        elem_id="method",
    )
    number, heard = gr.Textbox(visible="hidden"), gr.Textbox(visible="hidden")
    gr.HTML(words.label("queue_place"), elem_id="queue-place", visible="hidden")
    with gr.Row(elem_id="ask"):
        analyse = gr.Button(words.label("analyse"), variant="primary", size="lg", elem_id="analyse", scale=3)
        cancel = gr.Button(words.label("cancel"), size="lg", visible=False, elem_id="cancel", scale=1)
    with gr.Row(elem_id="delete"):
        gr.HTML(words.label("delete_hint"), elem_id="delete-hint")
        delete = gr.Button(words.label("delete"), size="sm", min_width=0, scale=0, elem_id="delete-now")
    cards = _cards(examples) if examples else []
    panel = Panel(
        per_clip=[transcript],
        render_clip=lambda state, language: [gr.update(info=note(state, examples, language))],
    )
    each_tab = {CLIP: clip_tab, AUDIO: audio_tab, TEXT: text_tab}
    return InputPanel(
        tab,
        tabs,
        each_tab,
        video,
        audio,
        transcript,
        method,
        analyse,
        cancel,
        number,
        heard,
        delete,
        cards,
        panel,
    )


def _cards(examples: list[Example]) -> list[gr.Button]:
    heading, made = words.label("examples"), words.label("examples_made")
    gr.HTML(f'<h2 class="fb-title">{heading}</h2>', elem_id="examples-title")
    with gr.Row(elem_id="examples"):
        cards = [
            gr.Button(
                words.label_of(f"example_{index}", *example.titles),
                icon=example.poster,
                min_width=0,
                elem_classes=["fb-card"],
            )
            for index, example in enumerate(examples)
        ]
    gr.HTML(made, elem_id="examples-made")
    return cards


def note(state: PageState | None, examples: list[Example], language: str) -> str:
    """What stands above the words of an answer; the words themselves may have been edited since."""
    if state is None:
        return words.say("words_empty", language)
    transcript = state.analysis.transcript
    source = transcript.source if state.analysis.modalities["text"].present else "none"
    if source == "typed" and any(_is_its_script(state.query, example) for example in examples):
        source = "example"
    return words.words_note(transcript, source, language)


def _is_its_script(asked: Query, example: Example) -> bool:
    given = asked.video if example.tab == CLIP else asked.audio
    return given == str(example.file) and asked.text == example.text
