"""The tabs below the answer: what it rests on, open from the start, and the deeper looks."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.service.device import lends_gpu
from app.ui import words
from app.ui.panels import LazyTab, Panel, TabContext
from app.ui.tabs import (
    compare,
    evidence,
    history,
    imagined,
    live,
    many,
    recording,
    robustness,
    take_away,
    timeline,
    why,
)
from app.ui.tabs.history import HistoryTab
from app.ui.tabs.live import LiveTab
from app.ui.tabs.many import ManyFilesTab
from app.ui.tabs.recording import RecordingTab

EVIDENCE, RECORDING, MANY, LIVE, HISTORY = "evidence", "recording", "many", "live", "history"
# {name of the tab: what builds it}, in their order
LAZY = {
    "imagined": imagined.build,
    "why": why.build,
    "timeline": timeline.build,
    "compare": compare.build,
    "stress": robustness.build,
    "take_away": take_away.build,
}


@dataclass(frozen=True)
class Tabs:
    """The tabs below the answer.

    opened : holds the name of the open one
    each : {name: tab}, the evidence's first; lazy : what the others show
    face : which of several faces is used
    recording : what reads a long one; many : what reads many; live : what reads a camera and a microphone
    history : what lists the answers before
    """

    opened: gr.Textbox
    each: dict[str, gr.Tab]
    evidence: Panel
    lazy: dict[str, LazyTab]
    face: gr.Radio
    recording: RecordingTab
    many: ManyFilesTab
    live: LiveTab
    history: HistoryTab


def build(context: TabContext) -> Tabs:
    """The tabs, as first shown to a visitor who reads English."""
    opened = gr.Textbox(EVIDENCE, visible="hidden")
    each, lazy = {}, {}
    with gr.Tabs(selected=EVIDENCE, elem_id="depth", overflow_behavior="wrap"):
        with gr.Tab(words.label("tab_evidence"), id=EVIDENCE) as each[EVIDENCE]:
            panel, face = evidence.build()
        for name, build_tab in LAZY.items():
            with gr.Tab(words.label(f"tab_{name}"), id=name, elem_id=f"depth-{name}") as each[name]:
                lazy[name] = build_tab(context)
        with gr.Tab(words.label("tab_recording"), id=RECORDING, elem_id="depth-recording") as each[RECORDING]:
            long = recording.build()
        with gr.Tab(words.label("tab_many"), id=MANY, elem_id="depth-many") as each[MANY]:
            files = many.build(context.controller.analyst.settings.max_files)
        # where a GPU is lent for single calls, a stream would use up a visitor's share of it
        fast = not lends_gpu()
        with gr.Tab(words.label("tab_live"), id=LIVE, elem_id="depth-live", visible=fast) as each[LIVE]:
            stream = live.build()
        with gr.Tab(words.label("tab_history"), id=HISTORY, elem_id="depth-history") as each[HISTORY]:
            before = history.build()
    return Tabs(opened, each, panel, lazy, face, long, files, stream, before)
